"""Which questions say nothing of a harm by their nature, and which commands of any day; each with the reason."""

from __future__ import annotations

from signal_backups_tests.damage.damages import Harm
from signal_backups_tests.damage.questions import RESTORES, STATUSES, VERIFIES, Question

_LISTING = "list what is there, and judge versions one by one"
_SENSOR = "backs up again what is missing or unverified, and this is neither"
_LATE = "compares the database with the manifests; it has not changed since"
_LOGS = "examines the logs and the manifests, not the objects"
_VERIFIED = "take the verified version by its id, whatever lies on top of it or of its manifest"
_GOOD_SIGNALS = "are about the good signals of the day, which are whole"
_REPORTED_BY_CHECK = "leave it to the asset check of the day's run, whose failure is another alert"
_OWN_KEY = "goes by the day's own key, and what is under it is whole"
_SOURCE = "is answered from the bucket alone"
_STATE = "is about the bucket as it is now"
_WHOLE = "are about the backup, which is whole"
_KEPT = "find that the row is kept as it was"
_SETTLED = "takes the matter as settled; its trace is in the manifest and the audit trail"

Reasons = dict[Question, str]


def because(reason: str, *questions: Question) -> Reasons:
    """The same reason for several questions."""
    return dict.fromkeys(questions, reason)


def all_but(*questions: Question) -> list[Question]:
    """Every other question."""
    return [question for question in Question if question not in questions]


#: By harm: the questions that may answer as of a healthy day, each with the reason.
SAYS_NOTHING: dict[Harm, Reasons] = {
    Harm.OBJECT: {
        Question.REPAIR: "leaves a deleted day to people",
        Question.LATE_ROWS: _LATE,
        Question.AUDIT_VERIFY: _LOGS,
        **because(_VERIFIED, Question.RECONCILE, Question.BUNDLE, Question.PROVE, Question.DRILL),
    },
    Harm.LOST: {
        Question.VERSIONS: _LISTING,
        Question.LATE_ROWS: _LATE,
        Question.AUDIT_VERIFY: _LOGS,
    },
    Harm.DESTROYED: {
        Question.REPAIR: "leaves a destroyed day to people",
        Question.LATE_ROWS: _LATE,
        Question.AUDIT_VERIFY: _LOGS,
    },
    Harm.MANIFEST: {
        Question.VERSIONS: _LISTING,
        Question.LATE_ROWS: _LATE,
        **because(_VERIFIED, *RESTORES, Question.RECONCILE, Question.BUNDLE, Question.PROVE, Question.DRILL),
    },
    Harm.FORGED: {
        Question.LATE_ROWS: _LATE,
        **because(_VERIFIED, Question.RECONCILE, Question.BUNDLE, Question.DRILL),
    },
    Harm.QUARANTINE: {
        Question.VERSIONS: _LISTING,
        Question.REPAIR: _SENSOR,
        Question.LATE_ROWS: _LATE,
        Question.AUDIT_VERIFY: _LOGS,
        **because(_GOOD_SIGNALS, Question.DRY_RUN, Question.RESTORE, Question.RESTORE_ALL),
        **because(_GOOD_SIGNALS, Question.PROVE, Question.UNDELETE),
    },
    Harm.STRAY: because(_OWN_KEY, *Question),
    Harm.OTHER_OBJECT: {
        Question.REPAIR: _SENSOR,
        Question.LATE_ROWS: _LATE,
        Question.AUDIT_VERIFY: _LOGS,
        **because(_OWN_KEY, *RESTORES, Question.VERIFY_DATE, Question.VERIFY_KEY),
        **because(_OWN_KEY, Question.RECONCILE, Question.BUNDLE, Question.PROVE, Question.DRILL, Question.UNDELETE),
    },
    Harm.TRAIL: {
        **because(_LISTING, Question.LIST, Question.VERSIONS),
        Question.REPAIR: _SENSOR,
        Question.LATE_ROWS: _LATE,
        **because(_WHOLE, *VERIFIES, *RESTORES),
        **because(_WHOLE, Question.RECONCILE, Question.PROVE, Question.DRILL, Question.UNDELETE),
    },
    Harm.BAD_ROW: {
        Question.VERSIONS: _LISTING,
        Question.ALERTS: _REPORTED_BY_CHECK,
        Question.REPAIR: _SENSOR,
        Question.LATE_ROWS: _LATE,
        Question.AUDIT_VERIFY: _LOGS,
        **because(_KEPT, Question.AUDIT_RETENTION, Question.AUDIT_PAGE, Question.RECONCILE),
        **because(_WHOLE, *VERIFIES, Question.DRY_RUN, Question.RESTORE, Question.RESTORE_ALL),
        **because(_WHOLE, Question.BUNDLE, Question.PROVE, Question.DRILL, Question.UNDELETE),
    },
    Harm.UNDATED: because(
        "are about days, and the row belongs to none",
        *all_but(*STATUSES, Question.QUARANTINED, Question.DOCTOR, Question.METRICS, Question.RECONCILE),
    ),
    Harm.SOURCE: because(
        _SOURCE,
        *all_but(
            *(Question.LATE_ROWS, Question.RECONCILE, Question.DRILL),
            *(Question.STATUS_AGAIN, Question.STATUS_UNDELETED),
        ),
    ),
    Harm.DIFFERS: {
        **because(_LISTING, Question.LIST, Question.VERSIONS),
        Question.ALERTS: _REPORTED_BY_CHECK,
        Question.REPAIR: _SENSOR,
        Question.LATE_ROWS: _LATE,
        Question.AUDIT_VERIFY: _LOGS,
        **because(_WHOLE, *VERIFIES, *RESTORES, Question.BUNDLE, Question.PROVE, Question.UNDELETE),
    },
    Harm.ACCEPTED: because(_SETTLED, *all_but(Question.VERSIONS, Question.AUDIT_RETENTION, Question.AUDIT_PAGE)),
    Harm.REPEATED_ID: because("know a signal by its id and its day", *Question),
    Harm.NEVER_STORED: {
        Question.LATE_ROWS: "is about days that were backed up",
        Question.AUDIT_VERIFY: _LOGS,
    },
    Harm.VERIFICATION: because(_STATE, *all_but(*STATUSES, Question.DOCTOR, Question.METRICS, Question.ALERTS)),
    Harm.FAILED_BACKUP: {
        **because(_STATE, *all_but(*STATUSES, Question.DOCTOR, Question.METRICS, Question.ALERTS)),
        Question.ALERTS: "leave it to the failed run, which is an alert of its own",
    },
    Harm.FORGED_FINDING: because(_STATE, *all_but(*STATUSES, Question.DOCTOR, Question.METRICS, Question.ALERTS)),
    Harm.LOG_ENTRY: {
        Question.LATE_ROWS: _LATE,
    },
    Harm.FINDING: because(_STATE, *all_but(*STATUSES, Question.DOCTOR, Question.METRICS, Question.ALERTS)),
    Harm.NOTHING: because("nothing is wrong", *Question),
}

for _harm, _reasons in SAYS_NOTHING.items():
    if _harm not in {Harm.BAD_ROW, Harm.QUARANTINE, Harm.UNDATED}:
        _reasons.setdefault(Question.QUARANTINED, "lists quarantined rows, and none of them is harmed")

#: By harm: the questions that answer as of a healthy day because the damage is over by then.
RIGHT_AGAIN: dict[Harm, Reasons] = {
    Harm.OBJECT: because("undelete made the verified version current again", Question.STATUS_UNDELETED),
    Harm.VERIFICATION: because("the day was verified again", Question.STATUS_AGAIN, Question.STATUS_UNDELETED),
    Harm.FINDING: because("a drill restored the day", Question.STATUS_AGAIN, Question.STATUS_UNDELETED),
    Harm.FORGED_FINDING: because("a drill restored the day", Question.STATUS_AGAIN, Question.STATUS_UNDELETED),
}

#: Commands that are no question, as ``command`` or ``group command``.
SAYS_NOTHING_OF_A_DAY = {
    "alert test": "is about the channels of alerts",
    "audit accept": "accepts what `audit verify` finds",
    "audit anchor": "fixes the logs outside of the bucket",
    "audit log": "lists what was done, and judges nothing",
    "backup": "stores days; what it does about each damage is part of its own tests",
    "connect": "prints how S3 tools reach the bucket",
    "cost": "is about storage and prices",
    "hold list": "lists legal holds",
    "hold put": "puts a legal hold",
    "hold release": "releases a legal hold",
    "iam-policy": "prints rights",
    "init": "sets the bucket up",
    "lifecycle apply": "is about rules of the bucket",
    "lifecycle diff": "is about rules of the bucket",
    "lifecycle show": "is about rules of the bucket",
    "lock extend": "extends locks",
    "metrics serve": "serves what `metrics textfile` writes",
    "simulate": "simulates days, and reads none",
    "store stop": "stops the embedded server",
    "verify-bundle": "checks a bundle on disk",
    "verify-proof": "checks a proof on disk",
}

#: Questions whose command is not the beginning of what people type.
COMMAND_OF = {
    Question.METRICS: "metrics textfile",
    Question.VERIFY_KEY: "verify",
}
