"""The attacks: how an administrator of the bucket alters a stored day, and how far the traces are removed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from signal_backups.core.ledger.chained_log import ChainedLog
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.signals.merkle import MerkleTree, leaves
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.signals import HASHED, NUMBERS, producer_hash

Records = list[dict[str, str]]
Alteration = Callable[[Records], None]


def edit_a_row(records: Records) -> None:
    records[1]["target_price"] = "99999.5"


def edit_a_row_and_its_hash(records: Records) -> None:
    edit_a_row(records)
    row = {name: float(records[1][name]) if name in NUMBERS else records[1][name] for name in HASHED}
    records[1]["verification_hash"] = producer_hash(row)


def delete_a_row(records: Records) -> None:
    del records[1]


def duplicate_a_row(records: Records) -> None:
    records.insert(2, dict(records[1]))


def reorder_rows(records: Records) -> None:
    records[0], records[1] = records[1], records[0]


ALTERATIONS: dict[str, Alteration] = {
    "Edit a row": edit_a_row,
    "Edit a row and its hash": edit_a_row_and_its_hash,
    "Delete a row": delete_a_row,
    "Duplicate a row": duplicate_a_row,
    "Reorder rows": reorder_rows,
}


class Intruder:
    """An attacker with every right on the bucket who knows our formats and removes every version that is not locked."""

    def __init__(self, vault: BackupVault, slot: BackupSlot) -> None:
        self._vault = vault
        self._client = vault.store._client
        self._slot = slot

    def alter(self, alteration: Alteration) -> None:
        """Change the records of the day."""
        key = self._vault.layout.backup_key(self._slot)
        text = self._vault.store.get_bytes(key)[0].decode()
        header, *_ = text.splitlines()
        records = list(csv.DictReader(io.StringIO(text)))
        alteration(records)
        out = io.StringIO()
        writer = csv.DictWriter(out, header.split(","), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        self._replace(key, out.getvalue().encode())

    def rewrite_manifest(self) -> None:
        """Make the day's manifest describe the altered records."""
        key = self._vault.layout.manifest_key(self._slot)
        self._replace(key, self._forged(Manifest.from_bytes(self._vault.store.get_bytes(key)[0], key)).to_bytes())

    def rewrite_chain(self) -> None:
        """Put the forged manifest into the chain, and make all that follows, manifests and events, fit it again."""
        forged = Manifest.from_bytes(
            self._vault.store.get_bytes(self._vault.layout.manifest_key(self._slot))[0], "forged"
        )
        manifests: dict[int, str] = {}
        previous = ""
        for entry in list(self._vault.manifest_log.entries()):
            manifest = forged if entry.number == forged.number else Manifest.from_bytes(entry.body, entry.key)
            body = manifest.model_copy(update={"previous": previous or manifest.previous}).to_bytes()
            self._replace(entry.key, body)
            self._replace(self._vault.layout.manifest_key(BackupSlot(manifest.day)), body)
            previous = manifests[entry.number] = sha256(body).hexdigest()
        self._rewrite_events(self._vault.trail.log, manifests)

    def remove_anchors(self) -> None:
        """Remove what the bucket itself holds of the anchors."""
        for anchor in self._vault.store.list_versions(self._vault.layout.anchor_prefix):
            self._remove(anchor)

    def _rewrite_events(self, log: ChainedLog, manifests: dict[int, str]) -> None:
        previous = ""
        for entry in list(log.entries()):
            event: dict[str, Any] = json.loads(entry.body)
            event["previous"] = previous or event["previous"]
            if named := event["details"].get("manifest"):
                named["sha256"] = manifests[named["number"]]
            body = (json.dumps(event, sort_keys=True) + "\n").encode()
            self._replace(entry.key, body)
            previous = sha256(body).hexdigest()

    def _forged(self, manifest: Manifest) -> Manifest:
        body, version_id = self._vault.store.get_bytes(manifest.backup.key)
        records = list(csv.DictReader(io.StringIO(body.decode())))
        tree = MerkleTree()
        tree.add(leaves(bytes.fromhex(record["verification_hash"]) for record in records))
        stored = {"version_id": version_id, "bytes": len(body), "sha256": sha256(body).hexdigest()}
        return manifest.model_copy(
            update={
                "backup": manifest.backup.model_copy(update=stored),
                "records": len(records),
                "merkle_root": tree.root().hex(),
            }
        )

    def _replace(self, key: str, body: bytes) -> None:
        """Put other bytes under a key and remove every version there was, as far as the bucket allows."""
        before = self._vault.store.list_versions(key)
        self._vault.store.put_bytes(key, body, "application/json")
        for version in before:
            self._remove(version)

    def _remove(self, version: ObjectVersion) -> None:
        with suppress(ClientError):
            self._client.delete_object(Bucket=self._vault.store.bucket, Key=version.key, VersionId=version.version_id)
