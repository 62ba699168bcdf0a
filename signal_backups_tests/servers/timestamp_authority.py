"""A time-stamp authority (RFC 3161) on this machine: openssl behind a small HTTP server."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HOST = "127.0.0.1"
ANSWER_TYPE = "application/timestamp-reply"
CONFIG = """\
[tsa]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
ess_cert_id_alg = sha256
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650")
SIGNER = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=critical,timeStamping",
)

#: From a request's body to a status and the answer's body.
Behaviour = Callable[[bytes], tuple[int, bytes]]


@dataclass
class Authority:
    """A running authority; ``behaviour`` may be replaced, and is ``stamp`` otherwise."""

    url: str
    ca_file: Path
    behaviour: Behaviour

    @property
    def ca_pem(self) -> bytes:
        """The certificate of its CA."""
        return self.ca_file.read_bytes()

    def answer_with(self, status: int, body: bytes) -> None:
        """Give this answer to every request from now on."""
        self.behaviour = lambda _: (status, body)

    def stamp(self, query: bytes) -> bytes:
        """What openssl answers to a request."""
        with tempfile.TemporaryDirectory() as folder:
            asked, answered = Path(folder, "query"), Path(folder, "answer")
            asked.write_bytes(query)
            _openssl(
                self.ca_file.parent, "ts", "-reply", "-config", "config", "-section", "tsa", "-queryfile", str(asked),
                "-out", str(answered),
            )  # fmt: skip
            return answered.read_bytes()


@contextmanager
def timestamp_authority(folder: Path, *, digests: str = "sha256, sha384, sha512") -> Iterator[Authority]:
    """An authority with a CA of its own for the duration of the block.

    Args:
        folder: for its keys and certificates; made when it is not there.
        digests: the hashes it stamps; it refuses others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _make_certificates(folder)
    (folder / "serial").write_text("01\n")
    (folder / "config").write_text(CONFIG.format(digests=digests))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = authority.behaviour(self.rfile.read(int(self.headers["Content-Length"])))
            with suppress(ConnectionError):  # who asked may have gone
                self.send_response(status)
                self.send_header("Content-Type", ANSWER_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has
            pass

    with HTTPServer((HOST, 0), Handler) as server:
        url = f"http://{HOST}:{server.server_port}"
        authority = Authority(url, folder / "ca.pem", lambda query: (200, authority.stamp(query)))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join()


def verified_by_openssl(token: Path, data: Path, ca_file: Path) -> bool:
    """What an auditor does: whether ``openssl ts -verify`` accepts a time stamp."""
    arguments = ["ts", "-verify", "-data", str(data), "-in", str(token), "-CAfile", str(ca_file)]
    return subprocess.run(["openssl", *arguments], capture_output=True, check=False).returncode == 0


def _make_certificates(folder: Path) -> None:
    _openssl(folder, "req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA")
    extensions = [part for extension in SIGNER for part in ("-addext", extension)]
    _openssl(
        folder, "req", "-x509", *KEY, "-keyout", "tsa.key", "-out", "tsa.pem", "-subj", "/CN=Test authority",
        "-CA", "ca.pem", "-CAkey", "ca.key", *extensions,
    )  # fmt: skip


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True)
