"""Evidence that no backup was changed, which needs no trust in the bucket or in this software.

Not here: writing events and manifests (``ledger``, ``vault``), verifying one CSV file (``signals.verify_csv``).

- ``log`` examines the audit trail and the manifest log. ``anchors`` keeps their tree head outside of the bucket.
- ``proof`` proves that one signal is in a backup. ``examine_trail`` examines everything, as a ``TrailReport``.
"""
