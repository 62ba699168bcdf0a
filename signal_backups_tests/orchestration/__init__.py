"""Tests of the Dagster layer, on a real S3 server: what Dagster sees and records.

Not here: the rules of a backup (``core``), a running Dagster (``e2e``).

- ``world``: one test's database, bucket and instance. ``signals``: rows that a producer could have written.
- ``faulty``: sources and stores that fail on demand. ``alerts``, ``ticks``, ``heartbeats``: for tests of sensors.
"""
