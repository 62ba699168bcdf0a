"""Damaging bundles at random and covering it up: the more is rewritten, the deeper a check has to look."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from random import Random
from typing import Any

from signal_backups_tests.core.bundle.made import ZEROS, Files, csv_bytes, row_root, sha, statement_of
from signal_backups_tests.samples.signals import NUMBERS, Row, producer_hash

SUMS, INDEX, EVENTS = "SHA256SUMS", "bundle.json", "events.jsonl"
#: Only SHA256SUMS speaks of what is in them (and rows speak of themselves).
FREE = ("index.html", "verify.py", "unvouched/")


class Rewritten(IntEnum):
    """How far a change is covered up: so much of what speaks of it is made to fit, and all before it too."""

    NOTHING = 0
    SUMS = 1
    MANIFEST = 2
    CHAINS = 3
    INDEX = 4


def damaged(files: Files, random: Random) -> tuple[str, Rewritten, Files]:
    """A bundle's files with one thing changed, what it was, and how far it is covered up."""
    if random.random() < 0.2:
        with suppress(TypeError, KeyError):  # what speaks of it may need it
            return "odd_values", Rewritten.INDEX, cover_up(files, Rewritten.INDEX, odd_values(random))
    while True:
        kind = random.choice(KINDS)
        changed = kind(dict(files), random)
        if changed is None or changed == files:
            continue
        level = random.choice(list(Rewritten))
        try:
            covered = cover_up(changed, level)
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
            level, covered = Rewritten.SUMS, cover_up(changed, Rewritten.SUMS)
        if covered != files:
            return kind.__name__, level, covered


#: Changes a document that is about to be written; gets its name first, of an event ``event 1`` and so on.
Spoil = Callable[[str, dict[str, Any]], None]


def _leave(name: str, document: dict[str, Any]) -> None:
    """Spoil nothing."""


def odd_values(random: Random) -> Spoil:
    """Puts a value of another kind into some of the documents, at any depth, or takes one out."""

    def spoil(_: str, document: dict[str, Any]) -> None:
        if random.random() < 0.3:
            inner: Any = document
            name = random.choice(sorted(inner))
            while isinstance(inner[name], dict | list) and inner[name] and random.random() < 0.7:
                inner = inner[name]
                name = random.choice(sorted(inner)) if isinstance(inner, dict) else random.randrange(len(inner))
            if random.random() < 0.2:
                del inner[name]
                return
            inner[name] = random.choice([*ODD, str(inner[name]), float(inner[name]) if inner[name] == 1 else "\ud800"])

    return spoil


#: Values that JSON can hold, and few fields.
ODD = (None, [], {}, "", "x", -1, 0, 1, 1.0, True, 10**30, "20261101", "2026-11-01T00:00:00", "index.html", {"x": 1})


def cover_up(files: Files, level: Rewritten, spoil: Spoil = _leave) -> Files:
    """Make what speaks of the files fit them, but for what ``spoil`` changes: that is hashed as it then is."""
    files = dict(files)
    if level >= Rewritten.MANIFEST:
        _rewrite_manifests(files)
    if level >= Rewritten.CHAINS:
        _rewrite_chains(files, spoil)
    if level >= Rewritten.INDEX:
        _rewrite_index(files, spoil)
    if level >= Rewritten.SUMS:
        lines = [f"{sha(body)}  {name}\n" for name, body in sorted(files.items()) if name != SUMS]
        files[SUMS] = "".join(lines).encode()
    return files


def _rewrite_manifests(files: Files) -> None:
    for day in json.loads(files[INDEX])["days"]:
        name = f"manifests/{day.get('manifest') or 0:010d}.json"
        body = files.get(day.get("csv", ""))
        if name in files and body is not None:
            manifest = json.loads(files[name])
            manifest["backup"] |= {"bytes": len(body), "sha256": sha(body)}
            rows = rows_of(body)
            files[name] = _json(manifest | {"records": len(rows), "merkle_root": row_root(rows)})


def _rewrite_chains(files: Files, spoil: Spoil) -> None:
    manifests = sorted(name for name in files if name.startswith("manifests/"))
    previous = ZEROS
    for number, name in enumerate(manifests, 1):
        manifest = json.loads(files[name]) | {"number": number, "previous": previous}
        spoil(name, manifest)
        files[name] = _json(manifest)
        previous = sha(files[name])
    lines: list[bytes] = []
    for line in files[EVENTS].splitlines():
        event = json.loads(line) | {"number": len(lines) + 1, "previous": sha(lines[-1]) if lines else ZEROS}
        written = event["details"].get("manifest")
        if written and written["number"] <= len(manifests):
            written["sha256"] = sha(files[manifests[written["number"] - 1]])
        spoil(f"event {len(lines) + 1}", event)
        lines.append(json.dumps(event).encode() + b"\n")
    files[EVENTS] = b"".join(lines)


def _rewrite_index(files: Files, spoil: Spoil) -> None:
    index = json.loads(files[INDEX])
    for day in index["days"]:
        name = f"manifests/{day.get('manifest') or 0:010d}.json"
        if "csv" in day and name in files:
            day["records"] = json.loads(files[name])["records"]
    backed_up = [day["records"] for day in index["days"] if "csv" in day]
    index["totals"] = {"days": len(index["days"]), "backed_up": len(backed_up), "records": sum(backed_up)}
    manifests = [body for name, body in sorted(files.items()) if name.startswith("manifests/")]
    index["statement"] = statement_of(files[EVENTS].splitlines(keepends=True), manifests).decode()
    spoil(INDEX, index)
    files[INDEX] = _json(index)


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()


def rows_of(body: bytes) -> list[Row]:
    """The rows of a CSV that the tests wrote."""
    rows: list[Row] = list(csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True))  # type: ignore[arg-type]
    for row in rows:
        row.setdefault("verification_hash", row.get("sha256"))
    return rows


def _csv_name(files: Files, random: Random) -> str | None:
    names = sorted(name for name in files if name.endswith(".csv") and "quarantine" not in name)
    return random.choice(names) if names else None


def _rows_changed(change: Callable[[list[Row], Random], None]) -> Callable[[Files, Random], Files | None]:
    def apply(files: Files, random: Random) -> Files | None:
        name = _csv_name(files, random)
        rows = rows_of(files[name]) if name else []
        if name is None or not rows:
            return None
        change(rows, random)
        header = files[name].decode().splitlines()[0].split(",")
        files[name] = csv_bytes(rows, header)
        return files

    apply.__name__ = change.__name__
    return apply


def edit_row(rows: list[Row], random: Random) -> None:
    """Another value in a field."""
    row = random.choice(rows)
    name = random.choice([name for name in row if name != "sha256"])
    row[name] = random.choice([str(row[name]) + "1", "", None, "1.5", "2"])


def edit_and_rehash(rows: list[Row], random: Random) -> None:
    """Another value, and the hash that goes with it."""
    row = random.choice(rows)
    row[random.choice(NUMBERS)] = str(random.choice([1.25, 3.0, 1e22]))
    row["strategy"] = random.choice([row["strategy"], "other", 'wi"th'])
    numbers = {name: float(str(row[name])) for name in NUMBERS}
    row["verification_hash"] = row["sha256"] = producer_hash(row | numbers)


def delete_row(rows: list[Row], random: Random) -> None:
    """A row less."""
    rows.pop(random.randrange(len(rows)))


def duplicate_row(rows: list[Row], random: Random) -> None:
    """A row twice."""
    rows.insert(random.randrange(len(rows) + 1), random.choice(rows))


def reorder_rows(rows: list[Row], random: Random) -> None:
    """The same rows in another order."""
    random.shuffle(rows)


def flip_byte(files: Files, random: Random) -> Files | None:
    """One byte of one file."""
    name = random.choice(sorted(files))
    body = bytearray(files[name])
    if not body:
        return None
    body[random.randrange(len(body))] ^= random.randint(1, 255)
    return files | {name: bytes(body)}


def cut_off(files: Files, random: Random) -> Files | None:
    """The end of a file is gone."""
    name = random.choice(sorted(files))
    return files | {name: files[name][: random.randrange(len(files[name]) or 1)]}


def delete_file(files: Files, random: Random) -> Files | None:
    """A file less."""
    del files[random.choice(sorted(files))]
    return files


def add_file(files: Files, random: Random) -> Files | None:
    """A file more."""
    folder = random.choice(["", "signals/", "manifests/", "anchors/", "unvouched/", "x/"])
    return files | {f"{folder}{random.choice(['more.csv', '0000000001.json', '0000000099.json'])}": b"{}\n"}


def rename_file(files: Files, random: Random) -> Files | None:
    """A file has another name."""
    name = random.choice(sorted(files))
    return files | {f"{name}x": files.pop(name)}


def swap_files(files: Files, random: Random) -> Files | None:
    """Two files have each other's name."""
    one, other = random.sample(sorted(files), 2)
    return files | {one: files[other], other: files[one]}


def edit_manifest(files: Files, random: Random) -> Files | None:
    """A manifest says something else."""
    names = sorted(name for name in files if name.startswith("manifests/"))
    if not names:
        return None
    name = random.choice(names)
    changes: list[dict[str, Any]] = [
        {"records": 99},
        {"merkle_root": "a" * 64},
        {"merkle_root": None},
        {"number": 7},
        {"previous": "b" * 64},
        {"day": "2026-11-02"},
        {"day": "2020-01-01"},
        {"quarantine": None},
        {"backup": {"key": "signals/other.csv", "version_id": "v", "bytes": 1, "sha256": "c" * 64}},
    ]
    return files | {name: _json(json.loads(files[name]) | random.choice(changes))}


def delete_manifest(files: Files, random: Random) -> Files | None:
    """A manifest less, and those after it move up."""
    names = sorted(name for name in files if name.startswith("manifests/"))
    if not names:
        return None
    bodies = [files.pop(name) for name in names]
    bodies.pop(random.randrange(len(bodies)))
    return files | {f"manifests/{number:010d}.json": body for number, body in enumerate(bodies, 1)}


def edit_events(files: Files, random: Random) -> Files | None:
    """An event less, twice, moved, or with other words."""
    lines = files[EVENTS].splitlines(keepends=True)
    if not lines:
        return None
    place = random.randrange(len(lines))
    change = random.randrange(4)
    if change == 0:
        lines.pop(place)
    elif change == 1:
        lines.insert(place, lines[place])
    elif change == 2:
        random.shuffle(lines)
    else:
        lines[place] = lines[place].replace(b"done", b"failed")
    return files | {EVENTS: b"".join(lines)}


def edit_index(files: Files, random: Random) -> Files | None:
    """bundle.json says something else."""
    index = json.loads(files[INDEX])
    day = random.choice(index["days"])
    change = random.randrange(6)
    if change == 0:
        index["days"].remove(day)
    elif change == 1 and "manifest" in day:
        for name in ("csv", "quarantine", "manifest", "records", "unvouched"):
            day.pop(name, None)
        day["missing"] = "lost"
    elif change in (1, 2):
        day["records"] = 99
    elif change == 3:
        index[random.choice(["from", "to"])] = "2026-11-05"
    elif change == 4:
        index["totals"]["records"] += 1
    else:
        index[random.choice(["bucket", "statement", "made_at", "more"])] = "other"
    return files | {INDEX: _json(index)}


def edit_anchor(files: Files, random: Random) -> Files | None:
    """An anchor, or what is beside it, says something else."""
    names = sorted(name for name in files if name.startswith("anchors/"))
    if not names:
        return None
    name = random.choice(names)
    words = [(b'"number', b'"numbre'), (b"1", b"2"), (b"a", b"b"), (b"token", b"taken"), (b"tests", b"texts")]
    return files | {name: files[name].replace(*random.choice(words))}


KINDS: list[Callable[[Files, Random], Files | None]] = [
    *(_rows_changed(change) for change in (edit_row, edit_and_rehash, delete_row, duplicate_row, reorder_rows)),
    *(flip_byte, flip_byte, cut_off, delete_file, add_file, rename_file, swap_files),
    *(edit_manifest, delete_manifest, edit_events, edit_index, edit_anchor),
]
