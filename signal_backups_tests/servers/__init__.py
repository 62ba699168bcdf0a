"""Servers that only tests need: S3 in memory and on Ceph, PostgreSQL, Prometheus, receivers of alerts, faults.

The embedded S3 server is not one of them: users get it too. ``contract`` holds all S3 servers to the same behaviour.
"""
