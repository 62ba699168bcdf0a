"""Tests of the watching."""
