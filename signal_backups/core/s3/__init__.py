"""One bucket, as S3 has it: objects, versions, locks, lifecycle, thawing, prices; any failure is a typed error.

Not here: which objects are backups (``vault``), which rules and locks a profile asks for (``retention``).

- ``store``: ``S3ObjectStore`` reads, writes, locks and lists objects. ``upload``: how a file goes up.
- ``object_version``: ``ObjectVersion``, one stored version.
- ``bucket``: ``BucketConfiguration``, how the bucket itself is set up.
- ``connection``: how a store is reached. ``client``: a boto3 client for any store.
- ``error_translation``: from S3's error codes to ours. ``request_count``: what was sent.
- ``object_lock``: lock modes and how long a lock lasts. ``storage_classes``: facts about each class.
- ``lifecycle``, ``lifecycle_limits``, ``lifecycle_timeline``, ``lifecycle_words``: rules as data, what S3 refuses, what
  they do to one object, and in words.
- ``thaw``: making archived objects readable. ``prices``: S3's list prices, from ``prices.toml``.
"""
