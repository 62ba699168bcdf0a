"""Small bundles made up from a seed, without a store: random rows, gaps, re-backups, quarantine, anchors."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random

from signal_backups.core.bundle.content import UNVOUCHED, BundleContent, BundleDay, BundleFile, DayEntry
from signal_backups.core.bundle.write import write_bundle
from signal_backups.core.ledger.chained_log import Link
from signal_backups.core.ledger.event import Action, Actor, Occurrence
from signal_backups.core.signals.fields import CSV_COLUMNS
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest, SourceFingerprint, StoredFile, VerificationResult
from signal_backups_tests.samples.signals import NUMBERS, Row, producer_hash

FIRST_DAY = date(2026, 11, 1)
NOW = datetime(2026, 11, 20, 2, 45, tzinfo=UTC)
BUCKET = "signals-of-tests"
ZEROS = "0" * 64
#: How many days' rows there are to choose from; judging one takes the engine a while.
POOL = 100

Files = dict[str, bytes]

_LETTERS = "abcXYZ019 _-.,;:'\"\\/{}\n\r\t\0é€ß😀"
_INTEGRAL = (1.0, 87.0, 100.0, 2.0**53, 1e15, 1e16, 1e22, 1e38, 1e300)


def sha(body: bytes) -> str:
    """SHA-256, hex."""
    return sha256(body).hexdigest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """The root of RFC 6962, word for word as it is defined there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1" + tree_root(leaves[:split]) + tree_root(leaves[split:])).digest()


def csv_bytes(rows: Sequence[Row], columns: Sequence[str] = CSV_COLUMNS) -> bytes:
    """Rows as a backup CSV; None is nothing."""
    lines = [",".join(columns), *(",".join(_field(row.get(name)) for name in columns) for row in rows)]
    return "".join(f"{line}\n" for line in lines).encode()


def _field(value: object) -> str:
    if value is None:
        return ""
    text = repr(value) if isinstance(value, float) else str(value)
    return '"' + text.replace('"', '""') + '"' if not text or set(text) & set(',"\r\n') else text


def row_root(rows: Sequence[Row]) -> str:
    """Root of the rows' tree, hex."""
    return tree_root([bytes.fromhex(str(row["verification_hash"])) for row in rows]).hex()


@cache
def pooled_rows(seed: int) -> list[Row]:
    """Up to a dozen good rows, in file order; a third of the seeds has hashes of integer forms."""
    random = Random(seed)  # noqa: S311 - tests, not secrets
    return [_row(random, number, seed % 3 == 0) for number in range(random.choice([0, 1, 2, 3, 5, 8, 12]))]


def _row(random: Random, number: int, may_be_integer: bool) -> Row:
    row: Row = {
        "signal_id": f"{number:03}{_text(random)}",
        "symbol": _text(random),
        "action": random.choice(["BUY", "SELL"]),
        **{name: _number(random) for name in NUMBERS},
        "strategy": _text(random),
        "timestamp": f"{FIRST_DAY}T{number:02}:00:00Z",
    }
    integral = [name for name in NUMBERS if float(str(row[name])).is_integer()]
    row["verification_hash"] = producer_hash(
        row, [name for name in integral if may_be_integer and random.random() < 0.5]
    )
    row["generation_latency_ms"] = random.choice([None, 1.5, 20.0])
    row["server_timestamp"] = random.choice([None, "", _text(random)])
    return row


def _text(random: Random) -> str:
    return "".join(random.choices(_LETTERS, k=random.randint(1, 9)))


def _number(random: Random) -> float:
    return random.choice([random.uniform(0.001, 100), random.choice(_INTEGRAL), 10 ** random.uniform(-300, 300)])


class Made:
    """A bundle in the making."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.layout = Layout(random.choice(["signals/", "signals/", "desk/signals/", "désk/"]))
        self.manifests: list[bytes] = []
        self.events: list[bytes] = []
        self.anchors: dict[str, bytes] = {}
        self.days: list[BundleDay] = []

    def content(self) -> BundleContent:
        """All of it."""
        for number in range(self.random.choice([1, 1, 2, 3])):
            self._day(FIRST_DAY + timedelta(days=number))
            if self.random.random() < 0.4:
                self._anchor()
        return BundleContent(
            bucket=BUCKET,
            prefix=self.layout.prefix,
            first=FIRST_DAY,
            last=self.days[-1].entry.day,
            made_at=NOW,
            statement=self._statement(),
            manifests=self.manifests,
            events=self.events,
            anchors=self.anchors,
            days=self.days,
        )

    def rows(self) -> list[Row]:
        """Up to a dozen good rows, in file order."""
        return pooled_rows(self.random.randrange(POOL))

    def _text(self) -> str:
        return _text(self.random)

    def _day(self, day: date) -> None:
        kind = self.random.random()
        if kind < 0.1:
            self.days.append(BundleDay(DayEntry(day=day, missing="there is no backup")))
        elif kind < 0.2:
            name = UNVOUCHED + self.layout.backup_key(BackupSlot(day))
            columns = tuple("sha256" if name == "verification_hash" else name for name in reversed(CSV_COLUMNS[:10]))
            rows = [{**row, "sha256": row["verification_hash"]} for row in self.rows()]
            body = csv_bytes(rows, columns).replace(b"\n", b"\r\n") if not rows else csv_bytes(rows, columns)
            entry = DayEntry(day=day, missing="no chain then", unvouched=[name])
            self.days.append(BundleDay(entry, [BundleFile(name, body)]))
        else:
            for _ in range(self.random.choice([0, 0, 1])):
                self._backup(day)
            self.days.append(self._backup(day))

    def _backup(self, day: date) -> BundleDay:
        """Back a day up: a manifest and an event more."""
        rows, slot = self.rows(), BackupSlot(day)
        csv = BundleFile(self.layout.backup_key(slot), csv_bytes(rows))
        files, quarantine = [csv], None
        if self.random.random() < 0.3:
            files.append(BundleFile(self.layout.quarantine_key(slot), f"{self._text()}\n".encode()))
            quarantine = _stored(files[1])
        manifest = Manifest(
            code_version="1",
            day=day,
            bucket=BUCKET,
            backup=_stored(csv),
            records=len(rows),
            columns=list(CSV_COLUMNS),
            integer_form_records=0,
            quarantined=int(quarantine is not None),
            quarantine=quarantine,
            source=SourceFingerprint(
                engine="sqlite", location="x", table="t", hash_column="sha256", optional_columns=[], snapshot_id="1"
            ),
            run_id="run",
            started_at=NOW,
            finished_at=NOW,
            verification=VerificationResult(
                verified_at=NOW, records=len(rows), rows_hashed=len(rows), integer_form_rows=0
            ),
            merkle_root=row_root(rows),
            number=len(self.manifests) + 1,
            previous=sha(self.manifests[-1]) if self.manifests else ZEROS,
        )
        self.manifests.append(manifest.to_bytes())
        if self.random.random() < 0.9:
            written = {"number": len(self.manifests), "sha256": sha(self.manifests[-1])}
            self._event(Action.BACKUP, {"day": str(day), "manifest": written, "records": len(rows)})
        if self.random.random() < 0.3:
            self._event(Action.HOLD_PUT, {"case": self._text()})
        entry = DayEntry(
            day=day,
            csv=csv.name,
            quarantine=quarantine.key if quarantine else None,
            manifest=len(self.manifests),
            records=len(rows),
        )
        return BundleDay(entry, files)

    def _event(self, action: Action, details: dict[str, object]) -> None:
        link = Link(len(self.events) + 1, sha(self.events[-1]) if self.events else ZEROS)
        actor = Actor(user="tester", host="here", code_version="1")
        occurrence = Occurrence(at=NOW, actor=actor, action=action, result="done", details=details)
        self.events.append(occurrence.to_bytes(link))

    def _statement(self) -> bytes:
        return statement_of(self.events, self.manifests)

    def _anchor(self) -> None:
        statement = self._statement()
        token = base64.b64encode(b"token of " + sha256(statement).digest() + b" signed").decode()
        stamps = [{"authority": f"http://tsa{n}", "token": token} for n in range(self.random.choice([0, 1, 1, 2]))]
        body = json.dumps({"format": 1, "statement": statement.decode(), "timestamps": stamps}, indent=2) + "\n"
        self.anchors[f"20261102T0245{len(self.anchors):02}Z_{len(self.events):010d}.json"] = body.encode()


def statement_of(events: Sequence[bytes], manifests: Sequence[bytes]) -> bytes:
    """The tree head of two logs."""
    said = {
        "at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "bucket": BUCKET,
        "events": {"number": len(events), "sha256": sha(events[-1]) if events else ZEROS},
        "format": 1,
        "manifests": {
            "number": len(manifests),
            "root": tree_root([sha256(body).digest() for body in manifests]).hex(),
            "sha256": sha(manifests[-1]) if manifests else ZEROS,
        },
    }
    return (json.dumps(said, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _stored(file: BundleFile) -> StoredFile:
    assert isinstance(file.source, bytes)
    return StoredFile(key=file.name, version_id="v1", bytes=len(file.source), sha256=sha(file.source))


def made_bundle(seed: int, folder: Path) -> Path:
    """Write the good bundle of a seed into a folder of its own."""
    path = folder / f"bundle-{seed}"
    write_bundle(Made(Random(seed)).content(), path)  # noqa: S311 - tests, not secrets
    return path


def files_of(bundle: Path) -> Files:
    """All files of a bundle."""
    return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}


def written(files: Files, folder: Path) -> Path:
    """The files in a folder of their own, which replaces the one before."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder
