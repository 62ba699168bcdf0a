"""Logs for tests, made fast, and what a bucket's administrator can do to them with plain boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from signal_backups.core.ledger.chained_log import FIRST, ChainedLog, Entry, Link
from signal_backups.core.ledger.event import Action, Actor, Occurrence
from signal_backups.core.s3.object_version import ObjectVersion

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Name of the bucket in memory.
BUCKET = "bucket"
START = datetime(2026, 1, 2, 2, tzinfo=UTC)
ACTOR = Actor(user="tests", host="here")
_WRITERS = 16


def occurrence(number: int, **changes: Any) -> Occurrence:
    """An occurrence, a minute after the one before."""
    at = START + timedelta(minutes=number)
    known = {"id": f"{number:032x}", "at": at, "actor": ACTOR, "action": Action.VERIFICATION, "result": "passed"}
    return Occurrence(**known | {"details": {"count": number}} | changes)


def bodies_of(count: int, first: Link | None = None, **changes: Any) -> list[bytes]:
    """The bytes of events that follow one another, from a place on."""
    link = first or Link(1, FIRST)
    bodies = []
    for number in range(link.number, link.number + count):
        body = occurrence(number, **changes).to_bytes(link)
        bodies.append(body)
        link = Link(number + 1, Entry(number, "", "", body).sha256)
    return bodies


@dataclass(frozen=True)
class Admin:
    """Somebody with every right on a bucket, and one of its logs."""

    client: S3Client
    log: ChainedLog

    def put(self, key: str, body: bytes) -> str:
        """Store anything anywhere."""
        bucket = self.log.store.bucket
        return self.client.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]

    def put_events(self, count: int) -> None:
        """Store a good log of events, many at a time."""
        with ThreadPoolExecutor(_WRITERS) as writers:
            list(writers.map(lambda one: self.put(self.log.key_of(one[0]), one[1]), enumerate(bodies_of(count), 1)))

    def versions(self, number: int) -> list[ObjectVersion]:
        """All versions of an entry, newest first."""
        return self.log.store.list_versions(self.log.key_of(number))

    def body(self, number: int) -> bytes:
        """The current bytes of an entry."""
        return self.log.store.get_bytes(self.log.key_of(number))[0]

    def hide(self, key: str) -> None:
        """Put a delete marker on an object."""
        self.client.delete_object(Bucket=self.log.store.bucket, Key=key)

    def erase(self, key: str, *, but_newest: bool = False) -> None:
        """Delete all versions of an object for good, or all but the newest."""
        for version in self.log.store.list_versions(key)[1 if but_newest else 0 :]:
            self.client.delete_object(Bucket=self.log.store.bucket, Key=key, VersionId=version.version_id)

    def replace(self, key: str, body: bytes) -> None:
        """Put other bytes in the place of an object, without a trace of what was there."""
        self.put(key, body)
        self.erase(key, but_newest=True)

    def put_over(self, number: int, change: Callable[[dict[str, Any]], Any]) -> None:
        """Put an edited version over an entry."""
        self.put(self.log.key_of(number), edited(self.body(number), change))

    def edit(self, number: int, change: Callable[[dict[str, Any]], Any]) -> None:
        """Put an edited version in the place of an entry."""
        self.replace(self.log.key_of(number), edited(self.body(number), change))


def edited(body: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """An entry's bytes, one field of it changed."""
    document = json.loads(body)
    change(document)
    return (json.dumps(document, sort_keys=True) + "\n").encode("ascii")


def failed(document: dict[str, Any]) -> None:
    """Turn what passed into what failed, or the other way round."""
    document["result"] = "failed" if document.get("result") == "passed" else "passed"
