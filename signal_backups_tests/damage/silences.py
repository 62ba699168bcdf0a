"""Which questions say nothing of a harm by their nature, and which commands of any day; each with the reason."""

from __future__ import annotations

from signal_backups_tests.damage.damages import Harm
from signal_backups_tests.damage.questions import Question

_LISTING = "list what is there, and judge versions one by one"
_SENSOR = "backs up again what is missing or unverified, and this is neither"
_LATE = "compares the database with the manifests; it has not changed since"
_DOCTOR = "checks the newest backup, and whether a day was destroyed"
_LOGS = "examines the logs and the manifests, not the objects"
_VERIFIED = "take the verified version by its id, whatever lies on top of it or of its manifest"
_OBJECT_ONLY = "are about the good signals of the day, which are whole"
_REPORTED_BY_CHECK = "leave it to the asset check of the day's run, whose failure is another alert"
_EXAMINED_DAILY = "leave it to the asset `audit_trail`, which examines the logs every day and alerts"
_OWN_KEY = "goes by the day's own key, and what is under it is whole"
_SOURCE = "is answered from the bucket alone"
_STATE = "is about the bucket as it is now"
_RIGHT = "looks at one day at a time, and each is right by itself"

#: By harm: the questions that may answer as of a healthy day, each with the reason.
SAYS_NOTHING: dict[Harm, dict[Question, str]] = {
    Harm.OBJECT: {
        Question.REPAIR: "leaves a deleted day to people",
        Question.LATE_ROWS: _LATE,
        Question.DOCTOR: _DOCTOR,
        Question.AUDIT_VERIFY: _LOGS,
        Question.RECONCILE: _VERIFIED,
        Question.BUNDLE: _VERIFIED,
        Question.PROVE: _VERIFIED,
        Question.DRILL: _VERIFIED,
    },
    Harm.LOST: {
        Question.VERSIONS: _LISTING,
        Question.LATE_ROWS: _LATE,
        Question.DOCTOR: _DOCTOR,
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
        Question.DOCTOR: _DOCTOR,
        **dict.fromkeys(
            (
                Question.RECONCILE,
                Question.BUNDLE,
                Question.PROVE,
                Question.DRY_RUN,
                Question.RESTORE,
                Question.RESTORE_QUARANTINED,
                Question.RESTORE_ALL,
                Question.DRILL,
            ),
            _VERIFIED,
        ),
    },
    Harm.FORGED: {
        Question.LATE_ROWS: _LATE,
        Question.DOCTOR: _DOCTOR,
        Question.REPAIR: "leaves to people what it would make look genuine",
        Question.RECONCILE: _VERIFIED,
        Question.BUNDLE: _VERIFIED,
        Question.DRILL: _VERIFIED,
    },
    Harm.QUARANTINE: {
        Question.VERSIONS: _LISTING,
        Question.REPAIR: _SENSOR,
        Question.LATE_ROWS: _LATE,
        Question.DOCTOR: _DOCTOR,
        Question.AUDIT_VERIFY: _LOGS,
        **dict.fromkeys(
            (Question.PROVE, Question.DRY_RUN, Question.RESTORE, Question.RESTORE_ALL, Question.UNDELETE), _OBJECT_ONLY
        ),
    },
    Harm.STRAY: dict.fromkeys(Question, _OWN_KEY),
    Harm.TRAIL: {
        **dict.fromkeys((Question.LIST, Question.VERSIONS), _LISTING),
        **dict.fromkeys(
            (Question.METRICS, Question.ALERTS),
            _EXAMINED_DAILY,
        ),
        Question.REPAIR: _SENSOR,
        Question.LATE_ROWS: _LATE,
        Question.DOCTOR: _DOCTOR,
        **dict.fromkeys(
            (
                *(
                    Question.RECONCILE,
                    Question.PROVE,
                    Question.DRY_RUN,
                    Question.RESTORE,
                    Question.RESTORE_QUARANTINED,
                    Question.RESTORE_ALL,
                ),
                *(Question.VERIFY_DATE, Question.VERIFY_LAST, Question.VERIFY_KEY, Question.DRILL, Question.UNDELETE),
            ),
            "are about the backup, which is whole",
        ),
    },
    Harm.BAD_ROW: {
        Question.VERSIONS: _LISTING,
        Question.ALERTS: _REPORTED_BY_CHECK,
        Question.REPAIR: _SENSOR,
        Question.LATE_ROWS: _LATE,
        Question.DOCTOR: _DOCTOR,
        Question.AUDIT_VERIFY: _LOGS,
        **dict.fromkeys(
            (Question.AUDIT_RETENTION, Question.AUDIT_PAGE, Question.RECONCILE), "find that the row is kept as it was"
        ),
        **dict.fromkeys(
            (
                *(
                    Question.BUNDLE,
                    Question.PROVE,
                    Question.DRY_RUN,
                    Question.RESTORE,
                    Question.RESTORE_ALL,
                    Question.DRILL,
                    Question.UNDELETE,
                ),
                *(Question.VERIFY_DATE, Question.VERIFY_LAST, Question.VERIFY_KEY),
            ),
            "are about what was backed up, which is whole",
        ),
    },
    Harm.SOURCE: dict.fromkeys(set(Question) - {Question.LATE_ROWS, Question.RECONCILE, Question.DRILL}, _SOURCE),
    Harm.DIFFERS: {
        Question.VERSIONS: _LISTING,
        Question.ALERTS: _REPORTED_BY_CHECK,
        Question.REPAIR: _SENSOR,
        Question.LATE_ROWS: _LATE,
        Question.DOCTOR: _DOCTOR,
        Question.AUDIT_VERIFY: _LOGS,
        **dict.fromkeys(
            (
                *(
                    Question.BUNDLE,
                    Question.PROVE,
                    Question.DRY_RUN,
                    Question.RESTORE,
                    Question.RESTORE_ALL,
                    Question.UNDELETE,
                ),
                *(Question.VERIFY_DATE, Question.VERIFY_LAST, Question.VERIFY_KEY),
            ),
            "are about the backup, which is whole and keeps its signals",
        ),
    },
    Harm.ACCEPTED: dict.fromkeys(
        set(Question) - {Question.VERSIONS, Question.AUDIT_RETENTION, Question.AUDIT_PAGE},
        "takes the matter as settled; its trace is in the manifest and the audit trail",
    ),
    Harm.REPEATED_ID: dict.fromkeys(set(Question) - {Question.RESTORE_ALL}, _RIGHT),
    Harm.NEVER_STORED: {
        Question.LATE_ROWS: "is about days that were backed up",
        Question.DOCTOR: _DOCTOR,
        Question.AUDIT_VERIFY: _LOGS,
    },
    Harm.VERIFICATION: {
        **dict.fromkeys(
            set(Question)
            - {Question.METRICS, Question.ALERTS, Question.STATUS, Question.STATUS_PAGE}
            - {Question.STATUS_AGAIN, Question.STATUS_UNDELETED},
            _STATE,
        ),
    },
    Harm.NOTHING: dict.fromkeys(Question, "nothing is wrong"),
}

#: By harm: the questions that answer as of a healthy day because the damage is over by then.
RIGHT_AGAIN: dict[Harm, dict[Question, str]] = {
    Harm.OBJECT: {Question.STATUS_UNDELETED: "undelete made the verified version current again"},
    Harm.FORGED: {Question.STATUS_UNDELETED: "undelete made the verified version current again"},
    Harm.VERIFICATION: {
        Question.STATUS_AGAIN: "the day was verified in between, and passed",
        Question.STATUS_UNDELETED: "the day was verified in between, and passed",
    },
}

#: Commands that are no question, as ``command`` or ``group command``.
SAYS_NOTHING_OF_A_DAY = {
    "alert test": "is about the channels of alerts",
    "audit anchor": "fixes the logs outside of the bucket",
    "audit log": "lists what was done, and judges nothing",
    "backup": "stores days; what it does about each damage is part of its own tests",
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
