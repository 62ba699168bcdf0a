"""Open findings: what an examination found wrong, kept in the bucket until a later one clears it.

A command that proves something must not be contradicted by the next command. So audits, drills and reconciliations
record what they found, as an object and as an event of the audit trail, and the status of all days reads it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError

from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.batch_events import PROBLEM_LENGTH
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.s3.store import JSON_TYPE
from signal_backups.core.vault.objects import VaultObjects

#: How many days, and how many general findings, an event names.
_MOST_IN_EVENT = 10

_log = logging.getLogger(__name__)


class Examination(StrEnum):
    """What examines backups; the value is part of keys."""

    AUDIT_TRAIL = "audit_trail"
    RETENTION_AUDIT = "retention_audit"
    DRILL = "drill"
    RECONCILIATION = "reconciliation"

    @property
    def label(self) -> str:
        """The name for people."""
        return "examination of the logs" if self is Examination.AUDIT_TRAIL else self.replace("_", " ")

    @property
    def command(self) -> str:
        """The command that examines again."""
        return {
            Examination.AUDIT_TRAIL: "signal-backups audit verify",
            Examination.RETENTION_AUDIT: "signal-backups audit retention",
            Examination.DRILL: "signal-backups drill",
            Examination.RECONCILIATION: "signal-backups reconcile",
        }[self]


class Acceptance(BaseModel, frozen=True):
    """Findings that can never end, because the evidence stays in the bucket, and that somebody has looked into.

    Attributes:
        at: when they were accepted (UTC).
        by: the user and the machine.
        reason: why.
        findings: the findings in words.
        entries: the damaged entries of the logs among them, by the prefix of the log.
    """

    at: datetime
    by: str
    reason: str
    findings: list[str]
    entries: dict[str, list[int]] = {}


class DayFinding(BaseModel, frozen=True):
    """What is wrong with a day, and when that was found (UTC)."""

    at: datetime
    what: str


class Findings(BaseModel, frozen=True):
    """What the newest examination of a kind found, together with what it did not examine again.

    Attributes:
        at: when the newest of it was found (UTC).
        is_full: whether everything was read; only such an examination clears what another one found.
        days: what is wrong with each day.
        general: what is wrong besides, with no single day.
        accepted: every acceptance, oldest first; what was accepted is not among the findings any more.
    """

    examination: Examination
    at: datetime
    is_full: bool = True
    days: dict[date, DayFinding] = {}
    general: list[str] = []
    accepted: list[Acceptance] = []

    @property
    def words(self) -> list[str]:
        """Everything that is wrong, for people."""
        return [*self.general, *(f"{day}: {found.what}" for day, found in self.days.items())]

    def accepted_entries(self, prefix: str) -> set[int]:
        """The numbers of the damaged entries of a log that were accepted."""
        return {number for each in self.accepted for number in each.entries.get(prefix, [])}

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


def newest_findings(vault: VaultObjects) -> dict[Examination, Findings]:
    """What the newest examination of each kind found, open or not.

    Takes one listing, and a request for each kind that ever found anything.

    Raises:
        StoreError: the store cannot be reached.
    """
    keys: dict[str, str] = {}
    for item in vault.store.list_current(vault.layout.finding_prefix):
        name = vault.layout.examination_of(item.key)
        if name is not None and item.key > keys.get(name, ""):
            keys[name] = item.key
    wanted = [(each, keys[each]) for each in Examination if each in keys]
    return {found.examination: found for found in in_parallel(lambda one: _read(vault, *one), wanted)}


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
    key = vault.layout.finding_key(found.examination, found.at)
    version_id = vault.store.put_bytes(key, (found.model_dump_json(indent=2) + "\n").encode(), JSON_TYPE)
    details: dict[str, Any] = {
        "examination": found.examination,
        "days": [day.isoformat() for day in list(found.days)[:_MOST_IN_EVENT]],
        "day_count": len(found.days),
        "general": [what[:PROBLEM_LENGTH] for what in found.general[:_MOST_IN_EVENT]],
        "general_count": len(found.general),
    }
    if result is Result.ACCEPTED:
        accepted = found.accepted[-1]
        details |= {"reason": accepted.reason, "accepted": accepted.findings[:_MOST_IN_EVENT]}
        details["accepted_count"] = len(accepted.findings)
    vault.trail.record(Action.EXAMINATION, result, [ObjectName(key=key, version_id=version_id)], details)


def _read(vault: VaultObjects, examination: Examination, key: str) -> Findings:
    body, _ = vault.store.get_bytes(key)
    try:
        return Findings.model_validate_json(body)
    except ValidationError:
        what = f"{vault.store.uri(key)} cannot be read as findings"
        return Findings(examination=examination, at=vault.store.clock(), general=[what])
