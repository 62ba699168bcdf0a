"""An S3 server that refuses to store some objects, and passes every other request on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOST = "127.0.0.1"
_DENIED = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>by policy</Message></Error>'
_OF_THE_CONNECTION = {"transfer-encoding", "connection", "content-length"}


class _Server(ThreadingHTTPServer):
    def __init__(self, target: str, refused: set[str]) -> None:
        super().__init__((HOST, 0), _Handler)
        self.target = target
        self.refused = refused


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        """As the base class, for any method."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline:
            self.close_connection = True
        elif self.parse_request():
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.command == "PUT" and any(part in self.path for part in self.server.refused):
                self._answer(403, [("Content-Type", "application/xml")], _DENIED, len(_DENIED))
            else:
                self._pass_on(body)

    def _pass_on(self, body: bytes) -> None:
        with closing(HTTPConnection(self.server.target, timeout=60)) as connection:
            # The Host header is signed, so it goes on as it came.
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            response = connection.getresponse()
            content = response.read()
            headers = [(name, value) for name, value in response.getheaders() if name.lower() not in _OF_THE_CONNECTION]
            length = int(response.headers.get("Content-Length") or len(content))
            self._answer(response.status, headers, content, length)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, length: int) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def refusing_to_store(target_url: str, refused: set[str]) -> Iterator[str]:
    """Serve until the end of the block; yields the URL to use instead of ``target_url``.

    Args:
        target_url: the server behind.
        refused: parts of keys that may not be written; may change meanwhile.
    """
    with _Server(urlsplit(target_url).netloc, refused) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
