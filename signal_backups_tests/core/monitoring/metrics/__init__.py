"""Metrics: measuring, and how they are shown."""
