"""Tables on a terminal of 80 columns, on a wide one, and in a file."""

from __future__ import annotations

import io
import re
import sys
from datetime import date, timedelta

import pytest

from signal_backups.cli.output import print_table

COLUMNS = ("day", "records", "quarantined", "bytes", "SHA-256", "version", "state", "key")
DAYS = [date(2026, 11, 16) + timedelta(days=number) for number in range(7)]
KEYS = [f"signals/{day:%Y/%m}/signals_backup_{day:%Y%m%d}_020000.csv" for day in DAYS]
VERSIONS = [f"00063f5e8a{number:02}.3f9c2b7a4d1e8f6050a1b2c3d4e5f607" for number in range(7)]
ROWS = [
    (str(day), "281", "-", "60.1 kB", "3fa4c2b19d07", version, "verified", key)
    for day, version, key in zip(DAYS, VERSIONS, KEYS, strict=True)
]


class Screen(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


def printed(
    monkeypatch: pytest.MonkeyPatch,
    stream: io.StringIO,
    width: int,
    columns: tuple[str, ...],
    rows: list[tuple[str, ...]],
) -> list[str]:
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    print_table("Backups", columns, rows)
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()


def test_on_80_columns_nothing_that_is_copied_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, Screen(), 80, COLUMNS, ROWS)
    assert lines[1].split() == ["day", "records", "quarantined", "bytes", "SHA-256", "state"]
    assert lines[2:5] == [
        "2026-11-16      281            -  60.1 kB  3fa4c2b19d07  verified",
        f"  version  {VERSIONS[0]}",
        f"  key  {KEYS[0]}",
    ]
    assert len(lines) == 2 + 3 * len(DAYS)
    assert max(map(len, lines)) <= 80


def test_what_no_line_holds_is_left_to_the_terminal_to_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "many words " * 20
    lines = printed(monkeypatch, Screen(), 80, ("day", "what", "more"), [("2026-11-16", words.strip(), "-")])
    assert lines[2:] == ["2026-11-16  -", f"  what  {words.strip()}"]


def test_a_table_that_fits_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(line.startswith("│ 2026-11-16 ") for line in printed(monkeypatch, Screen(), 200, COLUMNS, ROWS))


def test_in_a_file_each_row_is_one_line_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(*row, "x" * 150) for row in ROWS]
    lines = printed(monkeypatch, io.StringIO(), 80, (*COLUMNS, "remark"), rows)
    for key, version in zip(KEYS, VERSIONS, strict=True):
        assert any(key in line and version in line and "x" * 150 in line for line in lines)
