"""``signal-backups restore --dry-run``: ends as the restore itself would, and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.vault.manifest import Manifest
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays, day_at, held_in, rows_of, stored_days
from signal_backups_tests.cli.terminal import Finished, Terminal
from signal_backups_tests.samples.signals import signal

FRESH_DAYS = count()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[StoredDays]:
    with stored_days(tmp_path_factory.mktemp("days"), s3_server) as stored:
        yield stored


@pytest.fixture(params=["sqlite", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("folder", "postgresql"))])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty target of each kind."""
    local = {"sqlite": f"sqlite:///{tmp_path / 'target.db'}", "folder": "files"}.get(request.param)
    return local or str(request.getfixturevalue("postgres_database"))


def fresh_day(stored: StoredDays) -> Manifest:
    """Another day, for one test alone; one of its rows is in quarantine."""
    day = day_at(next(FRESH_DAYS))
    bad = signal(9, (), signal_id=f"{day:%Y%m%d}-bad", timestamp=f"{day}T00:00:09Z", action="HOLD")
    return stored.store(day, [*rows_of(day, 6), bad])


def nothing(stored: StoredDays, manifest: Manifest) -> None:
    """The day is as it should be."""


def hidden(stored: StoredDays, manifest: Manifest) -> None:
    stored.delete(manifest.backup.key)


def destroyed(stored: StoredDays, manifest: Manifest) -> None:
    stored.remove(manifest.backup.key)


def damaged(stored: StoredDays, manifest: Manifest) -> None:
    """The newest version is not what its manifest says; an older one is good."""
    body = stored.body(manifest.day).replace(b"-00002,EURUSD", b"-00002,USDEUR")
    stored.claim(manifest, version_id=stored.put(manifest.backup.key, body))


def no_good_version(stored: StoredDays, manifest: Manifest) -> None:
    """The same, and the older one is gone."""
    damaged(stored, manifest)
    version = {"Key": manifest.backup.key, "VersionId": manifest.backup.version_id}
    stored.client.delete_object(Bucket=stored.bucket, **version)


def overwritten(stored: StoredDays, manifest: Manifest) -> None:
    """What is current was never vouched for: an older version is taken, with a warning."""
    stored.put(manifest.backup.key, b"somebody else's\n")


def without_manifest(stored: StoredDays, manifest: Manifest) -> None:
    stored.remove(stored.manifest_key(manifest.day))


def without_quarantine(stored: StoredDays, manifest: Manifest) -> None:
    assert manifest.quarantine is not None
    stored.remove(manifest.quarantine.key)


QUARANTINED = ("--include-quarantined",)


@dataclass(frozen=True)
class Case:
    """A state of a day, options, and how both runs end."""

    harm: Callable[[StoredDays, Manifest], None]
    outcome: str
    code: int
    options: tuple[str, ...] = ()


CASES = {
    "good": Case(nothing, "restored", 0),
    "with quarantined rows": Case(nothing, "restored", 0, QUARANTINED),
    "hidden": Case(hidden, "missing", 4),
    "destroyed": Case(destroyed, "missing", 1),
    "damaged": Case(damaged, "refused", 1),
    "no good version": Case(no_good_version, "refused", 1),
    "good rows of a damaged one": Case(no_good_version, "restored in part", 1, ("--allow-corrupt-rows",)),
    "older version": Case(overwritten, "restored", 0),
    "no manifest": Case(without_manifest, "restored", 0),
    "quarantine lost": Case(without_quarantine, "restored in part", 1, QUARANTINED),
    "quarantine lost, not asked for": Case(without_quarantine, "restored", 0),
}


def days_of(done: Finished) -> list[dict[str, Any]]:
    """What a run says of its days, without what a dry run cannot know or says differently."""
    left_out = {"seconds", "refused_file", "bytes", "storage_class", "verified_at", "there_now"}
    days = [{name: value for name, value in day.items() if name not in left_out} for day in done.json["days"]]
    for day in days:
        if day["refused"]:
            del day["remedy"]  # names the file of the rows that were left out
    return days


def both(terminal: Terminal, *command: str) -> tuple[Finished, Finished]:
    """The dry run, and then the run; insists that they agree and that the first left no trace."""
    before = {path for path in terminal.folder.rglob("*") if path.is_file()}
    dry = terminal.run("restore", *command, "--dry-run", "--json")
    assert {path for path in terminal.folder.rglob("*") if path.is_file()} == before
    wet = terminal.run("restore", *command, "--json")
    assert dry.code == wet.code
    assert dry.json["ok"] == wet.json["ok"]
    assert dry.json["warnings"] == wet.json["warnings"]
    for planned, done in zip(days_of(dry), days_of(wet), strict=True):
        # The real run's ``records`` counts what it could read.
        records = planned.pop("records"), done.pop("records")
        assert planned == done
        assert done["restored"] == 0 or records[0] == records[1] + done["refused"]
    return dry, wet


@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_the_restore_does(stored: StoredDays, tmp_path: Path, target: str, name: str) -> None:
    case, manifest = CASES[name], fresh_day(stored)
    case.harm(stored, manifest)
    events = sum(1 for _ in stored.vault.trail.events())
    terminal = stored.terminal(tmp_path)
    dry, wet = both(terminal, manifest.day.isoformat(), "--target", target, *case.options)
    (day,) = wet.json["days"]
    assert (day["outcome"], wet.code) == (case.outcome, case.code)
    assert bool(dry.json["warnings"]) == (case.harm is overwritten)
    assert sum(1 for _ in stored.vault.trail.events()) == events + 1, "only the restore itself is recorded"


@pytest.mark.parametrize(
    ("options", "outcome", "code"),
    [
        ((), "conflict", 1),
        (("--on-conflict", "skip"), "already there", 0),
        (("--on-conflict", "replace"), "already there", 0),
    ],
)
def test_it_knows_what_the_target_holds(
    stored: StoredDays, tmp_path: Path, target: str, options: tuple[str, ...], outcome: str, code: int
) -> None:
    manifest, terminal = fresh_day(stored), stored.terminal(tmp_path)
    command = (manifest.day.isoformat(), "--target", target)
    assert terminal.run("restore", *command).code == 0
    dry, _ = both(terminal, *command, *options)
    (day,) = dry.json["days"]
    assert (day["outcome"], day["exit_code"], day["there_now"]) == (outcome, code, 6)


def test_what_would_be_replaced_stays(stored: StoredDays, tmp_path: Path, target: str) -> None:
    first = fresh_day(stored)
    more = stored.store(first.day, rows_of(first.day, 8)).backup.version_id
    terminal = stored.terminal(tmp_path)
    command = (first.day.isoformat(), "--target", target)
    assert terminal.run("restore", *command, "--version-id", first.backup.version_id).code == 0
    held = None if target == "files" else held_in(target)
    dry = terminal.run("restore", *command, "--on-conflict", "replace", "--dry-run", "--json")
    assert dry.json["days"][0]["version_id"] == more
    assert held is None or held_in(target) == held
    both(terminal, *command, "--on-conflict", "replace")


def test_an_unfinished_restore_goes_on(stored: StoredDays, tmp_path: Path, target: str) -> None:
    manifest, terminal = fresh_day(stored), stored.terminal(tmp_path)
    without_quarantine(stored, manifest)
    command = (manifest.day.isoformat(), "--target", target)
    assert terminal.run("restore", *command, *QUARANTINED).code == 1
    dry, _ = both(terminal, *command)
    assert dry.json["days"][0]["outcome"] == "already there"


def test_a_range_ends_with_the_most_serious_code(stored: StoredDays, tmp_path: Path, target: str) -> None:
    good, gone, bad = (fresh_day(stored) for _ in range(3))
    hidden(stored, gone)
    damaged(stored, bad)
    dates = ("--from", good.day.isoformat(), "--to", bad.day.isoformat())
    terminal = stored.terminal(tmp_path)
    shown = terminal.run("restore", *dates, "--target", target, "--dry-run")
    assert shown.code == 1
    assert f"REFUSED {bad.day}: " in shown.err
    assert "Nothing was changed" in shown.out
    dry, _ = both(terminal, *dates, "--target", target)
    assert [day["outcome"] for day in dry.json["days"]] == ["restored", "missing", "refused"]


def test_a_place_that_cannot_be_written_is_named(stored: StoredDays, tmp_path: Path) -> None:
    manifest, terminal = fresh_day(stored), stored.terminal(tmp_path)
    (tmp_path / "files" / Path(manifest.backup.key).name).mkdir(parents=True)
    for target in ("files", f"sqlite:///{tmp_path}/nowhere/target.db"):
        dry, _ = both(terminal, manifest.day.isoformat(), "--target", target)
        assert dry.code == 3
