"""The embedded S3 server (SeaweedFS), with which the project runs on a laptop without an account.

Not here: S3 requests (``core.s3``), deciding whether to use the embedded server (``core.config``).

- ``seaweedfs``: ``using_server`` provides the server for the duration of a block, shared between processes.
- ``idle_stop``: the process that stops the server after some minutes without use.
- ``weed``, ``ports``, ``processes``: SeaweedFS's program, its ports, and processes that outlive their parent.
"""
