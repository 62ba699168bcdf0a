"""Locks on files that keep processes apart; the system releases them when their holder dies."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock alone; waits until nobody else holds it."""
    with _opened(path) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def exclusive_or_not(path: Path) -> Iterator[bool]:
    """Try to hold the lock alone; yields whether it is held."""
    with _opened(path) as lock:
        yield is_last_holder(lock)


@contextmanager
def shared(path: Path) -> Iterator[int]:
    """Hold the lock together with other sharers; yields the handle for ``is_last_holder``."""
    with _opened(path) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield lock


def is_last_holder(lock: int) -> bool:
    """Turn a shared lock into an exclusive one if nobody else shares it; otherwise give the lock up."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lock
    finally:
        # Closing alone would not release it while a forked child still has the file open.
        fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)
