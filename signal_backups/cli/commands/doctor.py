"""``signal-backups doctor``: is everything there that backups need, one line each, with what to do.

``--json``: ``ok``; ``failed``, ``warnings`` and ``probe_objects`` (counts), ``probe_bytes``; ``findings``, each with
``check``, ``state`` (``ok``, ``warning``, ``failed``, ``not_checked``), ``found`` and ``remedy``.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_line
from signal_backups.cli.results import show_report
from signal_backups.cli.session import settings_with_notice, started_store
from signal_backups.connect import anchor_store, store_connection
from signal_backups.core.config.settings import Settings
from signal_backups.core.doctor.checks import Doctor
from signal_backups.core.doctor.examination import examine
from signal_backups.core.doctor.finding import DoctorReport, State
from signal_backups.core.doctor.probes import OpenStore
from signal_backups.core.retention.profile import Profile
from signal_backups.core.s3.client import s3_client

#: A store that is down should be known soon.
_ATTEMPTS = 2
_WORDS = {State.OK: "ok", State.WARNING: "warning", State.FAILED: "FAILED", State.NOT_CHECKED: "not checked"}


def doctor(as_json: JsonOption = False) -> None:
    """Check settings, database, store, permissions, Dagster and disk, and say what to do."""
    from signal_backups.orchestration.for_cli.doctor import DagsterDoctor  # noqa: PLC0415  Dagster takes seconds to load

    with ExitStack() as stack:

        def open_store(settings: Settings, profile: Profile) -> OpenStore:
            vault = stack.enter_context(started_store(settings, profile))
            connection = replace(store_connection(settings), max_attempts=_ATTEMPTS)
            anchors = anchor_store(settings)
            return OpenStore(vault, s3_client(connection), connection, settings.uses_embedded_store, anchors)

        examined = Doctor(settings_with_notice, open_store)
        report = examine([*examined.steps(), *DagsterDoctor(lambda: examined.settings).steps()])
    show_report(
        report,
        lambda found: _print(found, examined.written),
        ok=report.ok,
        as_json=as_json,
        failed=report.count(State.FAILED),
        warnings=report.count(State.WARNING),
        probe_objects=len(examined.written),
        probe_bytes=sum(examined.written),
    )
    raise typer.Exit(int(report.exit_code))


def _print(report: DoctorReport, written: list[int]) -> None:
    failures, warnings = report.count(State.FAILED), report.count(State.WARNING)
    for finding in report.findings:
        remedy = f". {finding.remedy}" if finding.remedy else ""
        print_line(f"{_WORDS[finding.state]:<12} {finding.check.label:<19} {finding.found}{remedy}")
    if written:
        print_line(f"Wrote {len(written)} probe objects, {sum(written)} bytes in all")
    print_line(f"{failures} failed, {warnings} warnings" if failures or warnings else "All is well")
