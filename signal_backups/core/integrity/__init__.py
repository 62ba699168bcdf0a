"""Proving that nothing was changed, without trusting the bucket or this software.

Not here: writing events and manifests (``ledger``, ``vault``), checking one backup's content (``signals.verify_csv``).

- ``log``: examining the two chained logs. ``anchors``: pinning them from outside. ``proof``: proving a single signal.
- ``examine_trail``: all of it together, as a ``TrailReport``.
"""
