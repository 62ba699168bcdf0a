"""Alerts: which conditions people are notified of, when, in which words, and through which channels.

Not here: finding conditions (``monitoring`` for what S3 shows, ``orchestration.sensors`` for what Dagster shows).

- ``condition``: one thing that is wrong. ``storage_conditions``: the conditions that S3 shows.
- ``state``: open alerts, and which notifications are due.
- ``notifier``, ``channels``, ``text``: sending them.
"""
