"""The retention audit: every day of the retention window compared with what the profile promises.

Not here: the bucket's set-up (``retention.policy``), examining the logs (``integrity``).

- ``run``: ``audit_retention`` returns a ``RetentionAudit`` (``report``), ``store_report`` stores it in the bucket.
- ``evidence`` reads S3, ``check_day`` finds the problems of a day, ``deletions`` records unrecorded deletions.
- ``heat_map``, ``page``: the audit as a picture and as an HTML page.
"""
