"""The S3 server that this project can bring along, so that it runs on a laptop without any account.

Not here: talking S3 (``core.s3``), deciding whether an embedded server is wanted (``core.config``).

- ``using_server`` (``seaweedfs``): the server for the duration of a block, shared between processes.
- ``idle_stop``: the process that stops it after some minutes without use.
- ``weed``, ``ports``, ``processes``: SeaweedFS's program, its ports, and processes that outlive their parent.
"""
