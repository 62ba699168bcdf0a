"""Restores days: chooses a version of each, fetches and verifies it, imports it, and compares what arrived.

Not here: thaw states and tiers of S3 (``s3.thaw``), drills (``drill``).

- ``selection`` chooses versions, ``fetch`` downloads and verifies them, ``targets`` import them, ``run`` does all days.
- ``journal``: continues an interrupted restore. ``salvage``: takes the good rows out of a damaged backup.
- ``reconcile``: compares the live source with its backups. ``undelete``: makes a good version current again.
- ``request_thaw``: requests thaws. ``audit_event``: the audit event of a restore. ``report``: its result.
"""
