"""Which UTC day a row with any timestamp belongs to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.backup.extract import extract_day, reading_extract
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.timestamps import INSTANT, belongs_sql, instant_sql, undated_rows
from signal_backups_tests.samples.days import RunDay, extracted
from signal_backups_tests.samples.examples import examples, moments, texts
from signal_backups_tests.samples.signals import DAY, Row, signal
from signal_backups_tests.samples.tables import UNTYPED, sqlite_table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAYS = [DAY + timedelta(days=offset) for offset in range(-3, 4)]

READABLE = {
    "2026-11-01T12:00:00+00:00": NOON,
    "2026-11-01 12:00:00+00:00": NOON,
    "2026-11-01T12:00:00": NOON,
    "2026-11-01 12:00:00": NOON,
    "2026-11-01T12:00:00Z": NOON,
    "2026-11-01 12:00:00Z": NOON,
    "2026-11-01T12:00": NOON,
    "2026-11-01T12:00Z": NOON,
    "2026-11-01T12:00:00.5": NOON + timedelta(milliseconds=500),
    "2026-11-01T12:00:00,5Z": NOON + timedelta(milliseconds=500),
    "2026-11-01T12:00:00.123456+00:00": NOON + timedelta(microseconds=123456),
    "2026-11-01T12:00:00.123456789Z": NOON + timedelta(microseconds=123456),
    "2026-11-01T12:00:00.999999999999Z": NOON + timedelta(microseconds=999999),
    "2026-11-02T02:00:00+14:00": NOON,
    "2026-11-01T00:00:00-12:00": NOON,
    "2026-11-01T17:30:00+05:30": NOON,
    "2026-11-01T17:30:00+0530": NOON,
    "2026-11-01T14:00:00+02": NOON,
    "2026-11-02T11:59:00+23:59": NOON,
    "2026-10-31T12:01:00-23:59": NOON,
    "2024-02-29T00:00:00Z": datetime(2024, 2, 29, tzinfo=UTC),
}

UNREADABLE = [
    "",
    "garbage",
    "1793534400",
    "2026-11-01",
    "2026-11-01T",
    "2026-11-01T25:00:00Z",
    "2026-11-01T24:00:00Z",
    "2026-11-01T12:60:00Z",
    "2026-11-01T12:00:60Z",
    "2026-11-01T12:00:00.Z",
    "2026-11-01T12:00:00+24:00",
    "2026-11-01T12:00:00+02:60",
    "2026-11-01T12:00:00 +02:00",
    "2026-11-01T12:00:00Z ",
    " 2026-11-01T12:00:00Z",
    "2026-11-01t12:00:00z",
    "2026-11-01T12:00:00 UTC",
    "2026-11-01T12:00:00 Europe/Berlin",
    "2026-02-30T12:00:00Z",
    "2025-02-29T12:00:00Z",
    "2026-13-01T12:00:00Z",
    "20261101T120000Z",
    "01.11.2026 12:00",
    "infinity",
    "epoch",
    "now",
    "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0660\u0661T12:00:00Z",
]


def instants(found: list[str | None]) -> list[datetime | None]:
    with closing(duckdb_engine.cursor()) as cursor:
        cursor.register("given", pa.table({"timestamp": pa.array(found, pa.string())}))
        microseconds = cursor.execute(f"SELECT {instant_sql()} FROM given").fetchall()
    return [None if value is None else EPOCH + timedelta(microseconds=value) for (value,) in microseconds]


def kept(day: date, found: list[str | None]) -> list[bool]:
    """For each timestamp, whether its row belongs to the day."""
    with closing(duckdb_engine.cursor()) as cursor:
        cursor.register("given", pa.table({"timestamp": pa.array(found, pa.string())}))
        rows = f"(SELECT timestamp, {instant_sql()} AS {INSTANT} FROM given)"
        return [belongs for (belongs,) in cursor.execute(f"SELECT {belongs_sql(day, day)} FROM {rows}").fetchall()]


def days_of(stamp: str | None) -> list[date]:
    """The days around ``DAY`` to which a row with this timestamp belongs."""
    return [day for day in DAYS if kept(day, [stamp]) == [True]]


@pytest.mark.parametrize(("text", "instant"), READABLE.items())
def test_readable_timestamps(text: str, instant: datetime) -> None:
    assert instants([text]) == [instant]


@pytest.mark.parametrize("text", UNREADABLE)
def test_unreadable_timestamps_are_not_instants(text: str) -> None:
    assert instants([text]) == [None]


offsets = st.one_of(
    st.sampled_from(["", "Z", "+00:00", "-00:00", "+14:00", "-12:00", "+23:59", "-23:59", "+0530", "+09"]),
    st.integers(-1439, 1439).map(
        lambda minutes: NOON.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat()[19:]
    ),
)
fractions = st.one_of(st.just(""), st.from_regex(r"[.,][0-9]{1,9}", fullmatch=True))


@examples(200)
@given(moments(date(1900, 1, 2), date(2999, 12, 30)), st.sampled_from("T "), fractions, offsets)
def test_instants_equal_those_of_fromisoformat(moment: datetime, separator: str, fraction: str, offset: str) -> None:
    text = f"{moment:%Y-%m-%d}{separator}{moment:%H:%M:%S}{fraction}{offset}"
    read = datetime.fromisoformat(text)
    assert instants([text]) == [read if read.tzinfo else read.replace(tzinfo=UTC)]


@examples(200)
@given(st.one_of(texts, st.from_regex(r"2026-11-0[0-9][T ]?[0-9:.,Z+\-]{0,16}", fullmatch=True)))
def test_python_reads_every_accepted_text_as_the_same_instant(text: str) -> None:
    (found,) = instants([text])
    if found is not None:
        read = datetime.fromisoformat(text)
        assert found == (read if read.tzinfo else read.replace(tzinfo=UTC))


@examples(120)
@given(moments(date(2026, 10, 30), date(2026, 11, 3)), st.integers(-1439, 1439))
def test_a_readable_row_belongs_to_its_utc_day_only(moment: datetime, minutes: int) -> None:
    local = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    utc = local.astimezone(UTC).date()
    assert [kept(day, [local.isoformat()]) for day in DAYS[1:6]] == [[day == utc] for day in DAYS[1:6]]


def test_an_unreadable_row_belongs_to_the_day_that_its_text_begins_with() -> None:
    assert days_of("2026-11-01T25:00:00Z") == [DAY]


@pytest.mark.parametrize("text", [None, "", "garbage", "1793534400", "2026-02-30T12:00:00Z"])
def test_an_unreadable_row_that_begins_with_no_day_belongs_to_none(text: str | None) -> None:
    assert days_of(text) == []


@pytest.fixture(params=["Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"])
def host_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    duckdb_engine._engine.cache_clear()
    yield
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


def test_the_zone_of_the_host_does_not_matter(host_zone: None) -> None:
    assert datetime(2026, 11, 1).astimezone().utcoffset() != timedelta(0)
    assert instants(list(READABLE)) == list(READABLE.values())
    assert days_of("2026-11-01T00:00:00") == [DAY]
    assert days_of("2026-11-01T23:59:59.999999") == [DAY]


IN_THE_DAY = [
    "2026-11-01T00:00:00+00:00",
    "2026-11-01T23:59:59.999999+00:00",
    "2026-11-01 00:00:00",
    "2026-11-02T13:59:59+14:00",
    "2026-11-01T14:00:00+14:00",
    "2026-10-31T12:00:00-12:00",
    "2026-11-01T11:59:59.999999-12:00",
    "2026-11-02T23:58:59+23:59",
    "2026-11-01T23:59:00+23:59",
    "2026-10-31T00:01:00-23:59",
    "2026-11-01T00:00:59.999999-23:59",
]
NEIGHBOURING = [
    "2026-10-31T23:59:59.999999+00:00",
    "2026-11-02T00:00:00+00:00",
    "2026-11-01T13:59:59.999999+14:00",
    "2026-11-02T14:00:00+14:00",
    "2026-10-31T11:59:59.999999-12:00",
    "2026-11-01T12:00:00-12:00",
    "2026-11-01T23:58:59+23:59",
    "2026-10-31T00:00:59-23:59",
    "2026-11-01T00:01:00-23:59",
]


@pytest.mark.parametrize("stamp", IN_THE_DAY)
def test_a_row_with_an_offset_is_backed_up_with_its_utc_day(run_day: RunDay, stamp: str) -> None:
    run = run_day([signal(timestamp=stamp)])
    assert [record["timestamp"] for record in run.records] == [stamp]


@pytest.mark.parametrize("stamp", NEIGHBOURING)
def test_a_row_of_a_neighbouring_day_is_left_out(run_day: RunDay, stamp: str) -> None:
    run = run_day([signal(timestamp=stamp)])
    assert (run.report.records, run.report.quarantined) == (0, 0)


@pytest.mark.parametrize("stamp", [stamp for stamp in UNREADABLE if stamp.startswith("2026-11-01")])
def test_an_unreadable_row_is_quarantined_verbatim(run_day: RunDay, stamp: str) -> None:
    run = run_day([signal(timestamp=stamp), signal(2)])
    assert run.ids() == ["signal-00002"]
    assert [row["timestamp"] for row in run.quarantine] == [stamp]
    assert "timestamp is not an instant" in run.reason()
    assert run.faults() == {"schema"}
    assert run.extract.rows_without_instant == 1


WITHOUT_DAY: list[object] = [
    None,
    "",
    "garbage",
    1793534400,
    2460000.5,
    b"\xff\x00",
    b"",
    "zzz",
    "2026-02-30T12:00:00Z",
]


@pytest.mark.parametrize("day", [date(2020, 2, 29), DAY, date(2033, 7, 1)])
def test_a_row_that_begins_with_no_day_is_in_no_day(run_day: RunDay, day: date) -> None:
    rows = [signal(number, timestamp=stamp, verification_hash="0" * 64) for number, stamp in enumerate(WITHOUT_DAY, 1)]
    run = run_day([*rows, signal(99)], day=day, types=UNTYPED)
    assert run.quarantine == []


def test_an_unreadable_row_is_on_no_other_day(run_day: RunDay) -> None:
    rows = [signal(timestamp="2026-11-02T25:00:00Z"), signal(2, timestamp="2026-10-31 nonsense")]
    assert run_day(rows).extract.rows == 0


def test_a_blob_with_the_text_of_an_instant_is_on_no_day(tmp_path: Path) -> None:
    source = sqlite_table(tmp_path / "signals.db", [signal(timestamp=b"2026-11-01T12:00:00Z")], UNTYPED)
    assert [extracted(source, tmp_path, day).extract.rows for day in DAYS] == [0] * len(DAYS)


stamps = st.one_of(
    st.none(),
    texts,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=30),
    st.sampled_from([*IN_THE_DAY, *NEIGHBOURING, *UNREADABLE]),
    moments(date(2026, 10, 30), date(2026, 11, 3)).map(str),
)


@examples(25)
@given(st.lists(stamps, max_size=30))
def test_a_row_with_any_timestamp_is_read_once_with_its_day_or_with_none(
    tmp_path_factory: pytest.TempPathFactory, found: list[object]
) -> None:
    folder = tmp_path_factory.mktemp("days")
    rows: list[Row] = [
        signal(number, timestamp=stamp, verification_hash="0" * 64) for number, stamp in enumerate(found)
    ]
    source = sqlite_table(folder / "signals.db", rows, UNTYPED)
    first, last = DAYS[2], DAYS[4]
    read: list[str | None] = []
    for day in (first, DAY, last):
        (folder / str(day)).mkdir()
        extract_day(source, DayFolder(folder / str(day), day))
        with reading_extract(folder / str(day) / "extract.arrow") as day_rows:
            read += [row["signal_id"] for batch in day_rows for row in batch.to_pylist()]
    with source.read_undated(first, last) as snapshot, closing(duckdb_engine.cursor()) as cursor:
        for batch in snapshot.batches:
            read += undated_rows(cursor, batch, first, last).column("signal_id").to_pylist()
    assert sorted(map(str, read)) == sorted(row["signal_id"] for row in rows)
