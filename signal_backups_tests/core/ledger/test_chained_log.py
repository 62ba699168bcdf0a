"""One chained log: its end, taken numbers, deleted entries, lost answers, threads, stores that ignore conditions."""

from __future__ import annotations

import multiprocessing
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.base.errors import ConflictError, ExitCode, NotFoundError, StoreError, VerificationError
from signal_backups.core.ledger.chained_log import ATTEMPTS, FIRST, LAST_NUMBER, ChainedLog, Entry, Link
from signal_backups.core.ledger.conditional_writes import honours_conditional_writes
from signal_backups.core.ledger.event import Action, Actor, Event, ObjectName, Occurrence
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.trails import BUCKET, START, Admin, bodies_of, failed, occurrence
from signal_backups_tests.servers.faults import Answer, Refuse
from signal_backups_tests.servers.strict_s3 import LostAnswer, StrictS3

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

PREFIX, PROBE = "audit/events/", "audit/probe"


def log_of(s3: StrictS3, max_attempts: int = 1) -> ChainedLog:
    """The log as another writer would open it."""
    return ChainedLog(S3ObjectStore(s3.client(max_attempts=max_attempts), BUCKET), PREFIX, PROBE)


@pytest.fixture
def log(s3: StrictS3) -> ChainedLog:
    return log_of(s3)


@pytest.fixture
def admin(s3: StrictS3, log: ChainedLog) -> Admin:
    return Admin(s3.client(), log)


def event_bytes(number: int) -> Callable[[Link], bytes]:
    """Makes the bytes of an event."""
    return occurrence(number).to_bytes


def assert_chain(log: ChainedLog, count: int) -> None:
    """Check that there are so many entries, each of one version and following the one before."""
    assert [len(log.versions()[number]) for number in range(1, count + 1)] == [1] * count
    entries = list(log.entries())
    events = [Event.from_bytes(entry.body, entry.key) for entry in entries]
    assert [event.number for event in events] == list(range(1, count + 1))
    assert [event.previous for event in events] == [FIRST, *(entry.sha256 for entry in entries)][:count]


def test_keys_and_their_inverse(log: ChainedLog) -> None:
    assert log.key_of(1) == "audit/events/0000000/0000000001.json"
    assert log.key_of(1000) == "audit/events/0000001/0000001000.json"
    assert [log.number_of(log.key_of(number)) for number in (1, 999, 1000, 9_999_999_999)] == [
        1,
        999,
        1000,
        9_999_999_999,
    ]
    for foreign in (
        "audit/events/0000000/0000000000.json",
        "audit/events/0000001/0000000001.json",
        "audit/events/0000000/0000000001.json.old",
        "audit/manifests/0000000/0000000001.json",
    ):
        assert log.number_of(foreign) is None


def test_an_empty_log(log: ChainedLog) -> None:
    assert (log.head(), log.entry(1), list(log.entries()), log.versions()) == (None, None, [], {})
    first = log.append(event_bytes(1))
    assert (first.number, Event.from_bytes(first.body, "").previous) == (1, FIRST)


@pytest.mark.parametrize("count", [998, 999, 1000])
def test_the_end_is_found_over_folder_borders(s3: StrictS3, admin: Admin, count: int) -> None:
    admin.put_events(count)
    log = log_of(s3)
    s3.requests.clear()
    head = log.head()
    assert head is not None
    assert (head.number, head.body) == (count, bodies_of(count)[-1])
    # The folders, the last of them, the entry.
    assert sum(s3.requests.values()) == 3
    for number in range(count + 1, count + 4):
        assert log.append(event_bytes(number)).number == number
    assert list(log.entries())[-1].number == count + 3
    assert [entry.number for entry in log.entries(998, 1001)] == [998, 999, 1000, 1001]


def test_appending_again_needs_no_listing(s3: StrictS3, log: ChainedLog) -> None:
    log.append(event_bytes(1))
    s3.requests.clear()
    log.append(event_bytes(2))
    assert s3.requests == {"PutObject": 1, "GetObject": 1}


def test_a_listing_that_never_shows_the_newest_entry_ends_in_bounded_time(s3: StrictS3, log: ChainedLog) -> None:
    for number in range(1, 4):
        log.append(event_bytes(number))
    client = s3.client()
    blind = ChainedLog(S3ObjectStore(client, BUCKET), PREFIX, PROBE)

    def without_the_newest(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Versions"] = [item for item in parsed.get("Versions", []) if item["Key"] != log.key_of(3)]

    client.meta.events.register("after-call.s3.ListObjectVersions", without_the_newest)
    s3.requests.clear()
    with pytest.raises(StoreError, match=f"does not list {log.key_of(3)}, which is there") as raised:
        blind.append(event_bytes(4))
    assert (raised.value.exit_code, raised.value.transient) == (ExitCode.UNREACHABLE, True)
    assert sum(s3.requests.values()) < 250
    assert_chain(log, 3)


def test_two_writers_take_turns(s3: StrictS3, log: ChainedLog) -> None:
    other = log_of(s3)
    for number in range(1, 31, 3):
        log.append(event_bytes(number))
        other.append(event_bytes(number + 1))
        other.append(event_bytes(number + 2))
    assert_chain(log, 30)


def test_a_writer_that_paused_catches_up_with_one_listing(s3: StrictS3, log: ChainedLog) -> None:
    log.append(event_bytes(1))
    other = log_of(s3)
    for number in range(2, 60):
        other.append(event_bytes(number))
    s3.requests.clear()
    assert log.append(event_bytes(60)).number == 60
    assert s3.requests["PutObject"] < 20
    assert_chain(log, 60)


def test_threads_of_one_log(log: ChainedLog) -> None:
    with ThreadPoolExecutor(8) as threads:
        entries = list(threads.map(lambda number: log.append(event_bytes(number)), range(1, 101)))
    assert sorted(entry.number for entry in entries) == list(range(1, 101))
    assert_chain(log, 100)


def test_other_writers_that_are_always_faster_are_a_conflict(
    s3: StrictS3, log: ChainedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    log.append(event_bytes(1))
    refused = 0

    def plan(operation: str) -> Answer | None:
        nonlocal refused
        refused += operation == "PutObject"
        return Answer(412, "PreconditionFailed") if operation == "PutObject" else None

    s3.faults = plan
    with pytest.raises(ConflictError, match="others were faster 500 times") as error:
        log.append(event_bytes(2))
    assert (refused, error.value.transient) == (ATTEMPTS, True)


def test_an_object_with_the_last_possible_number(s3: StrictS3, log: ChainedLog, admin: Admin) -> None:
    log.append(event_bytes(1))
    far = log.key_of(LAST_NUMBER)
    admin.put(far, admin.body(1))
    writer = log_of(s3)
    for _ in range(2):
        with pytest.raises(ConflictError, match=far) as error:
            writer.append(event_bytes(2))
        assert "audit verify" in error.value.remedy
    admin.erase(far)
    assert writer.append(event_bytes(2)).number == 2
    assert_chain(log, 2)


def test_the_number_of_a_deleted_last_entry_is_not_taken_again(log: ChainedLog, s3: StrictS3, admin: Admin) -> None:
    for number in (1, 2):
        log.append(event_bytes(number))
    admin.hide(log.key_of(2))
    head = log_of(s3).head()
    assert head is not None
    assert head.number == 2
    assert log_of(s3).append(event_bytes(3)).number == 3
    assert [entry.number for entry in log.entries()] == [1, 2, 3]


def test_an_entry_is_what_was_stored_first(log: ChainedLog, admin: Admin) -> None:
    entry = log.append(event_bytes(1))
    admin.put_over(1, failed)
    assert (log.head(), log.entry(1), list(log.entries())) == (entry, entry, [entry])


def test_an_entry_that_is_gone_stops_the_reading(log: ChainedLog, admin: Admin) -> None:
    for number in (1, 2, 3):
        log.append(event_bytes(number))
    admin.erase(log.key_of(2))
    with pytest.raises(NotFoundError, match=r"0000000002\.json is missing.*audit verify"):
        list(log.entries())
    assert log.entry(2) is None


def test_a_lost_answer_takes_one_number(s3: StrictS3) -> None:
    log = log_of(s3, max_attempts=3)
    log.append(event_bytes(1))
    lost = [LostAnswer()]
    s3.faults = lambda operation: lost.pop() if operation == "PutObject" and lost else None
    assert log.append(event_bytes(2)).number == 2
    assert_chain(log, 2)


def test_an_entry_that_is_read_back_as_other_bytes(log: ChainedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log.store, "get_bytes", lambda *_: (b"other", ""))
    with pytest.raises(VerificationError, match="is not what was sent"):
        log.append(event_bytes(1))


def test_a_store_out_of_reach(s3: StrictS3, log: ChainedLog) -> None:
    s3.faults = lambda _operation: Refuse()
    with pytest.raises(StoreError):
        log.append(event_bytes(1))


class TestConditionalWrites:
    """Whether the store keeps two writers apart, and what happens where it does not."""

    @staticmethod
    def ignoring(client: S3Client) -> S3Client:
        """Let a client lose its conditions on the way, as with a store that ignores them."""

        def forget(params: dict[str, Any], **_: object) -> None:
            params["headers"].pop("If-None-Match", None)

        client.meta.events.register("before-call.s3.PutObject", forget)
        return client

    def test_a_store_that_honours_them(self, store: S3ObjectStore) -> None:
        assert honours_conditional_writes(store, PROBE)
        with store.counted_requests() as requests:
            assert honours_conditional_writes(store, PROBE)
        assert requests == ["PutObject"]
        assert len(store.list_versions(PROBE)) == 1

    def test_a_store_that_ignores_them(self, s3: StrictS3, caplog: pytest.LogCaptureFixture) -> None:
        log = ChainedLog(S3ObjectStore(self.ignoring(s3.client()), BUCKET), PREFIX, PROBE)
        for number in (1, 2):
            log.append(event_bytes(number))
        assert not log.takes_several_writers()
        assert caplog.text.count("ignores conditional writes: only ONE machine may write") == 1

    def test_a_file_lock_that_cannot_be_taken(
        self, s3: StrictS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A lock in a missing folder is refused like the lock of another user.
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
        log = ChainedLog(S3ObjectStore(self.ignoring(s3.client()), BUCKET), PREFIX, PROBE)
        with pytest.raises(ConflictError, match=rf"cannot lock {tmp_path}/missing/signal-backups-\w+\.lock") as error:
            log.append(event_bytes(1))
        assert "one writer" in error.value.remedy
        assert log.head() is None

    def test_processes_of_one_machine_still_follow_each_other(self, connection: S3Connection, bucket: str) -> None:
        processes = multiprocessing.get_context("spawn")
        writers = [processes.Process(target=write_unconditionally, args=(connection, bucket)) for _ in range(3)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert [writer.exitcode for writer in writers] == [0] * 3
        log = BackupVault(S3ObjectStore(s3_client(connection), bucket), Layout()).trail.log
        assert_chain(log, 3 * WRITTEN)


WRITTEN = 10


def write_unconditionally(connection: S3Connection, bucket: str) -> None:
    """What one process writes, on a store that ignores conditions."""
    store = S3ObjectStore(TestConditionalWrites.ignoring(s3_client(connection)), bucket)
    vault = BackupVault(store, Layout(), actor=Actor.here())
    for _ in range(WRITTEN):
        assert vault.trail.record(Action.VERIFICATION, "passed") is not None


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(
    at=st.datetimes(timezones=st.just(START.tzinfo)),
    action=st.sampled_from(Action),
    texts=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS),
    details=st.dictionaries(TEXTS, JSON, max_size=4),
    number=st.integers(1, 10**10 - 1),
)
def test_events_come_back_as_they_went(
    at: Any, action: Action, texts: tuple[str, ...], details: dict[str, Any], number: int
) -> None:
    result, user, host, key, version = texts
    known = Occurrence(
        at=at,
        actor=Actor(user=user, host=host),
        action=action,
        result=result,
        objects=[ObjectName(key=key, version_id=version)],
        details=details,
    )
    body = known.to_bytes(Link(number, uuid.uuid4().hex * 2))
    assert body.isascii()
    assert body.count(b"\n") == 1
    event = Event.from_bytes(body, "it")
    assert event.number == number
    fields = set(Occurrence.model_fields)
    assert event.model_dump(include=fields) == known.model_dump(include=fields)
    assert Occurrence(**event.model_dump(include=fields)).to_bytes(Link(number, event.previous)) == body


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[]", bodies_of(1)[0].replace(b'"result"', b'"outcome"')])
def test_other_bytes_are_not_an_event(body: bytes) -> None:
    with pytest.raises(VerificationError, match=r"it is not an event: .* signal-backups audit verify"):
        Event.from_bytes(body, "it")


def test_the_hash_is_of_the_exact_bytes() -> None:
    assert Entry(1, "", "", b"abc").sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
