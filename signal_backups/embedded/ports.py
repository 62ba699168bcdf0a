"""The TCP ports of the embedded S3 server."""

from __future__ import annotations

import random
import socket
from dataclasses import astuple, dataclass

from signal_backups.core.base.errors import StoreError

HOST = "127.0.0.1"
GRPC_OFFSET = 10_000
# Ports and gRPC ports are disjoint ranges, and both end below the ports of outgoing connections on Linux (32768 up).
CANDIDATES = range(12_768, 22_768)


@dataclass(frozen=True)
class Ports:
    """One port for each part of the server; the gRPC port of each is ``GRPC_OFFSET`` higher."""

    s3: int
    master: int
    volume: int
    filer: int
    admin: int

    def are_free(self) -> bool:
        """Return whether nobody listens on any of the ports or gRPC ports."""
        return all(_pair_is_free(port) for port in astuple(self))


def pick_ports() -> Ports:
    """Choose free ports at random, so that servers started at the same time rarely collide.

    Raises:
        StoreError: too few ports of this machine are free.
    """
    free = (port for port in random.sample(CANDIDATES, len(CANDIDATES)) if _pair_is_free(port))
    try:
        return Ports(s3=next(free), master=next(free), volume=next(free), filer=next(free), admin=next(free))
    except StopIteration as error:
        raise StoreError(
            f"no free ports between {CANDIDATES.start} and {CANDIDATES.stop - 1} for the embedded S3 server",
            remedy="End programs that listen there, then try again",
            transient=True,
        ) from error


def is_free(port: int) -> bool:
    """Return whether nobody listens on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Like the server: connections of an earlier run in TIME_WAIT do not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _pair_is_free(port: int) -> bool:
    return is_free(port) and is_free(port + GRPC_OFFSET)
