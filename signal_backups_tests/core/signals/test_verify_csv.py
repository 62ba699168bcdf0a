"""Verifying a file: files of older tools are accepted, and any damage is found."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import ExitCode, NotFoundError, VerificationError
from signal_backups.core.signals.verify_csv import NAMED_ROWS, count_signals, verify_csv
from signal_backups.core.signals.verify_report import Expected, VerifyReport
from signal_backups_tests.samples.days import DayRun, RunDay, lines
from signal_backups_tests.samples.examples import examples
from signal_backups_tests.samples.signals import HASHED, Row, producer_hash, signal, signals

#: Header of an older tool, which wrote another order, CRLF, integral numbers as integers, and no optional columns.
OLD_COLUMNS = ["timestamp", "signal_id", "symbol", "action", "confidence", "entry_price", "stop_price", "target_price",
               "strategy", "sha256"]  # fmt: skip


def old_file(path: Path, rows: list[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(OLD_COLUMNS)
        writer.writerows(
            [row["verification_hash" if name == "sha256" else name] for name in OLD_COLUMNS] for row in rows
        )
    assert path.read_bytes().endswith(b"\r\n")
    return path


def changed(run: DayRun, body: bytes) -> Path:
    path = run.folder.path / "changed.csv"
    path.write_bytes(body)
    return path


def test_a_complete_file_verifies(three: DayRun) -> None:
    report = verify_csv(three.folder.backup_csv, three.expected)
    assert report.ok
    assert (report.records, report.rows_hashed, report.bad_row_count) == (3, 3, 0)
    assert (report.bytes, report.sha256) == (three.report.bytes, three.report.sha256)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as raised:
        verify_csv(tmp_path / "nowhere.csv")
    assert raised.value.exit_code == ExitCode.NOT_FOUND


def is_located(report: VerifyReport) -> bool:
    """Whether the report has a problem other than differences from the manifest."""
    return any("its manifest says" not in problem for problem in report.problems)


def test_every_flipped_byte_is_detected_and_most_are_located(run_day: RunDay) -> None:
    run = run_day(signals(2))
    found = []
    for place in range(len(run.csv)):
        body = bytearray(run.csv)
        body[place] ^= 1 << place % 8
        report = verify_csv(changed(run, bytes(body)), run.expected)
        assert not report.ok
        found.append(is_located(report))
    # Not located: the names of optional columns in the header, and their empty fields.
    assert sum(found) > 0.9 * len(found)


def test_a_flipped_byte_of_a_hashed_field_is_located(three: DayRun) -> None:
    place = three.csv.index(b"signal-00002") + 4
    body = three.csv[:place] + b"x" + three.csv[place + 1 :]
    report = verify_csv(changed(three, body))
    assert [(bad.row, bad.signal_id, bad.timestamp) for bad in report.bad_rows] == [
        (2, "signxl-00002", "2026-11-01T00:00:02+00:00")
    ]
    assert report.problems == ["1 of 3 signals do not match their hash"]


def test_truncation_at_every_byte_is_detected_and_located_when_inside_a_line(three: DayRun) -> None:
    for size in range(len(three.csv)):
        body = three.csv[:size]
        report = verify_csv(changed(three, body), three.expected)
        assert not report.ok
        assert is_located(report) != body.endswith(b"\n")


def reordered(records: list[bytes]) -> list[bytes]:
    return [records[1], records[0], *records[2:]]


def deleted(records: list[bytes]) -> list[bytes]:
    return records[:1] + records[2:]


def doubled(records: list[bytes]) -> list[bytes]:
    return [*records, records[-1]]


def emptied(records: list[bytes]) -> list[bytes]:
    return records[:0]


@pytest.mark.parametrize("tampered", [reordered, deleted, doubled, emptied])
def test_reordered_deleted_or_repeated_rows_are_found(
    three: DayRun, tampered: Callable[[list[bytes]], list[bytes]]
) -> None:
    header, records = lines(three)
    report = verify_csv(changed(three, header + b"".join(tampered(records))), three.expected)
    assert any("its manifest says" in problem and "SHA-256" in problem for problem in report.problems)
    if tampered is not reordered:
        assert any("signals, its manifest says 3" in problem for problem in report.problems)


def test_a_repeated_row_is_named_without_a_manifest(three: DayRun) -> None:
    header, records = lines(three)
    report = verify_csv(changed(three, header + b"".join(doubled(records))))
    assert report.repeated_ids == ["signal-00003"]
    assert "signal_id repeats: signal-00003" in report.problems


def test_rows_without_an_id_are_bad_rows(three: DayRun) -> None:
    header, records = lines(three)
    without_ids = [record.replace(b"signal-0000", b"").split(b",", 1)[1] for record in records]
    report = verify_csv(changed(three, header + b"".join(b"," + record for record in without_ids)))
    assert report.bad_row_count == 3
    assert not report.ok


def test_an_edited_row_with_a_new_hash_differs_from_the_manifest(three: DayRun) -> None:
    row = signal(2, entry_price=9.75)
    header, records = lines(three)
    old = signal(2)
    edited = (
        records[1]
        .replace(b"1.0842", b"9.75")
        .replace(str(old["verification_hash"]).encode(), str(row["verification_hash"]).encode())
    )
    path = changed(three, header + records[0] + edited + records[2])
    assert verify_csv(path).ok
    assert not verify_csv(path, three.expected).ok


def test_a_file_of_an_older_tool_verifies(tmp_path: Path) -> None:
    rows = [signal(number, confidence=87, entry_price=150.25, symbol='a "b", c\r\nd') for number in range(1, 8)]
    report = verify_csv(old_file(tmp_path / "old.csv", rows))
    assert report.problems == []
    assert (report.records, report.rows_hashed) == (7, 7)


def test_an_integer_in_an_older_file_may_have_been_hashed_as_a_double(tmp_path: Path) -> None:
    row = signal(confidence=87) | {"verification_hash": producer_hash(signal(confidence=87.0))}
    report = verify_csv(old_file(tmp_path / "old.csv", [row]))
    assert report.ok
    assert report.integer_form_rows == 1


def test_an_empty_text_in_quotes_is_not_missing(tmp_path: Path) -> None:
    path = old_file(tmp_path / "old.csv", [signal(strategy="")])
    path.write_bytes(path.read_bytes().replace(b"1.0923,,", b'1.0923,"",'))
    assert b',"",' in path.read_bytes()
    assert verify_csv(path).ok


def test_padded_numbers_do_not_verify(tmp_path: Path) -> None:
    good = signal(entry_price=150.0)
    assert verify_csv(old_file(tmp_path / "good.csv", [good])).ok
    report = verify_csv(old_file(tmp_path / "padded.csv", [good | {"entry_price": "150.00"}]))
    assert report.bad_row_count == 1


def test_the_hash_column_may_have_either_name(three: DayRun) -> None:
    assert verify_csv(changed(three, three.csv.replace(b"verification_hash", b"sha256", 1))).ok


def test_additional_columns_are_ignored(tmp_path: Path, three: DayRun) -> None:
    header, records = lines(three)
    widened = [line.rstrip(b"\n") + b",more\n" for line in (header, *records)]
    assert verify_csv(changed(three, b"".join(widened))).ok


@pytest.mark.parametrize("column", [*HASHED, "verification_hash"])
def test_a_missing_column_is_named(three: DayRun, column: str) -> None:
    header, records = lines(three)
    report = verify_csv(changed(three, header.replace(column.encode(), b"other", 1) + b"".join(records)))
    assert f"lacks {column}" in report.problems[0]
    assert report.records is None


def test_a_repeated_column_is_refused(three: DayRun) -> None:
    header, records = lines(three)
    report = verify_csv(changed(three, header.replace(b"server_timestamp", b"sha256") + b"".join(records)))
    assert "repeats" in report.problems[0]


def test_a_file_without_its_header_is_refused(three: DayRun) -> None:
    _, records = lines(three)
    assert "is not a backup CSV" in verify_csv(changed(three, b"".join(records))).problems[0]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.touch()
    report = verify_csv(path)
    assert (report.ok, report.bytes, report.records) == (False, 0, None)


def test_a_header_alone_is_a_day_without_signals(three: DayRun) -> None:
    header, _ = lines(three)
    report = verify_csv(changed(three, header))
    assert report.ok
    assert report.records == 0


@pytest.mark.parametrize("size", [1, 100, 10_000, 300_000])
def test_random_bytes_are_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "noise.csv"
    path.write_bytes(random.Random(size).randbytes(size))  # noqa: S311 - noise, not a secret
    assert not verify_csv(path).ok


@pytest.mark.parametrize("byte", [b"a", b'"', b",", b"\0", b"\xff"])
def test_a_large_file_without_a_line_break_is_refused(tmp_path: Path, byte: bytes) -> None:
    path = tmp_path / "line.csv"
    path.write_bytes(byte * 400_000)
    assert not verify_csv(path).ok


@examples(60)
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@example(b'"')
def test_any_bytes_after_a_header_give_a_report(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    path = tmp_path_factory.mktemp("file") / "some.csv"
    path.write_bytes(",".join(OLD_COLUMNS).encode() + b"\n" + body)
    report = verify_csv(path, Expected(records=1, bytes=1, sha256="0" * 64))
    assert not report.ok


@pytest.mark.parametrize(("sample", "hashed"), [(1, 1), (10, 10), (30, 25), (100, 50), (49, 25), (None, 50)])
def test_a_sample_is_evenly_spaced_and_no_larger_than_requested(
    run_day: RunDay, sample: int | None, hashed: int
) -> None:
    report = verify_csv(run_day(signals(50)).folder.backup_csv, sample=sample)
    assert report.ok
    assert (report.records, report.rows_hashed) == (50, hashed)


def test_a_sample_still_counts_and_finds_repeated_ids(run_day: RunDay) -> None:
    run = run_day(signals(20))
    header, records = lines(run)
    report = verify_csv(changed(run, header + b"".join(doubled(records))), run.expected, sample=1)
    assert report.repeated_ids == ["signal-00020"]
    assert "file has 21 signals, its manifest says 20" in report.problems


def test_a_bad_row_in_the_sample_has_its_row_number_in_the_file(run_day: RunDay) -> None:
    run = run_day(signals(20))
    bad = changed(run, run.csv.replace(b"signal-00011,EUR", b"signal-00011,EVR"))
    assert [row.row for row in verify_csv(bad, sample=2).bad_rows] == [11]


def test_ten_bad_rows_are_named_and_all_are_counted(run_day: RunDay) -> None:
    run = run_day(signals(30))
    report = verify_csv(changed(run, run.csv.replace(b",BUY,", b",SELL,")))
    assert report.bad_row_count == 30
    assert [row.row for row in report.bad_rows] == list(range(1, NAMED_ROWS + 1))


def test_the_digest_is_of_the_bytes_on_disk(three: DayRun) -> None:
    assert digest(three.folder.backup_csv).sha256 == three.report.sha256
    assert digest(three.folder.backup_csv).bytes == len(three.csv)


def test_signals_are_counted_by_parsing(run_day: RunDay) -> None:
    assert count_signals(run_day([signal(1, symbol="a\nb"), signal(2)]).folder.backup_csv) == 2


def test_counting_a_file_that_does_not_parse_is_an_error(three: DayRun) -> None:
    with pytest.raises(VerificationError):
        count_signals(changed(three, three.csv + b"one,two\n"))
    with pytest.raises(VerificationError):
        count_signals(changed(three, b"nothing"))


def test_a_path_with_quotes_and_wildcards_is_read(three: DayRun) -> None:
    path = three.folder.backup_csv.with_name("it's a [file]*.csv")
    path.write_bytes(three.csv)
    assert verify_csv(path, three.expected).ok
