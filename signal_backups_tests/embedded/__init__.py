"""Tests of the embedded S3 server."""
