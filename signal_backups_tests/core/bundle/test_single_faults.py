"""One thing is wrong, and all that speaks of it was rewritten to fit: the one check that is left has to see it."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.bundle.check import check_bundle
from signal_backups.core.bundle.report import BundleFinding
from signal_backups.core.signals.fields import CSV_COLUMNS
from signal_backups_tests.core.bundle.damage import INDEX, SUMS, Rewritten, Spoil, cover_up, rows_of
from signal_backups_tests.core.bundle.made import Files, csv_bytes, files_of, made_bundle, sha, statement_of, written
from signal_backups_tests.samples.signals import NUMBERS, Row, producer_hash

#: A bundle of two days with records, a manifest and an event each, the first with quarantined rows.
SEED = 168
CSV = "signals/2026/11/signals_backup_20261101_020000.csv"
QUARANTINE = "quarantine/2026/11/signals_quarantine_20261101_020000.csv"
FIRST, LAST = "manifests/0000000001.json", "manifests/0000000002.json"
ANCHOR = "anchors/20261120T024500Z_0000000002"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The bundle without its anchor, which would see everything."""
    found = files_of(made_bundle(SEED, tmp_path))
    return {name: body for name, body in found.items() if not name.startswith("anchors/")}


def found_in(files: Files, folder: Path) -> list[BundleFinding]:
    """What the check of a bundle of these files finds."""
    return check_bundle(written(files, folder / "bundle")).findings


def says_of(found: list[BundleFinding], name: str) -> bool:
    """Whether something is said of a file."""
    return any(finding.file.startswith(name) for finding in found)


def setting(name: str, **values: Any) -> Spoil:
    """Sets fields of one document."""

    def spoil(of: str, document: dict[str, Any]) -> None:
        if of == name:
            document |= values

    return spoil


def of_event(**values: Any) -> Spoil:
    """Sets what the second event says of its manifest."""

    def spoil(of: str, document: dict[str, Any]) -> None:
        if of == "event 2":
            document["details"]["manifest"] |= values

    return spoil


def test_rewritten_as_a_whole_it_passes(files: Files, tmp_path: Path) -> None:
    assert found_in(cover_up(files, Rewritten.INDEX), tmp_path) == []


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (setting(LAST, number=3), LAST),
        (setting(LAST, previous="0" * 64), LAST),
        (setting(LAST, merkle_root="a" * 64), "signals/"),
        (setting(LAST, records=99), "signals/"),
        (setting(FIRST, quarantine=None), "bundle.json, 2026-11-01"),
        (setting(FIRST, day="2026-11-02"), "bundle.json, 2026-11-01"),
        (setting(LAST, number=2.0), LAST),
        (setting(LAST, day=1793577600), LAST),
        (setting(LAST, day="2026-11-02T00:00:00"), LAST),
        (setting("event 2", number=True), "events.jsonl, event 2"),
        (setting("event 2", number=2.0), "events.jsonl, event 2"),
        (setting("event 2", details=None), "events.jsonl, event 2"),
        (setting("event 2", details={"manifest": None}), "events.jsonl, event 2"),
        (of_event(number=-1), "events.jsonl, event 2"),
        (of_event(number=2.0), "events.jsonl, event 2"),
        (setting("event 2", number=3), "events.jsonl, event 2"),
        (setting("event 2", previous="0" * 64), "events.jsonl, event 2"),
        (of_event(sha256="0" * 64), "events.jsonl, event 2"),
        (of_event(number=1), "events.jsonl, event 2"),
        (of_event(number=9), "events.jsonl, event 2"),
        (setting(INDEX, bucket="other"), INDEX),
        (setting(INDEX, made_at="2026-11-20T02:45:01Z"), INDEX),
        (setting(INDEX, to="2026-11-01"), INDEX),
        (setting(INDEX, totals={"days": 2, "backed_up": 2, "records": 17}), INDEX),
        (setting(INDEX, more=1), INDEX),
        (setting(INDEX, prefix=5), INDEX),
        (setting(INDEX, by="\ud800"), INDEX),
        (setting(INDEX, format=True), INDEX),
        (setting(INDEX, **{"from": "20261101"}), INDEX),
    ],
)
def test_a_document_that_says_something_wrong(files: Files, tmp_path: Path, spoil: Spoil, named: str) -> None:
    found = found_in(cover_up(files, Rewritten.INDEX, spoil), tmp_path)
    assert says_of(found, named), found


@pytest.mark.parametrize("changed", [{"merkle_root": None}, {"records": 9.0}, {"backup": None}])
def test_a_manifest_that_vouches_for_nothing(files: Files, tmp_path: Path, changed: dict[str, Any]) -> None:
    assert found_in(cover_up(files, Rewritten.INDEX, setting(LAST, **changed)), tmp_path)


@pytest.mark.parametrize(
    "spoil", [setting(LAST, columns=None, more=1), setting("event 2", action="other", at="yesterday", more=1)]
)
def test_what_a_check_does_not_have_to_understand(files: Files, tmp_path: Path, spoil: Spoil) -> None:
    assert found_in(cover_up(files, Rewritten.INDEX, spoil), tmp_path) == []


@pytest.mark.parametrize("space", [b"\r", b" ", b"\t"])
def test_white_space_in_an_event(files: Files, tmp_path: Path, space: bytes) -> None:
    whole = cover_up(files, Rewritten.INDEX)
    events = whole["events.jsonl"].splitlines(keepends=True)
    events[-1] = events[-1].replace(b": ", b":" + space)
    index = json.loads(whole[INDEX]) | {"statement": statement_of(events, [whole[FIRST], whole[LAST]]).decode()}
    changed = whole | {"events.jsonl": b"".join(events), INDEX: (json.dumps(index, indent=2) + "\n").encode()}
    assert found_in(cover_up(changed, Rewritten.SUMS), tmp_path) == []


@pytest.mark.parametrize("chain", ["events", "manifests"])
def test_a_tree_head_of_less_than_there_is(files: Files, tmp_path: Path, chain: str) -> None:
    """The tree head of before the last entry is a true one, but the bundle has to be as of its own."""
    whole = cover_up(files, Rewritten.INDEX)
    before = dict(whole)
    if chain == "manifests":
        del before[LAST]
    else:
        before["events.jsonl"] = before["events.jsonl"].splitlines(keepends=True)[0]
    statement = json.loads(cover_up(before, Rewritten.INDEX)[INDEX])["statement"]
    found = found_in(cover_up(whole, Rewritten.INDEX, setting(INDEX, statement=statement)), tmp_path)
    assert says_of(found, INDEX), found


@pytest.mark.parametrize("name", ["index.html", "verify.py"])
def test_a_file_that_every_bundle_has(files: Files, tmp_path: Path, name: str) -> None:
    fewer = {other: body for other, body in files.items() if other != name}
    found = found_in(cover_up(fewer, Rewritten.INDEX), tmp_path)
    assert [(finding.file, finding.what) for finding in found] == [(name, "is missing")]


@pytest.mark.parametrize("change", [lambda sums: sums + b"0" * 64 + b"  more.csv\n", lambda sums: sums[:-1]])
def test_sums_of_other_than_the_files(files: Files, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    whole = cover_up(files, Rewritten.INDEX)
    found = found_in(whole | {SUMS: change(whole[SUMS])}, tmp_path)
    assert [finding.file for finding in found] == [SUMS]


def unwritten_strategy(row: Row) -> None:
    row["strategy"] = ""
    row["verification_hash"] = producer_hash(row | {name: float(str(row[name])) for name in NUMBERS})
    row["strategy"] = None


def other_spelling(row: Row) -> None:
    row["confidence"] = 1.5
    row["verification_hash"] = producer_hash(row | {name: float(str(row[name])) for name in NUMBERS})
    row["confidence"] = "1.50"


def no_number(row: Row) -> None:
    row["confidence"] = "many"


def not_finite(row: Row) -> None:
    row["confidence"] = "nan"
    row["verification_hash"] = producer_hash(row | {name: float(str(row[name])) for name in NUMBERS})


def other_value(row: Row) -> None:
    row["symbol"] = "OTHER"


@pytest.mark.parametrize("change", [unwritten_strategy, other_spelling, no_number, not_finite, other_value])
def test_a_row_that_no_backup_could_hold(files: Files, tmp_path: Path, change: Callable[[Row], None]) -> None:
    rows = rows_of(files[CSV])
    change(rows[1])
    found = found_in(cover_up(files | {CSV: csv_bytes(rows)}, Rewritten.INDEX), tmp_path)
    assert says_of(found, f"{CSV}, row 2"), found


@pytest.mark.parametrize("twice", ["symbol", "sha256"])
def test_a_column_that_is_there_twice(files: Files, tmp_path: Path, twice: str) -> None:
    rows: list[Row] = [row | {"sha256": row["verification_hash"]} for row in rows_of(files[CSV])]
    found = found_in(cover_up(files | {CSV: csv_bytes(rows, [*CSV_COLUMNS, twice])}, Rewritten.INDEX), tmp_path)
    assert says_of(found, CSV), found


def test_columns_that_are_missing(files: Files, tmp_path: Path) -> None:
    found = found_in(cover_up(files | {CSV: csv_bytes([], CSV_COLUMNS[1:])}, Rewritten.INDEX), tmp_path)
    assert says_of(found, CSV), found


def test_a_row_that_is_too_short(files: Files, tmp_path: Path) -> None:
    rows = rows_of(files[CSV])
    rows[-1]["server_timestamp"] = None
    body = csv_bytes(rows).removesuffix(b",\n") + b"\n"
    found = found_in(cover_up(files | {CSV: body}, Rewritten.INDEX), tmp_path)
    assert says_of(found, CSV), found


def test_a_signal_that_is_there_twice(files: Files, tmp_path: Path) -> None:
    rows = rows_of(files[CSV])
    found = found_in(cover_up(files | {CSV: csv_bytes([*rows, rows[0]])}, Rewritten.INDEX), tmp_path)
    assert says_of(found, CSV), found


@pytest.mark.parametrize("body", [b"", b"a,b\n1,2\n", b'"', b"\xff\n"])
def test_a_file_that_is_no_backup(files: Files, tmp_path: Path, body: bytes) -> None:
    stored = {"key": CSV, "version_id": "v", "bytes": len(body), "sha256": sha(body)}
    claimed = files | {FIRST: json.dumps(json.loads(files[FIRST]) | {"backup": stored}).encode(), CSV: b"signal_id\n"}
    found = found_in(cover_up(claimed, Rewritten.INDEX) | {CSV: body}, tmp_path)
    assert says_of(found, CSV), found


def test_a_last_line_that_is_not_ended(files: Files, tmp_path: Path) -> None:
    cut = files[CSV][:-1]
    found = found_in(cover_up(files | {CSV: cut}, Rewritten.INDEX), tmp_path)
    assert says_of(found, CSV), found


def test_another_quarantine(files: Files, tmp_path: Path) -> None:
    found = found_in(cover_up(files | {QUARANTINE: b"other\n"}, Rewritten.INDEX), tmp_path)
    assert says_of(found, QUARANTINE), found


def test_nothing_outside_the_bundle_is_looked_at(files: Files, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_bytes(files[CSV])
    stored = json.loads(files[FIRST])["backup"] | {"key": "../outside.csv"}
    index = json.loads(files[INDEX])
    index["days"][0]["csv"] = "../outside.csv"
    changed = {name: body for name, body in files.items() if name != CSV} | {INDEX: json.dumps(index).encode()}
    found = found_in(cover_up(changed, Rewritten.INDEX, setting(FIRST, backup=stored)), tmp_path)
    assert says_of(found, "../outside.csv"), found
    assert ["not in the bundle" in finding.what for finding in found if "outside" in finding.file] == [True], found


def anchored(files: Files, token: bytes | None = None, beside: bytes | None = None, space: str = "") -> Files:
    """The bundle with an anchor of its own tree head."""
    whole = cover_up(files, Rewritten.INDEX)
    statement = json.loads(whole[INDEX])["statement"]
    stamp = b"token of " + bytes.fromhex(sha(statement.encode())) if token is None else token
    stamps = [{"authority": "http://tsa", "token": base64.b64encode(stamp).decode()}]
    anchor = json.dumps({"format": 1, "statement": statement, "timestamps": stamps}, indent=2) + "\n" + space
    return cover_up(
        whole
        | {
            f"{ANCHOR}.json": anchor.encode(),
            f"{ANCHOR}.statement.json": statement.encode() + space.encode(),
            f"{ANCHOR}.1.tsr": stamp if beside is None else beside,
        },
        Rewritten.SUMS,
    )


def test_an_anchor(files: Files, tmp_path: Path) -> None:
    assert found_in(anchored(files), tmp_path) == []
    assert says_of(found_in(anchored(files, token=b"of something else"), tmp_path), f"{ANCHOR}.json")
    assert says_of(found_in(anchored(files, beside=b"another"), tmp_path), f"{ANCHOR}.1.tsr")
    assert says_of(found_in(anchored(files, space=" "), tmp_path), f"{ANCHOR}.statement.json")
    assert says_of(found_in(anchored(files, space=" "), tmp_path), f"{ANCHOR}.json")
    for changed in ({"format": True}, {"format": 2}, {"more": 1}):
        anchor = json.loads(anchored(files)[f"{ANCHOR}.json"]) | changed
        odd = anchored(files) | {f"{ANCHOR}.json": (json.dumps(anchor, indent=2) + "\n").encode()}
        assert says_of(found_in(cover_up(odd, Rewritten.SUMS), tmp_path), f"{ANCHOR}.json"), changed
    whole = anchored(files)
    for name in (f"{ANCHOR}.json", f"{ANCHOR}.statement.json", f"{ANCHOR}.1.tsr"):
        fewer = {other: body for other, body in whole.items() if other != name}
        assert found_in(cover_up(fewer, Rewritten.SUMS), tmp_path), name


def test_not_more_rows_than_ten_are_named(files: Files, tmp_path: Path) -> None:
    rows = rows_of(files[CSV])
    several = [row | {"signal_id": f"{number}", "symbol": "OTHER"} for number, row in enumerate(rows * 12)]
    found = found_in(cover_up(files | {CSV: csv_bytes(several)}, Rewritten.INDEX), tmp_path)
    assert [finding.file for finding in found] == [*(f"{CSV}, row {number}" for number in range(1, 11)), CSV]
    assert found[-1].what == f"{len(several)} rows are wrong, the first 10 are named"


def test_a_large_csv_is_not_read_whole(files: Files, tmp_path: Path) -> None:
    rows = rows_of(files[CSV])
    large = [rows[0] | {"signal_id": f"{number}", "strategy": "s" * 4000} for number in range(1000)]
    for row in large:
        row["verification_hash"] = producer_hash(row | {name: float(str(row[name])) for name in NUMBERS})
    body = csv_bytes(large)
    bundle = written(cover_up(files | {CSV: body}, Rewritten.INDEX), tmp_path / "bundle")
    tracemalloc.start()
    try:
        assert check_bundle(bundle).findings == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) > 4_000_000
    assert peak < 2_500_000
