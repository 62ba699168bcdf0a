"""A process that stops the embedded S3 server when nobody has used it for a while."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from signal_backups.embedded.seaweedfs import SeaweedServer

if TYPE_CHECKING:
    from collections.abc import Callable


def stop_when_idle(server: SeaweedServer, idle_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return when the server has been stopped, by this or by anybody else.

    Args:
        server: the server.
        idle_s: seconds without a user after which it is stopped.
        sleep: waits for seconds.
    """
    while not server.is_gone():
        if not server.stop_if_idle(idle_s):
            left = idle_s - server.unused_for()
            # Idle for long enough but in use just now, or the clock was set back: ask again after a whole period.
            sleep(left if 0 < left <= idle_s else idle_s)


if __name__ == "__main__":
    stop_when_idle(SeaweedServer(Path(sys.argv[1])), float(sys.argv[2]))
