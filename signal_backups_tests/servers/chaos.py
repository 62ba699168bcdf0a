"""A TCP proxy in front of a server, which injects faults on request.

Signed S3 requests pass it unchanged when the client is pointed at ``url``: what is signed is then the proxy's name.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from signal_backups_tests.servers.faults import Answer, Cut, Fault, Flip, Hang, Refuse, Reset, Way

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
CHUNK = 65_536
CONNECT_TIMEOUT_S = 5.0
DROP_TIMEOUT_S = 10.0


class ChaosProxy:
    """The proxy, from ``with`` to the end of the block; passes everything on until ``strike`` is called."""

    def __init__(self, target_url: str) -> None:
        target = urlsplit(target_url)
        if target.hostname is None or target.port is None:
            raise ValueError(f"{target_url!r} names no host and port")
        self._target = (target.hostname, target.port)
        self._fault: Fault | None = None
        self._left = 0
        self._struck = 0
        self._lock = threading.Lock()
        self._gone = threading.Condition(self._lock)
        self._live: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Closing alone would not wake the thread that waits in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_all()

    @property
    def struck(self) -> int:
        """How many connections a fault has struck so far."""
        return self._struck

    def strike(self, fault: Fault, times: int = -1) -> None:
        """Inject the fault on the next ``times`` connections, on all of them if -1.

        Live connections are dropped: a client would otherwise escape the fault through one that it kept.
        """
        with self._lock:
            self._fault, self._left = fault, times
        self.drop_all()

    def heal(self) -> None:
        """Pass everything on again."""
        with self._lock:
            self._fault, self._left = None, 0

    def drop_all(self) -> None:
        """Reset every live connection, and return when all of them are gone."""
        with self._gone:
            live = set(self._live)
            for connection in live:
                _reset(connection)
            # A reset is sent only once no thread waits in recv(): until then a client would send on what it kept.
            self._gone.wait_for(lambda: not live & self._live, DROP_TIMEOUT_S)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._live.add(client)
                fault = self._take_fault()
            threading.Thread(target=self._serve, args=(client, fault), daemon=True).start()

    def _take_fault(self) -> Fault | None:
        if self._left == 0:
            return None
        self._left -= 1 if self._left > 0 else 0
        self._struck += 1
        return self._fault

    def _serve(self, client: socket.socket, fault: Fault | None) -> None:
        with suppress(OSError):
            match fault:
                case Refuse():
                    _reset(client)
                case Hang():
                    _swallow(client)
                case Answer():
                    _answer(client, fault)
                case _:
                    self._forward(client, fault)
        self._close(client)

    def _forward(self, client: socket.socket, fault: Fault | None) -> None:
        server = socket.create_connection(self._target, CONNECT_TIMEOUT_S)
        server.settimeout(None)
        with self._lock:
            self._live.add(server)
        upwards = threading.Thread(target=_pump, args=(client, server, "up", fault), daemon=True)
        upwards.start()
        _pump(server, client, "down", fault)
        upwards.join()
        self._close(server)

    def _close(self, connection: socket.socket) -> None:
        connection.close()
        with self._gone:
            self._live.discard(connection)
            self._gone.notify_all()


def _pump(source: socket.socket, sink: socket.socket, way: Way, fault: Fault | None) -> None:
    passed = 0
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            if isinstance(fault, Cut | Reset) and way == "down" and passed + len(chunk) > fault.after:
                sink.sendall(chunk[: fault.after - passed])
                _end(source, sink, fault)
                return
            if isinstance(fault, Flip) and fault.way == way:
                chunk = _flipped(chunk, fault.offset - passed)
            sink.sendall(chunk)
            passed += len(chunk)
    # Also after an error: the peer then ends the connection, which wakes the thread that pumps the other way.
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _end(server: socket.socket, client: socket.socket, fault: Cut | Reset) -> None:
    if isinstance(fault, Reset):
        _reset(client)
    else:
        client.shutdown(socket.SHUT_WR)
    server.shutdown(socket.SHUT_RDWR)


def _flipped(chunk: bytes, position: int) -> bytes:
    if not 0 <= position < len(chunk):
        return chunk
    return chunk[:position] + bytes([chunk[position] ^ 1]) + chunk[position + 1 :]


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Wakes a thread that waits in recv(), which would hold the close back.
        connection.shutdown(socket.SHUT_RD)
    connection.close()


def _swallow(client: socket.socket) -> None:
    while client.recv(CHUNK):
        pass


def _answer(client: socket.socket, fault: Answer) -> None:
    _read_request(client)
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{fault.code}</Code><Message>injected</Message></Error>'
    head = f"HTTP/1.1 {fault.status} injected\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    client.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())


def _read_request(client: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = client.recv(CHUNK)
        if not chunk:
            raise ConnectionAbortedError("the client left before it had asked anything")
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    missing = _content_length(head.lower()) - len(body)
    while missing > 0 and (chunk := client.recv(CHUNK)):
        missing -= len(chunk)


def _content_length(head: bytes) -> int:
    # A client that waits for "100 Continue" sends no body to a server that refuses.
    if b"\r\nexpect: 100-continue" in head or b"\r\ncontent-length:" not in head:
        return 0
    return int(head.split(b"\r\ncontent-length:", 1)[1].split(b"\r\n", 1)[0])
