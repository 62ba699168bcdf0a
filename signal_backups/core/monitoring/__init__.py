"""What S3 holds compared with what it should hold by now, and who is notified of the difference.

Not here: doing something about it (sensors in ``orchestration``), the retention window as a whole
(``retention_audit``).

- ``observation``: each day's state from a bounded number of requests. ``verifications``, ``new_events``: what events
  say.
- ``repair_plan``: which days to back up again, and when. ``overdue``: drills and audits that are late.
- ``alerts``, ``metrics``, ``status``: notifications, Prometheus, and the answer to "is everything backed up?".
"""
