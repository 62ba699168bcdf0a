"""Receivers of alerts: mail over SMTP, JSON over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller

#: The secret part of a channel's address, which must appear nowhere.
SECRET = "hush-hush"


@dataclass(frozen=True)
class Received:
    """One alert that came in."""

    title: str
    body: str
    to: tuple[str, ...] = ()


@dataclass
class Receiver:
    """Alerts received so far; ``url`` is the Apprise address. While ``refuses`` is set, every alert is refused."""

    url: str
    received: list[Received] = field(default_factory=list)
    refuses: bool = False
    refused: int = 0

    @property
    def titles(self) -> list[str]:
        return [each.title for each in self.received]

    def take(self) -> list[Received]:
        """The alerts received since the last call."""
        taken = list(self.received)
        self.received.clear()
        return taken


@contextmanager
def http_receiver(path: str = SECRET) -> Iterator[Receiver]:
    """Takes Apprise's JSON at a secret path."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            document: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if receiver.refuses or self.path != f"/{path}":
                receiver.refused += 1
                self.send_error(401)
                return
            receiver.received.append(Received(document["title"], document["message"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so named by its base class
            """Tests read what arrived, not what was logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"json://127.0.0.1:{server.server_port}/{path}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def smtp_receiver(*recipients: str) -> Iterator[Receiver]:
    """Takes mail without asking who sends it; the address has the recipients, by default one."""
    receiver = Receiver("")

    class Handler:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            if receiver.refuses:
                receiver.refused += 1
                return "554 refused"
            mail = message_from_bytes(envelope.content)
            text = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
            body = text.get_payload(decode=True)
            assert isinstance(body, bytes)
            title = str(make_header(decode_header(str(mail["Subject"]))))
            receiver.received.append(Received(title, body.decode("utf-8"), tuple(envelope.rcpt_tos)))
            return "250 OK"

    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    to = ",".join(recipients or ("night@example.com",))
    query = f"mode=insecure&format=text&from=backups@example.com&to={to}"
    receiver.url = f"mailto://127.0.0.1:{port}?{query}"
    try:
        yield receiver
    finally:
        controller.stop()
