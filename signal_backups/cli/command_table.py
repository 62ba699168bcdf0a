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
    """

    name: str
    help: str
    module: str
    attribute: str


COMMANDS = (
    CommandEntry("backup", "Back up a day or a range of days, and verify what S3 then holds.", "backup", "backup"),
    CommandEntry(
        "verify", "Verify backups: structure, number of signals, file hash and every row's hash.", "verify", "verify"
    ),
    CommandEntry(
        "prove",
        "Write a file with which anybody can check that a signal is in the backup of its day.",
        "prove",
        "prove",
    ),
    CommandEntry("verify-proof", "Check a proof; needs neither store nor database.", "prove", "verify_proof"),
    CommandEntry(
        "bundle",
        "Write days of backups with all their evidence for an auditor, then check what was written.",
        "bundle",
        "bundle",
    ),
    CommandEntry("verify-bundle", "Check a bundle; needs neither store nor database.", "bundle", "verify_bundle"),
    CommandEntry(
        "restore",
        "Restore days; each is verified before the import and compared before it is committed.",
        "restore",
        "restore",
    ),
    CommandEntry(
        "undelete",
        "Make a deleted or overwritten backup current again; removes no data, and is recorded.",
        "undelete",
        "undelete",
    ),
    CommandEntry(
        "reconcile",
        "Find signals that came late, were changed or were deleted in the source since their backup.",
        "reconcile",
        "reconcile",
    ),
    CommandEntry(
        "drill",
        "Restore sample days into a scratch database, compare them, and forecast a full restore.",
        "drill",
        "drill",
    ),
    CommandEntry(
        "quarantine",
        "List the rows that are kept out of the backups of days, with the reasons and where they are stored.",
        "quarantine",
        "quarantine",
    ),
    CommandEntry("list", "List the stored backups, one line a day.", "listing", "list_backups"),
    CommandEntry(
        "versions",
        "List every version of a day's backup, newest first, delete markers included.",
        "listing",
        "versions",
    ),
    CommandEntry(
        "status", 'Answer "are we safe?": what is backed up, missing or failed, and what runs next.', "status", "status"
    ),
    CommandEntry(
        "doctor",
        "Check settings, database, store, permissions, Dagster and disk, and say what to do.",
        "doctor",
        "doctor",
    ),
    CommandEntry(
        "init",
        "Create the bucket if it is missing and set it up: versions, lifecycle, Object Lock, access.",
        "init",
        "init",
    ),
    CommandEntry(
        "iam-policy",
        "Print the IAM policy (JSON) that gives a role exactly the rights it needs.",
        "iam_policy",
        "iam_policy",
    ),
    CommandEntry(
        "simulate",
        "Simulate years of daily backups: which are lost, unlocked or slow, and what they cost.",
        "simulate",
        "simulate",
    ),
    CommandEntry(
        "cost", "Show what is stored, what S3 bills for it, and a forecast for each retention profile.", "cost", "cost"
    ),
    CommandEntry("alert", "Test the channels that alerts are sent to.", "alert", "alert"),
    CommandEntry("audit", "Audit the retention; read, examine and anchor the audit trail.", "audit", "audit"),
    CommandEntry("lifecycle", "Show, compare and apply the bucket's lifecycle rules.", "lifecycle", "lifecycle"),
    CommandEntry("hold", "Put, list and release legal holds: what is held cannot be deleted.", "hold", "hold"),
    CommandEntry("lock", "Extend the lock of stored versions; it never becomes shorter.", "lock", "lock"),
    CommandEntry("metrics", "Serve or write figures for Prometheus.", "metrics", "metrics"),
    CommandEntry(
        "connect", "Print endpoint, bucket and prefix, and how ordinary S3 tools reach them.", "connect", "connect"
    ),
    CommandEntry("store", "Stop the embedded S3 server.", "store", "store"),
)
