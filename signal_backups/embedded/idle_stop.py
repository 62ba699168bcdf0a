"""The process that stops the embedded S3 server when it has been idle."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from signal_backups.embedded.seaweedfs import SeaweedServer

if TYPE_CHECKING:
    from collections.abc import Callable


def stop_when_idle(server: SeaweedServer, pid: int, idle_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Stop a server when it has been idle; returns when it has ended, for whatever reason.

    Args:
        server: the server.
        pid: its process id.
        idle_s: seconds without a user after which it is stopped.
        sleep: sleeps for some seconds.
    """
    while server.is_process(pid):
        if not server.stop_if_idle(idle_s):
            left = idle_s - server.unused_for()
            # The last use began long ago and has not ended: check again after a whole period.
            sleep(left if left > 0 else idle_s)
    # If somebody removed the folder with its pid file, the server still runs.
    server.end_process(pid)


if __name__ == "__main__":
    stop_when_idle(SeaweedServer(Path(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3]))
