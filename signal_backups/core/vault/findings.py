"""Open findings: what an examination found wrong, kept in the bucket until a later one clears it.

A command that proves something must not be contradicted by the next command. So audits, drills and reconciliations
record what they found, as an object and as an event of the audit trail, and the status of all days reads it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Any

from pydantic import AwareDatetime, BaseModel, ValidationError

from signal_backups.core.base.errors import NotFoundError, SignalBackupsError, StoreError, VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.batch_events import PROBLEM_LENGTH
from signal_backups.core.ledger.chained_log import ChainedLog, first_stored
from signal_backups.core.ledger.damage import LogDamage
from signal_backups.core.ledger.event import Action, Event, Result
from signal_backups.core.ledger.listed_events import ListedEvents
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import JSON_TYPE
from signal_backups.core.vault.objects import VaultObjects
from signal_backups.core.vault.undated_rows import UndatedRows

#: How many days, and how many general findings, an event names.
_MOST_IN_EVENT = 10

_log = logging.getLogger(__name__)


class Examination(StrEnum):
    """What examines backups; the value is part of keys."""

    AUDIT_TRAIL = "audit_trail"
    RETENTION_AUDIT = "retention_audit"
    DRILL = "drill"
    RECONCILIATION = "reconciliation"
    #: The search for rows that belong to no day.
    UNDATED_SIGNALS = "undated_signals"

    @property
    def label(self) -> str:
        """The name for people."""
        special = {
            Examination.AUDIT_TRAIL: "examination of the logs",
            Examination.UNDATED_SIGNALS: "search for undated rows",
        }
        return special.get(self, self.replace("_", " "))

    @property
    def command(self) -> str:
        """The command that examines again."""
        return {
            Examination.AUDIT_TRAIL: "signal-backups audit verify",
            Examination.RETENTION_AUDIT: "signal-backups audit retention",
            Examination.DRILL: "signal-backups drill",
            Examination.RECONCILIATION: "signal-backups reconcile",
            Examination.UNDATED_SIGNALS: "signal-backups quarantine --refresh",
        }[self]


class Acceptance(BaseModel, frozen=True):
    """Findings that can never end, because the evidence stays in the bucket, and that somebody has looked into.

    Attributes:
        at: when they were accepted (UTC).
        by: the user and the machine.
        reason: why.
        findings: the findings in words.
        damage: what the listing of each log showed to be damaged then, by the prefix of the log.
    """

    at: AwareDatetime
    by: str
    reason: str
    findings: list[str]
    damage: dict[str, LogDamage] = {}


class DayFinding(BaseModel, frozen=True):
    """What is wrong with a day, and when that was found (UTC)."""

    at: AwareDatetime
    what: str


class Findings(BaseModel, frozen=True):
    """What the newest examination of a kind found, together with what it did not examine again.

    Attributes:
        at: when the newest of it was found (UTC).
        is_full: whether everything was read; only such an examination clears what another one found.
        days: what is wrong with each day.
        general: what is wrong besides, with no single day.
        accepted: every acceptance, oldest first; what was accepted is not among the findings any more.
        undated: of a search for undated rows, what is kept of them.
    """

    examination: Examination
    at: AwareDatetime
    is_full: bool = True
    days: dict[date, DayFinding] = {}
    general: list[str] = []
    accepted: list[Acceptance] = []
    undated: UndatedRows | None = None

    @property
    def words(self) -> list[str]:
        """Everything that is wrong, for people."""
        return [*self.general, *(f"{day}: {found.what}" for day, found in self.days.items())]

    def not_accepted(self, log: ChainedLog, damage: LogDamage) -> LogDamage:
        """What is damaged of a log, without what was accepted."""
        for each in self.accepted:
            damage = damage.without(each.damage.get(log.prefix, LogDamage()))
        return damage

    @property
    def accepted_words(self) -> set[str]:
        """The findings that were accepted."""
        return {words for each in self.accepted for words in each.findings}

    @property
    def is_open(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.days or self.general)

    @property
    def command(self) -> str:
        """The command that clears it once nothing is wrong any more."""
        command = self.examination.command
        if self.examination is Examination.RECONCILIATION and self.days:
            command += f" --from {min(self.days)} --to {max(self.days)}"
        return f"{command} --full" if self.examination is Examination.AUDIT_TRAIL and self.is_full else command


def open_findings(vault: VaultObjects) -> list[Findings]:
    """The findings that are open: of each kind of examination the newest, if anything is wrong.

    Raises:
        StoreError: the store cannot be reached.
    """
    return [found for found in newest_findings(vault).values() if found.is_open]


def newest_findings(vault: VaultObjects, events: ListedEvents | None = None) -> dict[Examination, Findings]:
    """What the newest examination of each kind found, open or not.

    Takes one listing, and two requests for each kind that ever found anything, or three without ``events``. A record
    counts only as it was first stored, and only if an event of the audit trail names it with its hash; anything else is
    an open finding itself.

    Args:
        vault: where they are.
        events: the audit trail, if it was listed.

    Raises:
        StoreError: the store cannot be reached.
    """
    stored: dict[str, list[ObjectVersion]] = {}
    for version in vault.store.list_versions(vault.layout.finding_prefix):
        stored.setdefault(version.key, []).append(version)
    newest: dict[str, str] = {}
    for key in sorted(stored):
        name = vault.layout.examination_of(key)
        if name is not None:
            newest[name] = key
    wanted = [(each, newest[each]) for each in Examination if each in newest]
    found = in_parallel(lambda one: _read(vault, *one, first_stored(stored[one[1]]), events), wanted)
    return {each.examination: each for each in found}


def record_findings(
    vault: VaultObjects,
    examination: Examination,
    *,
    days: Mapping[date, str],
    general: Sequence[str] = (),
    was_examined: Callable[[date], bool] = lambda _: True,
    is_full: bool = True,
) -> None:
    """Record what an examination found, unless nothing changed; clears what it examined and found to be right.

    A bucket that takes no record must not take the result away: that is a warning in the log output.

    Args:
        vault: where to.
        examination: what examined.
        days: what is wrong with each day.
        general: what is wrong besides.
        was_examined: which days were looked at; the findings of all others stay.
        is_full: whether everything was read.
    """
    try:
        now = vault.store.clock()
        before = newest_findings(vault).get(examination) or Findings(examination=examination, at=now)
        kept = {day: found for day, found in before.days.items() if not was_examined(day)}
        if before.is_open and before.is_full and not is_full:
            # Less was read than when it was found, so its absence clears nothing.
            kept, general, is_full = before.days, [*dict.fromkeys([*before.general, *general])], True
        found = Findings(
            examination=examination,
            at=now,
            is_full=is_full,
            days=dict(sorted({**kept, **{day: DayFinding(at=now, what=what) for day, what in days.items()}}.items())),
            general=list(general),
            accepted=before.accepted,
        )
        if (found.days, found.general) == (before.days, before.general):
            return
        _store(vault, found, Result.FAILED if found.is_open else Result.PASSED)
    except SignalBackupsError as error:
        _log.warning("what this %s found is not recorded, and the status does not show it: %s", examination, error)


def record_undated(vault: VaultObjects, undated: UndatedRows, general: Sequence[str]) -> None:
    """Record what is kept of the undated rows, unless nothing changed.

    Args:
        vault: where to.
        undated: what is kept.
        general: what is wrong besides.

    Raises:
        StoreError: the store cannot be reached or refuses.
    """
    examination = Examination.UNDATED_SIGNALS
    before = newest_findings(vault).get(examination)
    nothing_kept = before is None and undated.stored is None
    if nothing_kept or (before is not None and (before.undated, before.general) == (undated, list(general))):
        return
    found = Findings(
        examination=examination,
        at=vault.store.clock(),
        general=list(general),
        accepted=before.accepted if before else [],
        undated=undated,
    )
    _store(vault, found, Result.FAILED if general or undated.in_database else Result.PASSED)


def accept_undated(vault: VaultObjects, acceptance: Acceptance) -> None:
    """Accept what is wrong with the kept undated rows, such as a version that was destroyed.

    Raises:
        StoreError: the store cannot be reached or refuses.
    """
    before = newest_findings(vault)[Examination.UNDATED_SIGNALS]
    accepted = [*before.accepted, acceptance]
    _store(vault, before.model_copy(update={"at": acceptance.at, "general": [], "accepted": accepted}), Result.ACCEPTED)


def accept_findings(vault: VaultObjects, examination: Examination, acceptance: Acceptance) -> None:
    """Accept everything that an examination finds now, for ever: the status does not count it any more.

    Raises:
        StoreError: the store cannot be reached or refuses.
    """
    before = newest_findings(vault).get(examination)
    accepted = [*(before.accepted if before else []), acceptance]
    found = Findings(examination=examination, at=acceptance.at, accepted=accepted)
    _store(vault, found, Result.ACCEPTED)


def _store(vault: VaultObjects, found: Findings, result: Result) -> None:
    body = (found.model_dump_json(indent=2) + "\n").encode()
    details: dict[str, Any] = {
        "examination": found.examination,
        "sha256": sha256(body).hexdigest(),
        "days": [day.isoformat() for day in list(found.days)[:_MOST_IN_EVENT]],
        "day_count": len(found.days),
        "general": [what[:PROBLEM_LENGTH] for what in found.general[:_MOST_IN_EVENT]],
        "general_count": len(found.general),
    }
    if found.undated is not None:
        details["undated"] = found.undated.model_dump(mode="json", exclude={"named"})
    if result is Result.ACCEPTED:
        accepted = found.accepted[-1]
        details |= {"reason": accepted.reason, "accepted": accepted.findings[:_MOST_IN_EVENT]}
        details["accepted_count"] = len(accepted.findings)
    event = vault.trail.record(Action.EXAMINATION, result, details=details)
    if event is None:
        raise StoreError("the audit event cannot be stored now", remedy="Run it again")
    vault.store.create_bytes(vault.layout.finding_key(found.examination, event.number), body, JSON_TYPE)


def _read(
    vault: VaultObjects,
    examination: Examination,
    key: str,
    stored: ObjectVersion | None,
    events: ListedEvents | None,
) -> Findings:
    found = _believed(vault, key, stored, events) if stored is not None else None
    if found is not None and found.examination is examination:
        return found
    what = f"{vault.store.uri(key)} is not a record that the audit trail knows: it was forged or removed"
    return Findings(examination=examination, at=vault.store.clock(), general=[what])


def _believed(vault: VaultObjects, key: str, stored: ObjectVersion, events: ListedEvents | None) -> Findings | None:
    """The findings in a record, if an event of the audit trail names it; else None."""
    try:
        body = vault.store.get_bytes(key, stored.version_id)[0]
        number = vault.layout.finding_number(key)
        # It may be newer than the listing.
        event = (events.event(number) if events else None) or _event(vault, number)
        is_named = event is not None and event.details.get("sha256") == sha256(body).hexdigest()
        return Findings.model_validate_json(body) if is_named else None
    except (NotFoundError, VerificationError, ValidationError):
        return None


def _event(vault: VaultObjects, number: int) -> Event | None:
    entry = vault.trail.log.entry(number)
    return Event.from_bytes(entry.body, entry.key) if entry is not None else None
