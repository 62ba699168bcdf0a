"""Metrics: what S3 holds, measured within a budget of requests and shown to Prometheus."""
