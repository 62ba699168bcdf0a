"""Finding out whether a store refuses to create an object that exists; some (Ceph 16) overwrite it instead."""

from __future__ import annotations

from signal_backups.core.base.errors import ConflictError
from signal_backups.core.s3.store import S3ObjectStore

_BODY = b"Created again and again, to see whether this store refuses to create what exists.\n"


def honours_conditional_writes(store: S3ObjectStore, key: str) -> bool:
    """Whether the store keeps two writers from both creating the same object.

    Takes one request when it does and the object is there already. When it does not, two small versions are stored.

    Args:
        store: the store.
        key: an object that nothing else uses.
    """
    # ``create_bytes`` would take an object with the same bytes for its own.
    return any(_is_refused(store, key) for _ in range(2))


def _is_refused(store: S3ObjectStore, key: str) -> bool:
    try:
        store.put_bytes(key, _BODY, "text/plain", only_new=True)
    except ConflictError:
        return True
    return False
