"""``make demo``: the whole thing on made-up signals, in one go, again and again."""

from __future__ import annotations

import os
import time
from datetime import timedelta

from signal_backups.cli.output import SHORT_SHA256, age, print_line, print_table, size
from signal_backups.cli.runs import run_until_interrupted
from signal_backups.cli.session import opened_vault
from signal_backups.cli.undated import searched_undated
from signal_backups.core.base.days import last_complete_day
from signal_backups.core.base.errors import ExitCode, SettingsError, SignalBackupsError
from signal_backups.core.config.settings import Settings, load_settings
from signal_backups.core.monitoring.status.status import backup_status
from signal_backups.core.monitoring.status.text import headline
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups.local.sample_signals import extend_sample_database
from signal_backups.orchestration.for_cli.launch import BackupRunResult
from signal_backups.orchestration.instance.home import persistent_instance

DEMO_DAYS = 7


def main() -> None:
    """Make signals, back up the last days through the Dagster assets, verify what S3 holds, show it."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    try:
        settings = _embedded_settings()
        raise SystemExit(_demonstrate(settings))
    except SignalBackupsError as error:
        print_line(f"Error: {error}")
        raise SystemExit(int(error.exit_code)) from None


def _embedded_settings() -> Settings:
    settings = load_settings()
    if not (settings.uses_embedded_database and settings.uses_embedded_store):
        raise SettingsError(
            "the demo makes signals up and must not touch a real database or bucket",
            remedy="Unset SIGNALS_DATABASE_URL, BACKUP_BUCKET_NAME and AWS_BUCKET_NAME (also in .env) for it",
        )
    return settings


def _demonstrate(settings: Settings) -> int:
    started = time.perf_counter()
    last = last_complete_day()
    first = max(settings.start_date, last - timedelta(days=DEMO_DAYS - 1))
    added = extend_sample_database(settings.embedded_database, last)
    print_line(
        f"Database   {settings.embedded_database}: {f'{added} sample signals added' if added else 'nothing to add'}"
    )
    print_line(f"S3 server  SeaweedFS on loopback, data in {settings.embedded_store}")
    print_line(f"Backing up {first} to {last} through the Dagster assets and checks ...")
    with opened_vault(settings, creates=True) as vault, persistent_instance(settings.dagster_home) as instance:
        result = run_until_interrupted(instance, first, last)
        verified = _show(vault, settings, result)
        if not result.failures:
            searched_undated(vault, settings)
        start = settings.start_date if settings.start_date_is_set else None
        status = backup_status(vault, start, retention_years=load_profile(settings.profile).retention_years)
    changed = sum(result.stored.values())
    print_line(
        f"{changed} of {len(result.stored)} days stored as new versions, read back and verified"
        if changed
        else "Nothing changed since the last time; no new versions were written"
    )
    for failure in result.failures:
        print_line(f"FAILED {failure.day}: {failure.reason}")
    for check in result.failed_checks:
        print_line(f"CHECK {check.day} {check.check}: {check.description}")
    print_line(headline(status))
    print_line(f"Protection: {status.protection}")
    print_line(f"Done in {age(time.perf_counter() - started)}. To open the UI: make dev, then http://127.0.0.1:3000")
    return ExitCode.OK if verified and not result.failures and not result.failed_checks else ExitCode.FAILED


def _show(vault: BackupVault, settings: Settings, result: BackupRunResult) -> bool:
    """Verify every stored day once more, from S3 alone, and print the table."""
    rows, all_verified = [], True
    if result.stored:
        for backup in vault.backups_with_manifests(min(result.stored), max(result.stored)):
            found = verify_stored(vault, backup, settings.scratch)
            all_verified = all_verified and found.report.ok and found.has_manifest
            rows.append(
                (
                    backup.slot.day.isoformat(),
                    str(found.report.records),
                    size(found.report.bytes),
                    found.report.sha256[:SHORT_SHA256],
                    found.version_id,
                    "yes" if found.report.ok else "NO",
                    f"{found.report.seconds:.3f}",
                )
            )
    columns = ("day", "records", "bytes", "SHA-256", "version", "verified", "seconds")
    print_table(f"Stored in {vault.store.uri(vault.layout.prefix)}", columns, rows)
    return all_verified
