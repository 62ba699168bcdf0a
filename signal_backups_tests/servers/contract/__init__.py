"""What the project relies on of S3, tested alike on the in-memory S3, on SeaweedFS and on Ceph.

Where one of them differs, ``differences`` says what it does instead, and the tests expect exactly that.
"""
