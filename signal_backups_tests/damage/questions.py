"""Every question: commands, pages, metrics, alerts and sensors that say something of a day, asked in this process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from html.parser import HTMLParser
from unittest.mock import patch

import dagster as dg
from prometheus_client.parser import text_string_to_metric_families

from signal_backups.core.base.days import utc_now
from signal_backups.core.config.expected_days import observe_expected_days
from signal_backups.core.doctor.backups import are_safe, is_recent
from signal_backups.core.doctor.finding import State
from signal_backups.core.monitoring.alerts.state import AlertState
from signal_backups.core.monitoring.alerts.storage_conditions import (
    day_conditions,
    finding_conditions,
    verification_conditions,
)
from signal_backups.core.monitoring.new_events import events_after, failed_verifications
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.monitoring.repair_plan import Attempts, DagsterDays, plan_repair
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import DEFAULT_PROFILE
from signal_backups.core.s3.client import s3_client
from signal_backups.orchestration.names import DAILY_BACKUP_JOB
from signal_backups.orchestration.sensors.late_rows import late_rows_sensor
from signal_backups_tests.damage.site import Site
from signal_backups_tests.orchestration.faulty import GivenDatabase, GivenStore


@dataclass(frozen=True)
class Answer:
    """What was said: the exit code (of what has none: 0 if it found nothing, 1 if it did), and all the words.

    Days are called D-1, D and D+1 in it. Of a table the cells are left, with ``|`` between them. Every run of white
    space is one blank.
    """

    exit_code: int
    words: str


class Question(StrEnum):
    """The questions, by what people type or read.

    They are asked in this order. First those that only read, because verifications, restores and drills write events
    of the audit trail that ``status`` and the metrics count. Then the status again: nothing that was asked in between
    may make it say more good than before. ``undelete`` comes late because it changes the bucket, and the status after
    it shows what it was good for.
    """

    STATUS = "status"
    STATUS_PAGE = "status --html"
    LIST = "list"
    VERSIONS = "versions"
    QUARANTINED = "quarantine"
    METRICS = "metrics"
    ALERTS = "alerts"
    REPAIR = "stale_partition_sensor"
    LATE_ROWS = "late_rows_sensor"
    DOCTOR = "doctor"
    AUDIT_VERIFY = "audit verify"
    AUDIT_RETENTION = "audit retention"
    AUDIT_PAGE = "audit retention --html"
    RECONCILE = "reconcile"
    BUNDLE = "bundle"
    PROVE = "prove"
    DRY_RUN = "restore --dry-run"
    RESTORE = "restore"
    RESTORE_QUARANTINED = "restore --include-quarantined"
    RESTORE_ALL = "restore --from D-1 --to D+1"
    VERIFY_DATE = "verify --date"
    VERIFY_LAST = "verify --last 3"
    VERIFY_KEY = "verify KEY"
    DRILL = "drill"
    STATUS_AGAIN = "status, after all these"
    UNDELETE = "undelete"
    STATUS_UNDELETED = "status, after undelete"


STATUSES = (Question.STATUS, Question.STATUS_PAGE, Question.STATUS_AGAIN, Question.STATUS_UNDELETED)
VERIFIES = (Question.VERIFY_DATE, Question.VERIFY_LAST, Question.VERIFY_KEY)
RESTORES = (Question.DRY_RUN, Question.RESTORE, Question.RESTORE_QUARANTINED, Question.RESTORE_ALL)

Ask = Callable[[Site], Iterator[tuple[Question, Answer]]]

#: Metrics that differ without anything being wrong.
_UNTELLING = re.compile(r"seconds|timestamp|bytes|dollars|requests|_up$|ratio|duration")
#: The horizontal lines of a table.
_BORDERS = re.compile(r"[┏┡└][^\n]*")


def ask_all(site: Site) -> dict[Question, Answer]:
    """Ask everything, in the order of ``Question``."""
    found: dict[Question, Answer] = {}
    for ask in _QUESTIONS:
        found.update(ask(site))
    assert list(found) == list(Question)
    return found


def states_of(site: Site) -> set[str]:
    """The states of the damaged day, as ``status --json`` names them."""
    return set(site.terminal.run("status", "--json").json["day_states"].get(site.day.isoformat(), []))


@contextmanager
def asked_in_little_time() -> Iterator[None]:
    """One client for all commands, no picture in the page of the audit: they take long, and have nothing to say."""
    with (
        patch("signal_backups.connect.s3_client", cache(s3_client)),
        patch("signal_backups.core.retention_audit.page.heat_map", return_value=b""),
    ):
        yield


def _command(question: Question, *arguments: str) -> Ask:
    """A question that a command answers; ``{day}`` and other names of a site are filled in."""

    def ask(site: Site) -> Iterator[tuple[Question, Answer]]:
        yield question, _run(site, *arguments)

    return ask


def _run(site: Site, *arguments: str) -> Answer:
    names = {
        "first": str(site.first),
        "day": str(site.day),
        "last": str(site.last),
        "key": site.key,
        "signal": site.signal_id(2),
        "folder": str(site.folder),
    }
    done = site.terminal.run(*(argument.format_map(names) for argument in arguments))
    return _answer(site, done.code, f"{done.out} {done.err}")


def _with_page(question: Question, page: Question, file: str, *arguments: str) -> Ask:
    """A command that also writes a page."""

    def ask(site: Site) -> Iterator[tuple[Question, Answer]]:
        answer = _run(site, *arguments, "--html", file)
        yield question, answer
        yield page, _answer(site, answer.exit_code, _text_of((site.folder / file).read_text(encoding="utf-8")))

    return ask


def _metrics(site: Site) -> Iterator[tuple[Question, Answer]]:
    """Every metric that counts something; the expected table names those that are not as on a healthy bucket."""
    done = site.terminal.run("metrics", "textfile", "metrics.prom")
    yield Question.METRICS, Answer(done.code, " ".join(_samples((site.folder / "metrics.prom").read_text())))


def _samples(text: str) -> Iterator[str]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not _UNTELLING.search(sample.name):
                yield f"{sample.name.removeprefix('signal_backups_')}={sample.value:g}"


def _alerts(site: Site) -> Iterator[tuple[Question, Answer]]:
    """The conditions that the alert sensor finds in S3; what Dagster shows of runs is another matter."""
    state = AlertState(began=utc_now())
    events, _ = events_after(site.vault.trail, None)
    found = [
        *day_conditions(state, _observed(site), set(), set()),
        *finding_conditions(_observed(site)),
        *verification_conditions(failed_verifications({}, events)),
    ]
    words = "; ".join(f"{each.key} {each.days}: {each.what}. {each.command}" for each in found)
    yield Question.ALERTS, _answer(site, bool(found), words or "no alert")


def _repair(site: Site) -> Iterator[tuple[Question, Answer]]:
    plan = plan_repair(_observed(site), DagsterDays(set(), set()), Attempts(), utc_now())
    days = ", ".join(f"{each.first} to {each.last}" for each in plan.requested)
    yield Question.REPAIR, _answer(site, bool(plan.requested), f"backs up {days}" if days else "backs nothing up")


@cache
def _empty_instance() -> dg.DagsterInstance:
    """An instance in which nothing ever ran."""
    return dg.DagsterInstance.ephemeral()


def _late_rows(site: Site) -> Iterator[tuple[Question, Answer]]:
    sensor = late_rows_sensor(dg.define_asset_job(DAILY_BACKUP_JOB), site.first)
    # Its function itself: Dagster would make an instance for each call, which takes longer than the question.
    said = sensor._raw_fn(
        dg.build_sensor_context(instance=_empty_instance()),
        signals_database=GivenDatabase(site.source),
        backup_store=GivenStore(site.vault),
    )
    assert isinstance(said, Iterator)
    days = ", ".join(str(each.partition_key) for each in said if isinstance(each, dg.RunRequest))
    yield Question.LATE_ROWS, _answer(site, bool(days), f"backs up {days}" if days else "backs nothing up")


def _doctor(site: Site) -> Iterator[tuple[Question, Answer]]:
    """Its checks of the backups alone: the others are about the installation, and take seconds."""
    years = load_profile(DEFAULT_PROFILE).retention_years
    checks = [is_recent(site.vault, site.first, utc_now), are_safe(site.vault, site.first, utc_now, years)]
    code = max(int(found.exit_code) if found.state is State.FAILED else 0 for found in checks)
    words = "; ".join(f"{found.state}: {found.found} {found.remedy or ''}" for found in checks)
    yield Question.DOCTOR, _answer(site, code, words)


def _observed(site: Site) -> Observation:
    profile = load_profile(DEFAULT_PROFILE)
    return observe_expected_days(site.vault, profile, utc_now, start_date=site.first, start_date_is_set=True)


def _answer(site: Site, code: int, words: str) -> Answer:
    for day, name in zip(site.days, ("D-1", "D", "D+1"), strict=True):
        words = words.replace(str(day), name)
    return Answer(int(code), " ".join(_BORDERS.sub(" ", words).replace("┃", "|").replace("│", "|").split()))


class _Text(HTMLParser):
    """What a page shows, without its styles."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden = tag in {"style", "script"}

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.shown.append(data)


def _text_of(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    return " ".join(parser.shown)


_QUESTIONS: tuple[Ask, ...] = (
    _with_page(Question.STATUS, Question.STATUS_PAGE, "status.html", "status"),
    _command(Question.LIST, "list"),
    _command(Question.VERSIONS, "versions", "{day}"),
    _command(Question.QUARANTINED, "quarantine"),
    _metrics,
    _alerts,
    _repair,
    _late_rows,
    _doctor,
    _command(Question.AUDIT_VERIFY, "audit", "verify"),
    _with_page(Question.AUDIT_RETENTION, Question.AUDIT_PAGE, "audit.html", "audit", "retention", "--no-report"),
    _command(Question.RECONCILE, "reconcile", "--from", "{day}", "--to", "{day}"),
    _command(Question.BUNDLE, "bundle", "--from", "{day}", "--to", "{day}", "--out", "bundle"),
    _command(Question.PROVE, "prove", "{signal}", "--date", "{day}"),
    _command(Question.DRY_RUN, "restore", "{day}", "--dry-run", "--target", "sqlite:///{folder}/dry.db"),
    _command(Question.RESTORE, "restore", "{day}", "--target", "sqlite:///{folder}/restored.db"),
    _command(
        Question.RESTORE_QUARANTINED,
        *("restore", "{day}", "--include-quarantined", "--target", "sqlite:///{folder}/quarantined.db"),
    ),
    _command(
        Question.RESTORE_ALL,
        *("restore", "--from", "{first}", "--to", "{last}", "--target", "sqlite:///{folder}/all.db"),
    ),
    _command(Question.VERIFY_DATE, "verify", "--date", "{day}"),
    _command(Question.VERIFY_LAST, "verify", "--last", "3"),
    _command(Question.VERIFY_KEY, "verify", "{key}"),
    _command(Question.DRILL, "drill", "--days", "3"),
    _command(Question.STATUS_AGAIN, "status"),
    _command(Question.UNDELETE, "undelete", "{day}"),
    _command(Question.STATUS_UNDELETED, "status"),
)
