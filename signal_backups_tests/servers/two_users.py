"""An S3 server with an administrator and a user without rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from signal_backups.embedded import weed
from signal_backups.embedded.seaweedfs import S3Server, SeaweedServer


@contextmanager
def two_users_in(folder: Path) -> Iterator[tuple[S3Server, S3Server]]:
    """The same server with the credentials of its administrator, and with those of a user without rights."""
    users = json.loads(weed.identities("ADMINISTRATOR", "secret-1"))
    stranger = {"name": "stranger", "credentials": [{"accessKey": "STRANGER", "secretKey": "secret-2"}], "actions": []}
    users["identities"].append(stranger)
    (folder / "credentials.json").write_text(json.dumps(users))
    server = SeaweedServer(folder)
    try:
        administrator = server.start()
        yield administrator, replace(administrator, access_key="STRANGER", secret_key="secret-2")
    finally:
        server.stop()
