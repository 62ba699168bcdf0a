"""The retention audit: every day of the retention window compared with what the profile promises.

Not here: the bucket's set-up (``retention.policy``), examining the logs (``integrity``).

- ``audit_retention`` (``run``) returns a ``RetentionAudit`` (``report``) and keeps it in the bucket.
- ``evidence`` is what was read of a day, ``judge_day`` finds its problems, ``deletions`` records what was deleted.
- ``heat_map``, ``page``: a picture and an HTML page of it.
"""
