"""Waiting for servers, and ports for them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

HOST = "127.0.0.1"
POLL_S = 0.2

Answer = TypeVar("Answer")


def wait_for(condition: Callable[[], Answer | None], timeout: float, what: str) -> Answer:
    """The first answer that is not None, False or empty."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(POLL_S)
    return answer


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])
