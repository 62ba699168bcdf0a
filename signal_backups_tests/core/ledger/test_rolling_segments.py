"""Rolling segments: what they hold as a log grows, and that nobody gains anything by changing them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.base.errors import ArchivedError
from signal_backups.core.ledger import rolling_segments
from signal_backups.core.ledger.chained_log import LAST_NUMBER, Link, first_versions
from signal_backups.core.ledger.rolling_segments import FEW, FULL, SIZES, RollingSegments, runs_of
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.trails import BUCKET, START, Admin, bodies_of, failed
from signal_backups_tests.samples.examples import examples
from signal_backups_tests.servers.strict_s3 import StrictS3
from signal_backups_tests.servers.strict_s3.state import Version

COUNT = 45
BODIES = bodies_of(COUNT)


class Grown:
    """A log of events in memory, and its rolling segments."""

    def __init__(self, s3: StrictS3, vault: BackupVault) -> None:
        self.s3, self.log, self.segments = s3, vault.trail.log, vault.event_segments

    def grow(self, bodies: list[bytes], first: int = 1) -> None:
        """Append events directly; requests would take long."""
        for number, body in enumerate(bodies, first):
            self.s3._account.bucket(BUCKET).add(Version(self.log.key_of(number), START, body))

    def entries(self) -> dict[int, ObjectVersion]:
        return first_versions(self.log.versions())

    def write(self) -> list[str]:
        """Returns the names of the segments that were replaced."""
        written = self.segments.write(self.entries())
        return [key.rpartition("events_")[2].removesuffix(".jsonl.gz") for key in written]

    def read(self) -> dict[int, bytes]:
        return self.segments.read(self.entries(), lambda line: line.body.encode())

    def stored(self, name: str) -> Version:
        return self.s3._account.bucket(BUCKET).versions[self.segments.key_of(name)][0]

    def replace(self, name: str, body: bytes) -> None:
        self.log.store.put_bytes(self.segments.key_of(name), body, "application/gzip")


@pytest.fixture
def vault(s3: StrictS3) -> BackupVault:
    return BackupVault(S3ObjectStore(s3.client(), BUCKET), Layout())


@pytest.fixture
def admin(vault: BackupVault) -> Admin:
    return Admin(vault.store._client, vault.trail.log)


@pytest.fixture
def log(s3: StrictS3, vault: BackupVault, monkeypatch: pytest.MonkeyPatch) -> Grown:
    """Forty-five events in a log, and their rolling segments, which end at multiples of ten and at the end."""
    monkeypatch.setattr(rolling_segments, "SIZES", (10, 1))
    log = Grown(s3, vault)
    log.grow(BODIES)
    assert log.write() == ["10", "1"]
    s3.requests.clear()
    return log


@examples(200)
@given(st.integers(0, 3 * FULL))
def test_together_they_hold_every_entry_and_at_most_one_of_each_size_is_replaced(count: int) -> None:
    runs = runs_of(count)
    assert [run.begin for run in runs] == [0, *(run.end for run in runs[:-1])][: len(runs)]
    assert (runs[-1].end if runs else 0) == count
    assert len(runs) <= count // FULL + len(SIZES)


def test_a_log_is_read_with_a_listing_and_a_request_for_each_segment(log: Grown) -> None:
    entries = log.entries()
    log.s3.requests.clear()
    held = log.segments.read(entries, lambda line: line.body.encode())
    assert [held[number] for number in range(1, COUNT + 1)] == BODIES
    assert log.s3.requests == {"ListObjectsV2": 1, "GetObject": 2}
    log.s3.requests.clear()
    assert log.segments.read({number: entries[number] for number in range(1, FEW + 1)}, bytes) == {}
    assert not log.s3.requests


def test_nothing_is_written_when_nothing_is_new(log: Grown) -> None:
    assert log.write() == []
    # The oldest entry, and the two segments.
    assert log.s3.requests == {"ListObjectVersions": 1, "ListObjectsV2": 1, "GetObject": 3}


def test_as_a_log_grows_only_what_is_new_is_read(
    s3: StrictS3, vault: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling_segments, "FULL", 100)
    monkeypatch.setattr(rolling_segments, "SIZES", (10, 1))
    log, bodies = Grown(s3, vault), bodies_of(205)
    for begin, end, written in (
        (0, 97, ["10", "1"]),
        (97, 103, ["100_00000", "1"]),
        (103, 109, ["1"]),
        (109, 205, ["100_00001", "1"]),
    ):
        log.grow(bodies[begin:end], begin + 1)
        s3.requests.clear()
        assert log.write() == written
        assert s3.requests["GetObject"] < end - begin + 12
        assert list(dict(sorted(log.read().items())).values()) == bodies[:end]


def test_without_a_segment_its_entries_are_read_themselves_and_it_is_written_again(log: Grown, admin: Admin) -> None:
    admin.hide(log.segments.key_of("10"))
    assert sorted(log.read()) == [41, 42, 43, 44, 45]
    assert log.write() == ["10"]
    assert len(log.read()) == COUNT


def lines_of(body: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in gzip.decompress(body).splitlines()]


def packed(lines: list[dict[str, object]]) -> bytes:
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


def with_another_result(body: bytes) -> bytes:
    """A segment in which an event says the opposite, and the line all that the listing says of the entry."""
    lines = lines_of(body)
    event = json.loads(str(lines[6]["body"]))
    failed(event)
    lines[6]["body"] = json.dumps(event, sort_keys=True) + "\n"
    return packed(lines)


def with_its_own_etag(body: bytes) -> bytes:
    """The same, with the ETag of the changed bytes."""
    lines = lines_of(with_another_result(body))
    entry = ObjectVersion("", "", 0, START, f'"{rolling_segments.md5(str(lines[6]["body"]).encode()).hexdigest()}"')
    lines[6]["etag"] = entry.etag
    return packed(lines)


def with_two_exchanged(body: bytes) -> bytes:
    """Two entries, each under the key of the other."""
    lines = lines_of(body)
    lines[6]["key"], lines[7]["key"] = lines[7]["key"], lines[6]["key"]
    return packed(lines)


@pytest.mark.parametrize(
    ("changed", "unread"),
    [
        (with_another_result, {7}),
        (with_its_own_etag, {7}),
        (with_two_exchanged, {7, 8}),
        (lambda _: b"", set(range(1, 41))),
        (lambda _: b"no gzip", set(range(1, 41))),
        (lambda _: packed([{"key": "x"}]), set(range(1, 41))),
        (lambda body: body[:-9], set(range(1, 41))),
        (lambda _: gzip.compress(bytes(100_000)), set(range(1, 41))),
    ],
    ids=["result", "result and etag", "exchanged", "empty", "no gzip", "no line", "cut off", "bomb"],
)
def test_a_changed_segment_is_not_believed_and_written_again(
    log: Grown,
    changed: Callable[[bytes], bytes],
    unread: set[int],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rolling_segments, "MAX_BYTES", 50_000)
    good = log.stored("10").body
    log.replace("10", changed(good))
    found = log.read()
    assert found == {number: body for number, body in enumerate(BODIES, 1) if number not in unread}
    assert "rolling/events_10.jsonl.gz" in caplog.text
    assert "read themselves" in caplog.text
    assert log.write() == ["10"]
    assert log.stored("10").body == good


def test_a_large_object_in_the_place_of_a_segment_is_not_read(log: Grown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling_segments, "MAX_BYTES", 3_000)
    assert log.stored("1").size < 3_000 < log.stored("10").size
    log.s3.requests.clear()
    assert sorted(log.read()) == [41, 42, 43, 44, 45]
    assert log.s3.requests["GetObject"] == 1
    # Nor is such a segment written.
    log.grow(bodies_of(20, Link(46, "0" * 64), details={"text": "x" * 3_000}), 46)
    assert log.write() == []


def test_an_archived_segment_is_not_waited_for(log: Grown, monkeypatch: pytest.MonkeyPatch) -> None:
    def archived(_: RollingSegments, __: ObjectVersion) -> bytes:
        raise ArchivedError("archived")

    monkeypatch.setattr(RollingSegments, "_body", archived)
    assert log.read() == {}


def test_an_entry_that_was_changed_after_it_was_copied_is_read_itself(log: Grown, admin: Admin) -> None:
    admin.edit(7, failed)
    assert set(range(1, COUNT + 1)) - log.read().keys() == {7}
    assert log.write() == ["10"]
    assert log.read()[7] == admin.body(7)


def test_what_is_not_in_the_log_is_not_taken_from_a_segment(log: Grown, admin: Admin) -> None:
    admin.erase(log.log.key_of(7))
    assert set(range(1, COUNT + 1)) - log.read().keys() == {7}


def test_a_forged_number_far_beyond_the_log_changes_nothing(log: Grown, admin: Admin) -> None:
    admin.put(log.log.key_of(LAST_NUMBER), b"\xff no entry")
    assert log.write() == []
    assert sorted(log.read()) == list(range(1, COUNT + 1))


def test_foreign_objects_beside_the_segments_are_left_alone(log: Grown) -> None:
    for name in ("7", "10000_x", "x"):
        log.replace(name, b"foreign")
    assert len(log.read()) == COUNT
    assert log.write() == []


def test_under_kms_encryption_none_is_written(s3: StrictS3, vault: BackupVault) -> None:
    log = Grown(s3, vault)
    log.grow(BODIES)
    for key, (version, *_) in s3._account.bucket(BUCKET).versions.items():
        version.etag = f'"{rolling_segments.md5(key.encode()).hexdigest()}"'
    s3.requests.clear()
    assert log.write() == []
    assert s3.requests == {"ListObjectVersions": 1, "GetObject": 2}


@pytest.mark.parametrize(("count", "written"), [(0, []), (FEW, []), (FEW + 1, ["1"])])
def test_a_log_of_a_few_entries_has_none(s3: StrictS3, vault: BackupVault, count: int, written: list[str]) -> None:
    log = Grown(s3, vault)
    log.grow(BODIES[:count])
    assert log.write() == written
