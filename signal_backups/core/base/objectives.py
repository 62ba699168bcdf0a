"""The thresholds of monitoring: by when things must be done, and how often people are reminded that they are not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from signal_backups.core.base.days import BACKUP_TIME, ONE_DAY

#: How long after ``BACKUP_TIME`` the backup of a day may take before it is missed.
GRACE = timedelta(hours=1)
#: Age beyond which the last backup is too old: a day and the grace.
MAX_BACKUP_AGE = ONE_DAY + GRACE
#: Age beyond which the last restore drill is too old: one is held every Sunday.
MAX_DRILL_AGE = timedelta(days=8)
#: Age beyond which the last probes of the store are too old: they are made every Sunday.
MAX_PROBE_AGE = timedelta(days=8)
#: Age beyond which the last retention audit is too old: one is made on the first of every month.
MAX_AUDIT_AGE = timedelta(days=32)

#: Within how many days everything stored is read again, unless SIGNAL_BACKUPS_READ_WITHIN_DAYS says otherwise.
READ_WITHIN_DAYS = 30
READ_WITHIN = timedelta(days=READ_WITHIN_DAYS)
#: In how much of that time the scrub reads everything once; the rest is for nights that fail.
SCRUB_SHARE = 5 / 6
#: What the requests for a day cost, as bytes that are read: so that neither bytes nor requests of a night are many.
BYTES_PER_DAY_READ = 1_000_000

#: In how many nights every day is compared with the database: a week less than the shortest month, because days are
#: added meanwhile, and because a night may fail.
COMPARISON_NIGHTS = 21

#: Seconds within which everything in retention has to be restored.
RTO_OBJECTIVE_S = 3600.0

#: How many manifests one observation reads at most.
MAX_MANIFEST_READS = 50

#: How often the repair looks for stale days, and how often the alert conditions are checked.
REPAIR_INTERVAL = timedelta(minutes=5)
ALERT_INTERVAL = timedelta(minutes=2)
#: How often the repair tries a day before people have to act, and the pause after the first try. Every further pause is
#: twice as long, so that all tries take 32 hours: longer than most outages of a database.
MAX_REPAIRS = 8
FIRST_REPAIR_PAUSE = timedelta(minutes=15)
#: How many runs the repair requests at a time, and how many days each of them covers at most.
MAX_REPAIR_RUNS = 5
MAX_REPAIR_DAYS = 31
#: How often a run gives a sign of life, and after how long a silence it counts as stuck. A silence is longer than any
#: pause between two tries.
HEARTBEAT_INTERVAL = timedelta(minutes=1)
MAX_RUN_SILENCE = timedelta(minutes=5)
#: How long a run gives signs of life without finishing anything: longer than one stage of the largest day takes.
MAX_STAGE_TIME = timedelta(hours=1)
#: The same for a drill, a scrub and other examinations: one stage that may read years of backups.
MAX_EXAMINATION_TIME = timedelta(hours=6)
#: How long a stuck run that was ended is still an alert, so that at least one check of the conditions meets it.
STUCK_RUN_SHOWN = timedelta(minutes=10)
#: Hours between two notifications of an open alert, unless SIGNAL_BACKUPS_ALERT_REMINDER_HOURS says otherwise.
REMINDER_HOURS = 6.0


def due_at(day: date) -> datetime:
    """When the backup of a day begins (UTC): at ``BACKUP_TIME`` on the next day."""
    return datetime.combine(day + ONE_DAY, BACKUP_TIME, tzinfo=UTC)


def missed_from(day: date, grace: timedelta = GRACE) -> datetime:
    """From when on (UTC) a day without a verified backup is missed rather than due."""
    return due_at(day) + grace
