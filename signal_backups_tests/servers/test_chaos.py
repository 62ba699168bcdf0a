"""Each fault of the proxy, as a client sees it."""

from __future__ import annotations

from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from signal_backups.embedded.processes import wait_until
from signal_backups_tests.servers.chaos import ChaosProxy
from signal_backups_tests.servers.faults import Answer, Cut, Fault, Flip, Hang, Refuse, Reset

if TYPE_CHECKING:
    from collections.abc import Iterator


BODY = bytes(range(256)) * 4096


class Echo(BaseHTTPRequestHandler):
    """Answers a GET with ``BODY`` and a PUT with what was put."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(BODY)

    def do_PUT(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class QuietServer(ThreadingHTTPServer):
    """Prints nothing when a client resets its connection."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with QuietServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def proxy(target: str) -> Iterator[ChaosProxy]:
    with ChaosProxy(target) as proxy:
        yield proxy


@contextmanager
def connected(proxy: ChaosProxy, timeout: float = 2) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection(urlsplit(proxy.url).netloc, timeout=timeout)) as connection:
        yield connection


def ask(connection: HTTPConnection, method: str = "GET", body: bytes | None = None) -> HTTPResponse:
    connection.request(method, "/", body)
    return connection.getresponse()


def test_without_a_fault_everything_passes(proxy: ChaosProxy) -> None:
    with connected(proxy) as connection:
        assert ask(connection).read() == BODY
        assert ask(connection, "PUT", BODY).read() == BODY
    assert proxy.struck == 0


def test_refuse(proxy: ChaosProxy) -> None:
    proxy.strike(Refuse())
    with connected(proxy) as connection, pytest.raises(ConnectionError):
        ask(connection)


def test_hang(proxy: ChaosProxy) -> None:
    proxy.strike(Hang())
    with connected(proxy, timeout=0.1) as connection, pytest.raises(TimeoutError):
        ask(connection)


@pytest.mark.parametrize("body", [b"", BODY])
def test_answer(proxy: ChaosProxy, body: bytes) -> None:
    proxy.strike(Answer(503, "SlowDown"))
    with connected(proxy) as connection:
        response = ask(connection, "PUT", body)
        assert response.status == 503
        assert b"<Code>SlowDown</Code>" in response.read()


def test_cut(proxy: ChaosProxy) -> None:
    proxy.strike(Cut(after=100_000))
    with connected(proxy) as connection, pytest.raises(IncompleteRead) as cut:
        ask(connection).read()
    assert 99_000 < len(cut.value.partial) < 100_000


def test_reset(proxy: ChaosProxy) -> None:
    proxy.strike(Reset(after=100_000))
    with connected(proxy) as connection, pytest.raises(ConnectionResetError):
        ask(connection).read()


@pytest.mark.parametrize("offset", [300, 70_000, len(BODY)])
def test_flip_down(proxy: ChaosProxy, offset: int) -> None:
    proxy.strike(Flip(offset))
    with connected(proxy) as connection:
        assert different_bits(ask(connection).read()) == 1


@pytest.mark.parametrize("offset", [300, 70_000, len(BODY)])
def test_flip_up(proxy: ChaosProxy, offset: int) -> None:
    proxy.strike(Flip(offset, "up"))
    with connected(proxy) as connection:
        assert different_bits(ask(connection, "PUT", BODY).read()) == 1


def different_bits(received: bytes) -> int:
    assert len(received) == len(BODY)
    return (int.from_bytes(received, "big") ^ int.from_bytes(BODY, "big")).bit_count()


@pytest.mark.parametrize("fault", [Refuse(), Answer(500, "InternalError"), Cut(10), Reset(10), Flip(9)])
def test_only_the_first_connections_are_struck(proxy: ChaosProxy, fault: Fault) -> None:
    proxy.strike(fault, times=2)
    assert [fetched(proxy) for _ in range(4)] == [False, False, True, True]
    assert proxy.struck == 2


def fetched(proxy: ChaosProxy) -> bool:
    try:
        with connected(proxy) as connection:
            response = ask(connection)
            return response.read() == BODY and response.status == 200
    except (ConnectionError, HTTPException):
        return False


def test_healed_it_passes_everything_on_again(proxy: ChaosProxy) -> None:
    proxy.strike(Refuse())
    assert not fetched(proxy)
    proxy.heal()
    assert fetched(proxy)


def test_a_kept_connection_does_not_escape(proxy: ChaosProxy) -> None:
    with connected(proxy) as connection:
        assert ask(connection).read() == BODY
        proxy.strike(Refuse())
        with pytest.raises(ConnectionError):
            ask(connection)


def test_drop_all_ends_a_waiting_connection(proxy: ChaosProxy) -> None:
    proxy.strike(Hang())
    with connected(proxy) as connection:
        connection.request("GET", "/")
        assert wait_until(lambda: proxy.struck > 0, 10)
        proxy.drop_all()
        with pytest.raises(ConnectionResetError):
            connection.getresponse()


def test_the_end_of_the_block_closes_the_port(target: str) -> None:
    with ChaosProxy(target) as proxy:
        assert fetched(proxy)
    with connected(proxy) as connection, pytest.raises(ConnectionRefusedError):
        connection.connect()


def test_a_server_that_is_down_looks_like_one() -> None:
    with ChaosProxy("http://127.0.0.1:1") as down, connected(down) as connection, pytest.raises(ConnectionError):
        ask(connection)
