"""Standard output and error that cannot be written: a full disk, in this process."""

import io
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from signal_backups.cli.streams import survive_closed_pipes, unwritten_output_fails


@pytest.fixture
def full() -> Iterator[io.TextIOWrapper]:
    """A stream whose disk is full."""
    # What it still holds cannot be written either when it is closed.
    with suppress(OSError), Path("/dev/full").open("w", encoding="utf-8") as stream:
        yield stream


def _command(body: str, ended: object) -> None:
    sys.stdout.write(body)
    sys.stderr.write(body)
    if ended is not None:
        raise SystemExit(ended)


def _code(body: str, ended: object) -> object:
    survive_closed_pipes()
    try:
        with unwritten_output_fails():
            _command(body, ended)
    except SystemExit as end:
        return end.code
    else:
        return None
    finally:
        sys.stderr.flush()


@pytest.mark.parametrize("body", ["short", "long" * 10_000])
@pytest.mark.parametrize(("ended", "code"), [(None, 3), (0, 3), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)])
def test_a_result_that_cannot_be_written_is_none(
    full: io.TextIOWrapper,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    body: str,
    ended: int | None,
    code: int,
) -> None:
    monkeypatch.setattr(sys, "stdout", full)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    assert _code(body, ended) == code
    said = "cannot write standard output: No space left on device" in capfd.readouterr().err
    assert said == (not ended)


@pytest.mark.parametrize("ended", [None, 0, 1, 4])
@pytest.mark.usefixtures("capfd")
def test_standard_error_that_cannot_be_written_changes_no_exit_code(
    full: io.TextIOWrapper, monkeypatch: pytest.MonkeyPatch, ended: int | None
) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", full)
    assert _code("said", ended) == ended
