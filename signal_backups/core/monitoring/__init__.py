"""Watching: what S3 holds against what it should hold by now, and what to do about the difference."""
