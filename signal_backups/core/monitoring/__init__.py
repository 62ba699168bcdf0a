"""Compares what S3 holds with what it should hold by now, and notifies people of the difference.

Not here: starting new backups (sensors in ``orchestration``), the retention window as a whole (``retention_audit``).

- ``observation``: the state of each day, from a bounded number of requests. ``verifications``: the last verification
  of each day, from the audit trail. ``new_events``: audit events since the last read.
  ``last_reads``: when each day was last read back.
- ``repair_plan``: which days to back up again, and when. ``last_drill_and_audit``: when each was last done.
- ``alerts``, ``metrics``, ``status``: notifications, Prometheus, and the answer to "is everything backed up?".
"""
