"""A process that stops the embedded S3 server when nobody has used it for a while."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from signal_backups.embedded.seaweedfs import SeaweedServer

if TYPE_CHECKING:
    from collections.abc import Callable


def stop_when_idle(server: SeaweedServer, pid: int, idle_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return when a server has ended, by this or by anybody else.

    Args:
        server: the server.
        pid: its process.
        idle_s: seconds without a user after which it is stopped.
        sleep: waits for seconds.
    """
    while server.is_process(pid):
        if not server.stop_if_idle(idle_s):
            left = idle_s - server.unused_for()
            # Idle for long enough but in use just now: ask again after a whole period.
            sleep(left if left > 0 else idle_s)
    # Who removes the folder removes the pid file, and leaves the server running.
    server.end_process(pid)


if __name__ == "__main__":
    stop_when_idle(SeaweedServer(Path(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3]))
