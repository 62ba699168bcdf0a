"""Tests of the servers the project brings along."""
