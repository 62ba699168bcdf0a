"""Tests of the Dagster layer, on a real S3 server.

What belongs here: what Dagster sees and records. What does not: the rules of a backup (``core``), or a running Dagster
(``e2e``).
"""
