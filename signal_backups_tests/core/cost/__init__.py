"""Tests of what storing costs."""
