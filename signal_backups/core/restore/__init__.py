"""Choosing the right version of each day, fetching and verifying it, importing it whole, comparing what arrived.

Not here: S3's thawing as such (``s3.thaw``), drills (``drill``).

- ``selection`` chooses, ``fetch`` downloads and verifies, ``targets`` import, ``run`` goes through the days.
- ``journal``: continuing an interrupted restore. ``salvage``: the good rows of a damaged backup.
- ``reconcile``: the live source compared with its backups. ``undelete``: a good version becomes current again.
- ``request_thaw``, ``audit_event``, ``report``: asking for a thaw, the event of a restore, its result.
"""
