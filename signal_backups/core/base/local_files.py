"""What this machine cannot write, told apart from what the network or a server did not answer."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from signal_backups.core.base.errors import LocalStorageError, SignalBackupsError

#: Setting of the folder that holds scratch, outbox, Dagster home and restore journals.
HOME_SETTING = "SIGNAL_BACKUPS_HOME"
#: The system's own, of the folder for temporary files.
TEMPORARY_SETTING = "TMPDIR"

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_IN_THE_WAY = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG})


@contextmanager
def written_locally(path: Path, setting: str = HOME_SETTING) -> Iterator[None]:
    """Turn into a typed error that ``path``, or something below it, cannot be written; other errors pass.

    Args:
        path: the file or folder that is written inside the block.
        setting: the environment variable that names another place.

    Raises:
        LocalStorageError: the disk is full, this user may not write there, or something else is in the way.
    """
    try:
        yield
    except SignalBackupsError:
        raise
    except Exception as error:
        if problem := local_problem(error, path, setting):
            raise problem from error
        raise


@contextmanager
def scratch_folder(root: Path, prefix: str) -> Iterator[Path]:
    """Create a temporary folder in ``root``, for the duration of the block.

    Raises:
        LocalStorageError: it, or a file in it, cannot be written.
    """
    with written_locally(root):
        root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=root, prefix=prefix) as folder:
            yield Path(folder)


def local_problem(error: Exception, path: Path, setting: str = HOME_SETTING) -> LocalStorageError | None:
    """The typed error for ``error`` if it is about a file system; None if it may be about a connection or a bug."""
    if is_spill_full(error):
        place = Path(gettempdir())
        return _problem(errno.ENOSPC, place, TEMPORARY_SETTING)
    if is_disk_full(error):
        return _problem(errno.ENOSPC, path, setting)
    # Errors of connections are OSErrors too, and never have these numbers.
    if not isinstance(error, OSError) or error.errno not in _FULL | _DENIED | _IN_THE_WAY:
        return None
    place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else path
    return _problem(error.errno, place, setting)


def is_disk_full(error: Exception) -> bool:
    """Whether an error, of whatever library, says that a disk is full."""
    return is_spill_full(error) or os.strerror(errno.ENOSPC) in str(error)


def is_spill_full(error: Exception) -> bool:
    """Whether DuckDB could not spill to the disk of temporary files: it has no error of its own for that."""
    return "failed to offload" in str(error) or "max_temp_directory_size" in str(error)


def _problem(number: int, place: Path, setting: str) -> LocalStorageError:
    return LocalStorageError(f"cannot write {place}: {os.strerror(number)}", remedy=_remedy(number, place, setting))


def _remedy(number: int, place: Path, setting: str) -> str:
    if number in _FULL:
        return f"Free space on the disk of {place}, or name a folder on another disk with {setting}, and run it again"
    if number in _DENIED:
        return f"Let this user write there, or name another folder with {setting}, and run it again"
    return f"Move away what is in its place, or name another folder with {setting}, and run it again"
