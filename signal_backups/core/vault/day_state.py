"""The states of a day, and what is said of each everywhere: its words, its remedy, its section for people on call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from signal_backups.core.base.day_ranges import ranges_of


class DayState(StrEnum):
    """What is known of a day's backup, from the best to the worst; a day may have several."""

    #: Before the first day that should be backed up.
    BEFORE = "before"
    #: The current version is the one that the newest manifest of the day vouches for.
    VERIFIED = "verified"
    #: The day is not over, or its backup is not late yet.
    NOT_DUE = "not_due"
    #: Somebody replaced the backup by the database as it was.
    CHANGES_ACCEPTED = "changes_accepted"
    #: Some rows of the day are in quarantine.
    QUARANTINED = "quarantined"
    #: Another object of the same day has other content.
    OTHER_OBJECT = "other_object"
    #: The quarantined rows that the manifest names are not there any more.
    QUARANTINE_LOST = "quarantine_lost"
    #: The last attempt to back the day up failed; what was stored before still stands.
    STUCK = "stuck"
    #: The database altered or lost signals of the backup.
    DIFFERS = "differs"
    #: A drill, a reconciliation or an audit found something that no later one has cleared.
    OPEN_FINDING = "open_finding"
    #: The last verification failed.
    FAILING = "failing"
    #: There is an object, but no manifest vouches for the current version.
    UNVERIFIED = "unverified"
    #: The manifest is not the newest of the day in the manifest log: it was forged, rewritten or rolled back.
    TAMPERED = "tampered"
    #: A delete marker hides the backup.
    HIDDEN = "hidden"
    #: Nothing was ever stored.
    MISSING = "missing"
    #: The manifest log, or a manifest, knows a backup of which no version is left.
    DESTROYED = "destroyed"


class Urgency(StrEnum):
    """How bad a state is."""

    FINE = "fine"
    #: Nothing is lost, but somebody should look.
    CHECK = "check"
    #: The day, or what was backed up of it, is at risk.
    NOT_SAFE = "not_safe"


@dataclass(frozen=True)
class Meaning:
    """What is said of the days in a state.

    Attributes:
        urgency: how bad it is.
        label: a word or two, as in ``3 days missing``.
        one: what is said of one day, as in ``1 day is not backed up``.
        many: the same of several days.
        command: what to do; ``{day}`` is the newest of the days, ``{range}`` the arguments that name the newest ones
            that adjoin each other.
        advice: a sentence with ``{command}`` in it.
        section: the section of the troubleshooting page.
    """

    urgency: Urgency
    label: str
    one: str = ""
    many: str = ""
    command: str = ""
    advice: str = ""
    section: str = ""


MEANINGS: Mapping[DayState, Meaning] = {
    DayState.BEFORE: Meaning(Urgency.FINE, "before the first day"),
    DayState.VERIFIED: Meaning(Urgency.FINE, "verified"),
    DayState.NOT_DUE: Meaning(Urgency.FINE, "not due"),
    DayState.CHANGES_ACCEPTED: Meaning(
        Urgency.FINE,
        "replaced by the database",
        "was replaced by the database as it was",
        "were replaced by the database as it was",
        "signal-backups versions {day}",
        "See what was replaced with: {command}",
        "the-database-differs-from-its-backup",
    ),
    DayState.QUARANTINED: Meaning(
        Urgency.CHECK,
        "with quarantined rows",
        "has rows in quarantine",
        "have rows in quarantine",
        "signal-backups backup {day}",
        "Correct the quarantined rows in the database, then: {command}",
        "rows-are-in-quarantine",
    ),
    DayState.OTHER_OBJECT: Meaning(
        Urgency.CHECK,
        "with another object of other content",
        "has a second object with other content",
        "have a second object with other content",
        "signal-backups versions {day}",
        "Compare the objects with: {command}. Only a person can say which is right",
        "a-day-has-two-objects",
    ),
    DayState.QUARANTINE_LOST: Meaning(
        Urgency.NOT_SAFE,
        "whose quarantined rows are lost",
        "has lost its quarantined rows",
        "have lost their quarantined rows",
        "signal-backups backup {range}",
        "Store the quarantined rows again, if the database still has them, with: {command}",
        "rows-are-in-quarantine",
    ),
    DayState.STUCK: Meaning(
        Urgency.NOT_SAFE,
        "whose last backup failed",
        "could not be backed up the last time",
        "could not be backed up the last time",
        "signal-backups backup {range}",
        "Back the days whose last backup failed up again with: {command}",
        "backup-failed",
    ),
    DayState.DIFFERS: Meaning(
        Urgency.NOT_SAFE,
        "altered in the database since the backup",
        "was altered in the database since its backup",
        "were altered in the database since their backups",
        "signal-backups reconcile --from {day} --to {day}",
        "See what the database altered with: {command}; "
        'only if it is right: signal-backups backup {day} --accept-changes "REASON"',
        "the-database-differs-from-its-backup",
    ),
    DayState.OPEN_FINDING: Meaning(
        Urgency.NOT_SAFE,
        "with an open finding",
        "has a finding that no later examination cleared",
        "have findings that no later examination cleared",
        "",
        "",
        "an-examination-found-something",
    ),
    DayState.FAILING: Meaning(
        Urgency.NOT_SAFE,
        "failed the last verification",
        "did not verify",
        "did not verify",
        "signal-backups verify --date {day}",
        "See why with: {command}; fix with: signal-backups backup {day}",
        "verification-failed",
    ),
    DayState.UNVERIFIED: Meaning(
        Urgency.NOT_SAFE,
        "unverified",
        "has a backup that no manifest vouches for",
        "have backups that no manifest vouches for",
        "signal-backups backup {range}",
        "See why with: signal-backups verify --date {day}; fix with: {command}",
        "verification-failed",
    ),
    DayState.TAMPERED: Meaning(
        Urgency.NOT_SAFE,
        "with a manifest that is not the newest in the manifest log",
        "has a manifest that is not its newest in the manifest log",
        "have manifests that are not their newest in the manifest log",
        "signal-backups audit verify",
        "Examine what happened with: {command}; put it right with: signal-backups backup {day}",
        "a-manifest-was-changed",
    ),
    DayState.HIDDEN: Meaning(
        Urgency.NOT_SAFE,
        "hidden by a delete marker",
        "is hidden by a delete marker",
        "are hidden by delete markers",
        "signal-backups undelete {day}",
        "Bring a deleted day back with: {command}",
        "a-backup-was-deleted",
    ),
    DayState.MISSING: Meaning(
        Urgency.NOT_SAFE,
        "missing",
        "is not backed up",
        "are not backed up",
        "signal-backups backup {range}",
        "Back the missing days up with: {command}",
        "backup-failed",
    ),
    DayState.DESTROYED: Meaning(
        Urgency.NOT_SAFE,
        "destroyed",
        "was destroyed: no version of its backup is left",
        "were destroyed: no version of their backups is left",
        "signal-backups audit verify",
        "Of a destroyed day no version is left. Examine what happened with: {command}",
        "a-backup-was-destroyed",
    ),
}

_RANKS = {state: rank for rank, state in enumerate(DayState)}


def worst_first(states: Iterable[DayState]) -> list[DayState]:
    """The states, each once, the worst first."""
    return sorted(set(states), key=_RANKS.__getitem__, reverse=True)


def command_for(state: DayState, days: Iterable[date]) -> str:
    """The command for the days in a state; for the newest if it takes only one. "" when there is none."""
    newest = ranges_of(days)[-1]
    which = f"{newest.first}" if newest.first == newest.last else f"--from {newest.first} --to {newest.last}"
    return MEANINGS[state].command.format(day=newest.last, range=which)


def remedy_for(state: DayState, days: Iterable[date]) -> str:
    """What to do about the days in a state, as a sentence; "" when the state itself says nothing about that."""
    newest = ranges_of(days)[-1]
    return MEANINGS[state].advice.format(command=command_for(state, [*newest.days]), day=newest.last)
