"""Append-only logs in S3: numbered objects, each carrying the SHA-256 of the one before.

Not here: checking that nothing was changed (``integrity``), what a manifest says (``vault``).

- ``chained_log``: ``ChainedLog``, for several writers at once. ``conditional_writes``: whether a store allows that.
- ``event``: ``Event``, with its ``Action`` and ``Result``. ``audit_trail``: ``AuditTrail`` records and reads events.
- ``batch_events``: recording what was done to many objects. ``outbox``: events that could not be stored yet.
- ``announcements``: manifests that are about to be logged, so that no killed process leaves one without its event.
- ``tail``: reading the newest events alone. ``damage``: what a listing shows to be missing or overwritten.
- ``rolling_segments``: copies of entries in few objects, each a ``segment_line``. ``listed_events``: reading a whole
  trail through them.
"""
