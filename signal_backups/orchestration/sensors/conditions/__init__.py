"""Conditions that Dagster's instance shows: failed runs, checks that do not pass, schedules and sensors.

Not here: conditions that S3 shows (``core.monitoring.alerts.storage_conditions``), reading the instance
(``orchestration.instance``), notifying people (``sensors.alerts``).

- ``snapshot``: ``InstanceSnapshot``, which every condition is found in.
- ``runs``, ``asset_checks``, ``ticks``: the conditions.
"""
