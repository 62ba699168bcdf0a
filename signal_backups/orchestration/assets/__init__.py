"""What Dagster materializes: the three backup assets of each day, and the assets that watch.

Here a report becomes metadata and answers of checks. Not here: making the report, or deciding what is right (``core``).

- ``daily_backup``: the backup assets. ``day_run``: one day through their stages. ``daily_backup_checks``,
  ``daily_backup_metadata``: what the UI shows of a day. ``partition_events``: how Dagster wants the events of one day.
- ``watching``: the factory of the watching assets, with job and schedule. ``bucket_policy``, ``audit_trail``,
  ``restore_drill``, ``retention_audit``, ``storage_cost``, ``rolling_reconciliation``, ``scrub``, ``store_probes``:
  one each.
- ``pictures``, ``previews``: small helpers.
"""
