"""The expected table: what every question must answer of every damage, right or not in today's product.

A row names only the cells that differ from those of a healthy day. A cell that may be like that of a healthy day
although something is harmed needs a reason, in ``SAYS_NOTHING``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from signal_backups_tests.damage.questions import RESTORES, STATUSES, VERIFIES, Answer, Question


@dataclass(frozen=True)
class Cell:
    """What an answer must be.

    Attributes:
        exit_code: its exit code.
        says: words that must be in it.
        short: what the page shows in their place.
        never: words that must not be in it.
    """

    exit_code: int
    says: str
    short: str = ""
    never: str = ""

    def __str__(self) -> str:
        """For messages."""
        without = f", without {self.never!r}" if self.never else ""
        return f"{self.exit_code}: {self.says!r}{without}"

    def wrong(self, answer: Answer) -> bool:
        """Whether an answer is another one."""
        is_said = self.says in answer.words and not (self.never and self.never in answer.words)
        return answer.exit_code != self.exit_code or not is_said


Row = Mapping[Question, Cell]


def ok(says: str, short: str = "", never: str = "") -> Cell:
    """Exit code 0, and words."""
    return Cell(0, says, short, never)


def bad(says: str, short: str = "", never: str = "") -> Cell:
    """Exit code 1, and words."""
    return Cell(1, says, short, never)


def none(says: str, short: str = "", never: str = "") -> Cell:
    """Exit code 4, nothing found, and words."""
    return Cell(4, says, short, never)


def every(questions: tuple[Question, ...], cell: Cell) -> dict[Question, Cell]:
    """The same answer to several questions."""
    return dict.fromkeys(questions, cell)


HEALTHY_ROW: Row = {
    **every(STATUSES, ok("SAFE: every day from D-1 to D+1", never="NOT SAFE")),
    Question.LIST: ok("| D | 5 |"),
    Question.VERSIONS: ok("| current, verified |", never="| current, not verified |"),
    Question.QUARANTINED: ok("No row is in quarantine"),
    Question.METRICS: ok("verified_backups=3"),
    Question.ALERTS: ok("no alert"),
    Question.REPAIR: ok("backs nothing up"),
    Question.LATE_ROWS: ok("backs nothing up"),
    Question.DOCTOR: ok("ok: 3 days, D-1 to D+1"),
    Question.AUDIT_VERIFY: ok("unbroken"),
    Question.AUDIT_RETENTION: ok("0 errors, 0 warnings"),
    Question.AUDIT_PAGE: ok("0 errors, 0 warnings"),
    Question.RECONCILE: ok("| D | equal |"),
    Question.BUNDLE: ok("1 of 1 days"),
    Question.PROVE: ok("is in the backup of D"),
    **every(RESTORES, ok("| D | restored |", never="Warning")),
    Question.DRY_RUN: ok("Nothing was changed", never="Warning"),
    **every(VERIFIES, ok("| verified |", never="FAILED")),
    Question.DRILL: ok("| D | restored |"),
    Question.UNDELETE: ok("nothing to undo"),
}

_UNVERIFIED: Row = {
    **every(STATUSES, bad("NOT SAFE: 1 day unverified")),
    Question.DOCTOR: bad("NOT SAFE: 1 day unverified"),
    Question.LIST: ok("| unverified |", "unverified"),
    Question.METRICS: ok("unverified_backups=1"),
    Question.ALERTS: bad("days/unverified D:"),
    Question.REPAIR: bad("backs up D to D", "backs D up"),
    Question.AUDIT_RETENTION: bad("| D | ERROR |", "ERROR"),
    Question.AUDIT_PAGE: bad(" D ERROR ", "ERROR"),
}

_NOT_CURRENT = "which is not the current one"

_OVERWRITTEN: Row = {
    **_UNVERIFIED,
    Question.VERSIONS: ok("| current, not verified |", "current, not verified"),
    # All of them take the verified version, and say that it is not what anybody else would get.
    **every(RESTORES, ok(_NOT_CURRENT, "the verified version, which is not current")),
    **every(VERIFIES, bad("bring it back with signal-backups undelete D", "not current: undelete")),
    Question.UNDELETE: ok("is current, verified", "the verified version is current again"),
    Question.STATUS_UNDELETED: HEALTHY_ROW[Question.STATUS],
}

_DELETED: Row = {
    **every(STATUSES, bad("Bring a deleted day back with: signal-backups undelete D", "NOT SAFE: undelete")),
    Question.DOCTOR: bad("NOT SAFE: 1 day hidden"),
    Question.LIST: ok("| hidden |", "hidden"),
    Question.VERSIONS: ok("| delete marker, current |", "delete marker, current"),
    Question.METRICS: ok("hidden_backups=1"),
    Question.ALERTS: bad("days/hidden D:"),
    Question.AUDIT_RETENTION: bad("D is hidden", "ERROR: hidden"),
    Question.AUDIT_PAGE: bad("D is hidden", "ERROR: hidden"),
    # A new backup would cover the deletion up.
    Question.RECONCILE: bad("was deleted", never="--backup-late"),
    Question.PROVE: none("was deleted"),
    **every(RESTORES, none("was deleted")),
    **every(VERIFIES, none("was deleted")),
    Question.VERIFY_LAST: bad("was deleted"),
    Question.DRILL: bad("FAILED D", "FAILED"),
    Question.UNDELETE: ok("Removed the delete marker"),
    Question.STATUS_UNDELETED: HEALTHY_ROW[Question.STATUS],
}

_LOST: Row = {
    **_UNVERIFIED,
    Question.BUNDLE: bad("MISSING D"),
    Question.PROVE: none("does not exist"),
    # The lost version cannot be brought back.
    **every(VERIFIES, bad("is gone from S3", never="bring it back with")),
    Question.AUDIT_RETENTION: bad("| D | ERROR |", "ERROR", never="undelete D --version-id"),
}

_DESTROYED: Row = {
    **every(STATUSES, bad("NOT SAFE: 1 day destroyed")),
    Question.LIST: ok("| destroyed |", "destroyed"),
    Question.VERSIONS: bad("was destroyed"),
    Question.METRICS: ok(" destroyed_backups=1", "destroyed_backups=1"),
    Question.ALERTS: bad("days/destroyed D:"),
    Question.DOCTOR: bad("NOT SAFE: 1 day destroyed"),
    Question.AUDIT_RETENTION: bad("D was destroyed", "ERROR: destroyed"),
    Question.AUDIT_PAGE: bad("D was destroyed", "ERROR: destroyed"),
    Question.RECONCILE: bad("was destroyed"),
    Question.BUNDLE: bad("MISSING D"),
    Question.PROVE: bad("was destroyed"),
    **every(RESTORES, bad("was destroyed")),
    **every(VERIFIES, bad("was destroyed")),
    Question.DRILL: bad("FAILED D", "FAILED"),
    Question.UNDELETE: bad("was destroyed"),
}

_NO_MANIFEST: Row = {
    **_UNVERIFIED,
    Question.AUDIT_VERIFY: bad("it was deleted", "BROKEN: manifest deleted"),
    Question.PROVE: bad("no manifest vouches for"),
    **every(VERIFIES, bad("no manifest vouches for it")),
}

_TAMPERED: Row = {
    **_UNVERIFIED,
    **every(STATUSES, bad("a manifest that is not the newest in the manifest log", "NOT SAFE: manifest changed")),
    Question.DOCTOR: bad("a manifest that is not the newest in the manifest log", "NOT SAFE: manifest changed"),
    Question.LIST: ok("| tampered |", "tampered"),
    Question.METRICS: ok("tampered_backups=1"),
    Question.ALERTS: bad("days/tampered D:"),
}

_FORGED: Row = {
    **_TAMPERED,
    Question.VERSIONS: ok("| current, not verified |", "current, not verified"),
    Question.AUDIT_VERIFY: bad("the manifest of D was changed", "BROKEN: manifest changed"),
    Question.PROVE: bad("of the manifest log", "manifest not of the log"),
    **every(VERIFIES, bad("its manifest is not in the manifest log")),
}

_BAD_ROW: Row = {
    **every(STATUSES, bad("CHECK: 1 day with quarantined rows")),
    Question.DOCTOR: ok("warning: CHECK: 1 day with quarantined rows", "a warning"),
    Question.LIST: ok("| D | 4 | 1 |", "one row in quarantine"),
    Question.QUARANTINED: ok("D, 1 row ", "the row, with its reason"),
    Question.METRICS: ok("quarantined_rows=1"),
    Question.RESTORE_QUARANTINED: ok("| D | restored | 4 | 4 | 0 | 0 | 0 | 1 |", "one row in quarantine"),
}

_QUARANTINE_LOST: Row = {
    **_BAD_ROW,
    **every(STATUSES, bad("whose quarantined rows are lost", "NOT SAFE: quarantined rows lost")),
    Question.DOCTOR: bad("whose quarantined rows are lost", "NOT SAFE: quarantined rows lost"),
    Question.QUARANTINED: bad("LOST", "lost"),
    Question.METRICS: ok("lost_quarantines=1"),
    Question.ALERTS: bad("days/quarantine_lost D:"),
    Question.AUDIT_RETENTION: bad("| D | ERROR |", "ERROR"),
    Question.AUDIT_PAGE: bad(" D ERROR ", "ERROR"),
    Question.RECONCILE: bad("the quarantined rows", "quarantined rows gone"),
    Question.BUNDLE: bad("MISSING D"),
    Question.RESTORE_QUARANTINED: bad("| D | restored in part |", "the good rows; the others are gone"),
    **every(VERIFIES, bad("its quarantined rows", "quarantined rows gone")),
    Question.DRILL: bad("the quarantined rows", "quarantined rows gone"),
}

_SECOND_KEY: Row = {
    Question.VERSIONS: ok("| current, not verified |", "current, not verified"),
}

_OTHER_OBJECT: Row = {
    **_SECOND_KEY,
    **every(STATUSES, bad("CHECK: 1 day with another object of other content", "CHECK: another object")),
    Question.DOCTOR: ok("warning: CHECK: 1 day with another object", "a warning"),
    Question.LIST: ok("| other object |", "other object"),
    Question.METRICS: ok("other_objects=1"),
    Question.ALERTS: bad("days/other_object D:"),
    Question.AUDIT_RETENTION: ok("| D | WARN |", "WARN: another object"),
    Question.AUDIT_PAGE: ok(" D WARN ", "WARN: another object"),
    Question.VERIFY_LAST: bad("_043000.csv: no manifest vouches for it", "FAILED: the other object"),
    # The verification of the other object has failed, and the day is not verified again until somebody looks at it.
    **every((Question.STATUS_AGAIN, Question.STATUS_UNDELETED), bad("another object of other content")),
}

_CHANGED_SOURCE: Row = {
    Question.LATE_ROWS: bad("backs up D", "backs D up"),
    Question.RECONCILE: bad("| D | DIFFERENT |", "DIFFERENT"),
    # The drill before it has recorded what it found.
    **every((Question.STATUS_AGAIN, Question.STATUS_UNDELETED), bad("NOT SAFE:")),
    Question.DRILL: bad("| D | restored |", "differs"),
}

_DIFFERS: Row = {
    **every(STATUSES, bad("altered in the database since the backup", "NOT SAFE: altered")),
    Question.DOCTOR: bad("altered in the database since the backup", "NOT SAFE: altered"),
    Question.METRICS: ok("differing_backups=1"),
    Question.AUDIT_RETENTION: bad("the database differs", "ERROR: database differs"),
    Question.AUDIT_PAGE: bad("the database differs", "ERROR: database differs"),
    Question.RECONCILE: bad("| D | DIFFERENT |", "DIFFERENT"),
    Question.DRILL: bad("| D | restored |", "differs"),
}

#: By the key of the damage.
EXPECTED: dict[str, Row] = {
    "healthy": {},
    "garbage": _OVERWRITTEN,
    "truncated": _OVERWRITTEN,
    "edited": _OVERWRITTEN,
    "deleted": _DELETED,
    "older-left": {
        **_LOST,
        Question.RECONCILE: bad("| D | DIFFERENT |", "DIFFERENT"),
        **every(RESTORES, ok("Warning: D", "an older version, with a warning")),
        Question.DRILL: bad("the newest backup of the day", "the newest backup is gone"),
        Question.UNDELETE: bad("is gone from S3", never="nothing to undo"),
    },
    "truncated-left": {
        **_LOST,
        Question.VERSIONS: ok("| current, not verified |", "current, not verified"),
        Question.RECONCILE: bad("was refused"),
        **every(RESTORES, bad("was refused")),
        Question.DRILL: bad("| D | refused |", "refused"),
        Question.UNDELETE: bad("is gone from S3", "the verified version is gone"),
    },
    "destroyed": _DESTROYED,
    "all-destroyed": {**_DESTROYED, Question.AUDIT_VERIFY: bad("it was deleted", "BROKEN: manifest deleted")},
    "destroyed-decoy": {**_DESTROYED, Question.AUDIT_VERIFY: bad("it is not a manifest", "BROKEN: no manifest")},
    "manifest-deleted": {
        **_NO_MANIFEST,
        Question.UNDELETE: ok("Removed the delete marker"),
        Question.STATUS_UNDELETED: bad("NOT SAFE: 1 day failed the last verification"),
    },
    "manifest-destroyed": {
        **_NO_MANIFEST,
        Question.VERSIONS: ok("| current, not verified |", "current, not verified"),
        **every(RESTORES, ok("no manifest vouches for this backup")),
        Question.UNDELETE: none("was ever verified", "no verified version"),
    },
    "manifest-rolled-back": {
        **_TAMPERED,
        Question.AUDIT_VERIFY: bad("BROKEN, first at manifests", "BROKEN"),
        # The version that the older manifest vouches for is the worse one.
        Question.AUDIT_RETENTION: bad("| D | ERROR |", "ERROR", never="undelete D --version-id"),
        **every(VERIFIES, bad("FAILED", "FAILED", never="undelete D --version-id")),
        Question.UNDELETE: ok("is current, verified", "the newest backup is current again"),
        Question.STATUS_UNDELETED: bad("the last examination of the logs found something", "NOT SAFE: finding"),
    },
    "forged": {
        **_FORGED,
        **every(RESTORES, ok(_NOT_CURRENT, "the verified version, which is not current")),
        Question.UNDELETE: ok("is current, verified", "the verified version is current again"),
        Question.STATUS_UNDELETED: bad("the last examination of the logs found something", "NOT SAFE: finding"),
    },
    "forged-alone": {
        **_FORGED,
        # The backup fails, because what it must be compared with is gone: nothing is covered up.
        Question.RECONCILE: bad("was refused"),
        Question.BUNDLE: bad("MISSING D"),
        **every(RESTORES, bad("was refused")),
        Question.DRILL: bad("| D | refused |", "refused"),
        Question.UNDELETE: bad("is gone from S3", "the verified version is gone"),
    },
    "bad-row": _BAD_ROW,
    "quarantine-destroyed": _QUARANTINE_LOST,
    "quarantine-replaced": _QUARANTINE_LOST,
    "foreign": {},
    "second-key": _SECOND_KEY,
    "other-key": _OTHER_OBJECT,
    "event-destroyed": {
        **every(STATUSES, bad("the audit trail or the manifest log is damaged", "NOT SAFE: log damaged")),
        Question.DOCTOR: bad("the audit trail or the manifest log is damaged", "NOT SAFE: log damaged"),
        Question.METRICS: ok("damaged_logs=1"),
        Question.ALERTS: bad("findings/logs"),
        Question.AUDIT_VERIFY: bad("entry 2 is missing", "BROKEN: event missing"),
        Question.AUDIT_RETENTION: bad("entry 2 is missing", "ERROR: event missing"),
        Question.AUDIT_PAGE: bad("entry 2 is missing", "ERROR: event missing"),
        Question.BUNDLE: none("is missing", "event missing"),
    },
    "log-entry-destroyed": {
        **_TAMPERED,
        Question.VERSIONS: ok("| current, not verified |", "current, not verified"),
        Question.AUDIT_VERIFY: bad("BROKEN, first at manifests", "BROKEN: entry missing"),
        Question.RECONCILE: bad("was refused"),
        Question.BUNDLE: none("is missing", "entry missing"),
        Question.PROVE: bad("the manifest log is not in order"),
        **every(RESTORES, bad("was refused")),
        **every(VERIFIES, bad("its manifest is not in the manifest log")),
        Question.DRILL: bad("| D | refused |", "refused"),
        Question.UNDELETE: bad("is not in the manifest log"),
    },
    "late": {
        Question.LATE_ROWS: bad("backs up D", "backs D up"),
        Question.RECONCILE: bad("| D | DIFFERENT |", "DIFFERENT: late"),
        Question.DRILL: ok("| D | restored | STANDARD | 5 | 5 | 1 |", "1 late"),
        # The reconciliation before it has recorded what it found.
        **every((Question.STATUS_AGAIN, Question.STATUS_UNDELETED), bad("NOT SAFE: 1 day with an open finding")),
    },
    "undated": {
        **every(STATUSES, bad("CHECK: 1 undated row")),
        Question.QUARANTINED: ok("Undated, 1 row,", "the row, with its reason"),
        Question.DOCTOR: ok("warning: CHECK: 1 undated row", "a warning"),
        Question.METRICS: ok("undated_rows=1"),
        Question.RECONCILE: ok("Undated rows in the database, 1", "names the row"),
    },
    "altered": _CHANGED_SOURCE,
    "vanished": _CHANGED_SOURCE,
    "differs": {
        **_DIFFERS,
        Question.QUARANTINED: ok("differs from the signal backed up on", "the row, with its reason"),
        Question.LIST: ok("| D | 5 | 1 |", "one row in quarantine"),
        Question.RESTORE_QUARANTINED: ok("| D | restored | 5 | 5 | 0 | 0 | 0 | 1 |", "one row in quarantine"),
    },
    # The manifest log knows what was backed up, so that a backup is not silently replaced by less.
    "manifest-destroyed-then-less": _DIFFERS,
    "accepted": {
        Question.VERSIONS: ok("D was replaced on", "replaced, by whom and why"),
        Question.AUDIT_RETENTION: ok("| D | WARN |", "WARN: replaced"),
        Question.AUDIT_PAGE: ok(" D WARN ", "WARN: replaced"),
    },
    "repeated-id": {},
    "overtaken": {Question.LIST: ok("| D | 7 |", "all signals of both")},
    "never-stored": {
        **every(STATUSES, bad("NOT SAFE: 1 day missing")),
        Question.DOCTOR: bad("NOT SAFE: 1 day missing"),
        Question.LIST: ok("| D+1 | 5 |", "not listed", never="| D |"),
        Question.VERSIONS: none("no backup of D"),
        Question.METRICS: ok("missing_backups=1"),
        Question.ALERTS: bad("days/missing D:"),
        Question.REPAIR: bad("backs up D to D", "backs D up"),
        Question.AUDIT_RETENTION: bad("D has no backup", "ERROR: no backup"),
        Question.AUDIT_PAGE: bad("D has no backup", "ERROR: no backup"),
        Question.RECONCILE: bad("| D | no backup |", "no backup"),
        Question.BUNDLE: ok("No backup: D"),
        Question.PROVE: none("no backup of D"),
        **every(RESTORES, none("no backup from D to D", "no backup")),
        Question.RESTORE_ALL: none("no backup of D"),
        Question.VERIFY_DATE: none("no backup of D"),
        Question.VERIFY_LAST: bad("no backup of D"),
        Question.VERIFY_KEY: none("no backup"),
        Question.DRILL: ok("| D+1 | restored |", "not among the days", never="| D |"),
        Question.UNDELETE: none("no backup of D"),
    },
    "failed-verification": {
        **every((Question.STATUS, Question.STATUS_PAGE), bad("NOT SAFE: 1 day failed the last verification")),
        Question.DOCTOR: bad("NOT SAFE: 1 day failed the last verification"),
        Question.METRICS: ok("failing_verifications=1"),
        Question.ALERTS: bad("verification/failed D:"),
    },
    "failed-backup": {
        **every(STATUSES, bad("NOT SAFE: 1 day whose last backup failed")),
        Question.DOCTOR: bad("NOT SAFE: 1 day whose last backup failed"),
        Question.METRICS: ok("failing_backups=1"),
    },
    "finding": {
        **every(STATUSES, bad("NOT SAFE: 1 day with an open finding")),
        Question.DOCTOR: bad("NOT SAFE: 1 day with an open finding"),
        Question.METRICS: ok("open_findings=1"),
        Question.ALERTS: bad("findings/drill D:"),
        # The drill restores the day again, and finds nothing any more.
        **every((Question.STATUS_AGAIN, Question.STATUS_UNDELETED), HEALTHY_ROW[Question.STATUS]),
    },
    "forged-finding": {
        **every(STATUSES, bad("the last drill found something", "NOT SAFE: finding")),
        Question.DOCTOR: bad("the last drill found something", "NOT SAFE: finding"),
        Question.METRICS: ok("open_findings=1"),
        Question.ALERTS: bad("findings/drill"),
        # The drill restores the day again, and its record is the newest.
        **every((Question.STATUS_AGAIN, Question.STATUS_UNDELETED), HEALTHY_ROW[Question.STATUS]),
    },
}


def expected_row(key: str) -> dict[Question, Cell]:
    """All cells of a damage, in the order of the questions."""
    row = {**HEALTHY_ROW, **EXPECTED[key]}
    return {question: row[question] for question in Question}
