"""How long the bucket keeps which object, in which storage class, under which lock: planned, set up and checked.

Not here: what S3 itself accepts and does (``s3``), the check of every single day (``retention_audit``).

- ``profile``, ``load_profile``: a ``Profile`` is read from TOML; the shipped ones are in ``profiles/``.
- ``rules``, ``lifecycle_plan``: the lifecycle rules of a profile, and how they differ from the bucket's.
- ``setup_plan``, ``setup``: what to change in a bucket, and changing it. ``policy``: whether it still matches.
- ``holds``, ``lock_extension``, ``stored_versions``: legal holds and longer locks on stored versions.
- ``iam``: the least-privilege policy of each role.
"""
