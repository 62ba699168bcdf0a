"""Every command of ``signal-backups``: its name, its help in a line, and where it is defined.

The help page is made from this table alone, so that it needs none of the modules behind the commands.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CommandEntry:
    """One command.

    Attributes:
        name: as it is typed.
        help: the first paragraph of the command's own help.
        module: in ``signal_backups.cli.commands``.
        attribute: the function, or the Typer application of a group.
        group: the heading on the help page under which it stands.
        example: a command line that can be typed as it is, but for days and files.
    """

    name: str
    help: str
    module: str
    attribute: str
    group: str
    example: str


DAILY = "Daily backups"
RESTORING = "Restoring"
EVIDENCE = "Evidence"
RETENTION = "Retention and cost"
INSTALLATION = "Installation"

COMMANDS = (
    CommandEntry(
        "status",
        'Answer "are we safe?": what is backed up, missing or failed, and what runs next.',
        "status",
        "status",
        DAILY,
        "signal-backups status --html status.html",
    ),
    CommandEntry(
        "backup",
        "Back up a day or a range of days, and verify what S3 then holds.",
        "backup",
        "backup",
        DAILY,
        "signal-backups backup --from 2026-11-20 --to 2026-11-22",
    ),
    CommandEntry(
        "verify",
        "Verify backups: structure, number of signals, file hash and every row's hash.",
        "verify",
        "verify",
        DAILY,
        "signal-backups verify --last 30",
    ),
    CommandEntry(
        "list",
        "List the stored backups, one line a day.",
        "listing",
        "list_backups",
        DAILY,
        "signal-backups list --from 2026-11-01",
    ),
    CommandEntry(
        "versions",
        "List every version of a day's backup, newest first, delete markers included.",
        "listing",
        "versions",
        DAILY,
        "signal-backups versions 2026-11-20",
    ),
    CommandEntry(
        "quarantine",
        "List the rows that are kept out of the backups of days, with the reasons and where they are stored.",
        "quarantine",
        "quarantine",
        DAILY,
        "signal-backups quarantine 2026-11-20",
    ),
    CommandEntry(
        "restore",
        "Restore days; each is verified before the import and compared before it is committed.",
        "restore",
        "restore",
        RESTORING,
        "signal-backups restore --from 2026-11-20 --to 2026-11-22 --target sqlite:///restored.db --dry-run",
    ),
    CommandEntry(
        "undelete",
        "Make a deleted or overwritten backup current again; removes no data, and is recorded.",
        "undelete",
        "undelete",
        RESTORING,
        "signal-backups undelete 2026-11-20",
    ),
    CommandEntry(
        "reconcile",
        "Find signals that came late, were changed or were deleted in the source since their backup.",
        "reconcile",
        "reconcile",
        RESTORING,
        "signal-backups reconcile --from 2026-11-20 --to 2026-11-22",
    ),
    CommandEntry(
        "drill",
        "Restore sample days into a scratch database, compare them, and forecast a full restore.",
        "drill",
        "drill",
        RESTORING,
        "signal-backups drill --days 3",
    ),
    CommandEntry(
        "audit",
        "Audit the retention; read, examine and anchor the audit trail.",
        "audit",
        "audit",
        EVIDENCE,
        "signal-backups audit verify --full",
    ),
    CommandEntry(
        "prove",
        "Write a file with which anybody can check that a signal is in the backup of its day.",
        "prove",
        "prove",
        EVIDENCE,
        "signal-backups prove SIGNAL_ID --date 2026-11-20",
    ),
    CommandEntry(
        "verify-proof",
        "Check a proof; needs neither store nor database.",
        "prove",
        "verify_proof",
        EVIDENCE,
        "signal-backups verify-proof proof.json --ca tsa_ca.pem",
    ),
    CommandEntry(
        "bundle",
        "Write days of backups with all their evidence for an auditor, then check what was written.",
        "bundle",
        "bundle",
        EVIDENCE,
        "signal-backups bundle --from 2026-11-01 --to 2026-11-20 --out november.zip",
    ),
    CommandEntry(
        "verify-bundle",
        "Check a bundle; needs neither store nor database.",
        "bundle",
        "verify_bundle",
        EVIDENCE,
        "signal-backups verify-bundle november.zip",
    ),
    CommandEntry(
        "init",
        "Create the bucket if it is missing and set it up: versions, lifecycle, Object Lock, access.",
        "init",
        "init",
        RETENTION,
        "signal-backups init --dry-run",
    ),
    CommandEntry(
        "lifecycle",
        "Show, compare and apply the bucket's lifecycle rules.",
        "lifecycle",
        "lifecycle",
        RETENTION,
        "signal-backups lifecycle diff --profile recommended",
    ),
    CommandEntry(
        "hold",
        "Put, list and release legal holds: what is held cannot be deleted.",
        "hold",
        "hold",
        RETENTION,
        "signal-backups hold put --from 2026-11-01 --to 2026-11-20 --reason 'case 4711'",
    ),
    CommandEntry(
        "lock",
        "Extend the lock of stored versions; it never becomes shorter.",
        "lock",
        "lock",
        RETENTION,
        "signal-backups lock extend --from 2026-11-01 --to 2026-11-20 --dry-run",
    ),
    CommandEntry(
        "iam-policy",
        "Print the IAM policy (JSON) that gives a role exactly the rights it needs.",
        "iam_policy",
        "iam_policy",
        RETENTION,
        "signal-backups iam-policy writer",
    ),
    CommandEntry(
        "simulate",
        "Simulate years of daily backups: which are lost, unlocked or slow, and what they cost.",
        "simulate",
        "simulate",
        RETENTION,
        "signal-backups simulate --profile recommended --size 50000",
    ),
    CommandEntry(
        "cost",
        "Show what is stored, what S3 bills for it, and a forecast for each retention profile.",
        "cost",
        "cost",
        RETENTION,
        "signal-backups cost --png cost.png",
    ),
    CommandEntry(
        "doctor",
        "Check settings, database, store, permissions, Dagster and disk, and say what to do.",
        "doctor",
        "doctor",
        INSTALLATION,
        "signal-backups doctor",
    ),
    CommandEntry(
        "alert",
        "Test the channels that alerts are sent to.",
        "alert",
        "alert",
        INSTALLATION,
        "signal-backups alert test",
    ),
    CommandEntry(
        "metrics",
        "Serve or write figures for Prometheus.",
        "metrics",
        "metrics",
        INSTALLATION,
        "signal-backups metrics textfile signal_backups.prom",
    ),
    CommandEntry(
        "connect",
        "Print endpoint, bucket and prefix, and how ordinary S3 tools reach them.",
        "connect",
        "connect",
        INSTALLATION,
        "signal-backups connect",
    ),
    CommandEntry(
        "store",
        "Stop the embedded S3 server.",
        "store",
        "store",
        INSTALLATION,
        "signal-backups store stop",
    ),
)
