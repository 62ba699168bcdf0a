"""Records of what was done to the backups: each a new object, never changed.

What belongs here: writing one. What does not: what is worth a record (``restore.undelete``, ``retention``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from signal_backups.core.store import JSON_TYPE
from signal_backups.core.vault import BackupVault


def write_record(
    vault: BackupVault, kind: str, action: str, actor: str, at: datetime, details: Mapping[str, Any]
) -> str:
    """Store a record and return its key.

    Args:
        vault: whose backups it is about.
        kind: its folder.
        action: what was done.
        actor: who did it.
        at: when, UTC.
        details: what else there is to say, in JSON's types.
    """
    key = vault.layout.record_key(kind, at, uuid4().hex[:8])
    body = {"action": action, "at": at.isoformat(), "actor": actor, **details}
    vault.store.put_bytes(key, (json.dumps(body, indent=2) + "\n").encode("ascii"), JSON_TYPE)
    return key
