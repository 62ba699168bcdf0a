"""Does the store refuse to create an object that exists? Some (Ceph 16) ignore the question and overwrite it.

What belongs here: finding out. What does not: what follows from it (``numbered_log``).
"""

from __future__ import annotations

from signal_backups.core.base.errors import ConflictError
from signal_backups.core.s3.store import S3ObjectStore

_BODY = b"Created again and again, to see whether this store refuses to create what exists.\n"


def honours_conditional_writes(store: S3ObjectStore, key: str) -> bool:
    """Whether two writers can never both create the same key.

    Costs one request where it is honoured and the object is there. Where it is not, two versions of a few bytes more.

    Args:
        store: the store.
        key: an object that nothing else uses.
    """
    # Not ``create_bytes``, which takes an object with the same bytes for its own.
    return any(_is_refused(store, key) for _ in range(2))


def _is_refused(store: S3ObjectStore, key: str) -> bool:
    try:
        store.put_bytes(key, _BODY, "text/plain", only_new=True)
    except ConflictError:
        return True
    return False
