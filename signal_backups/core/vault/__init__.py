"""The backups of a bucket: where each object is, which version is vouched for, and verified writes.

Not here: making a backup (``backup``), restoring one (``restore``), judging the file (``signals.verify_csv``).

- ``vault``: ``BackupVault`` finds backups, manifests and versions. ``caching_vault``: the same, for repeated use.
- ``layout``: the keys. ``manifest``: ``Manifest``, what is claimed of one backup.
- ``day_state``: the states of a day and what is said of each. ``stored_days``: the state of each day in the bucket.
- ``log_index``: which slot each entry of the manifest log is about. ``findings``: what examinations found.
- ``genuine``: which manifests are in the manifest log.
- ``writing``: storing a CSV, reading it back, letting a manifest vouch for it. ``verify_stored``: checking it again.
"""
