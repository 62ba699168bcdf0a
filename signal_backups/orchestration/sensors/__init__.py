"""What Dagster evaluates every few minutes.

A sensor gathers facts, asks for runs or notifies people, and keeps its state in its cursor. Not here: deciding what is
due (``core.monitoring``).

- ``late_rows``: days that changed in the database. ``stale_partitions``: days that S3 does not hold verified.
- ``alerts``: notifications. ``conditions``: what Dagster's instance shows of what is wrong.
"""
