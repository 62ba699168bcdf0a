"""A Ctrl-C that hits while DuckDB runs a query arrives as DuckDB's error, and still is a Ctrl-C."""

from __future__ import annotations

import pytest

from signal_backups.cli import app as entry


@pytest.mark.parametrize(("words", "code"), [("Query interrupted", 130), ("something else", 1)])
def test_an_interrupted_query_is_an_interrupt_and_no_other_error_is(
    monkeypatch: pytest.MonkeyPatch, words: str, code: int
) -> None:
    def fail() -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(entry, "app", fail)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == code
