"""Tests of restore drills."""
