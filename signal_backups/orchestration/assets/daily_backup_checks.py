"""The asset checks of the backup assets: their specs, and the answer that a domain report gives to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import dagster as dg

from signal_backups.core.backup.hashed_csv import CsvReport
from signal_backups.core.backup.plausibility import CountPlausibility
from signal_backups.core.backup.quarantine import Fault, QuarantinedRow
from signal_backups.core.backup.store_backup import StoreOutcome
from signal_backups.core.source import SourceDescription
from signal_backups.core.source.base import EXTRA_COLUMNS_REMEDY
from signal_backups.core.vault.manifest import Manifest
from signal_backups.orchestration.names import BACKUP_OBJECT, HASHED_CSV, SIGNAL_EXTRACT

COUNT_PLAUSIBLE = dg.AssetCheckKey(SIGNAL_EXTRACT, "record_count_is_plausible")
NO_UNKNOWN_COLUMNS = dg.AssetCheckKey(SIGNAL_EXTRACT, "no_unknown_columns")
SCHEMA_CONFORMS = dg.AssetCheckKey(HASHED_CSV, "rows_conform_to_schema")
HASHES_MATCH = dg.AssetCheckKey(HASHED_CSV, "row_hashes_match")
IDS_UNIQUE = dg.AssetCheckKey(HASHED_CSV, "signal_ids_are_unique")
CSV_PARSES = dg.AssetCheckKey(HASHED_CSV, "csv_parses_back_to_same_count")
OBJECT_EQUALS_CSV = dg.AssetCheckKey(BACKUP_OBJECT, "stored_object_equals_csv")
STORED_HASHES_VERIFY = dg.AssetCheckKey(BACKUP_OBJECT, "stored_row_hashes_verify")
SOURCE_AGREES = dg.AssetCheckKey(BACKUP_OBJECT, "source_agrees_with_backup")
AUDIT_EVENT_WRITTEN = dg.AssetCheckKey(BACKUP_OBJECT, "audit_event_is_written")

_DESCRIPTIONS = {
    COUNT_PLAUSIBLE: "The day has about as many rows as the same weekday of the last weeks. Warns; fails for a day "
    "that had rows and now has none. The backup is made all the same.",
    NO_UNKNOWN_COLUMNS: "The backup keeps every column of the table, or somebody decided that it does not. Warns of "
    "columns that it leaves out, and of columns to be kept that the table does not have.",
    SCHEMA_CONFORMS: "Every row has its required fields within their bounds. Other rows are quarantined.",
    HASHES_MATCH: "Every row matches the hash that its producer stored. Other rows are quarantined.",
    IDS_UNIQUE: "No signal_id repeats within the day. Repeats are quarantined.",
    CSV_PARSES: "The CSV reads back to as many signals as were written. Blocks the upload.",
    OBJECT_EQUALS_CSV: "The version S3 returns is byte for byte the CSV that was sent.",
    STORED_HASHES_VERIFY: "The rows that S3 returns match the hashes that their producer stored.",
    SOURCE_AGREES: "The database still has every signal of the backup as it was backed up. The backup keeps those that "
    "were altered or vanished; what the database has in their place is quarantined.",
    AUDIT_EVENT_WRITTEN: "The audit trail has the event of this backup. If not, the event waits in the outbox; the "
    "backup is good all the same.",
}
#: The UI shows one result for all days of a check; without this, people take it for that of the newest day.
_EACH_DAY = "Answered for each day; listed as Failed while any day is: see the check's Partitions."
_BLOCKING = {CSV_PARSES, OBJECT_EQUALS_CSV, STORED_HASHES_VERIFY}


@dataclass(frozen=True)
class CheckAnswer:
    """The answer of one check for one day."""

    key: dg.AssetCheckKey
    passed: bool
    description: str
    metadata: Mapping[str, dg.MetadataValue | int | float | str] = field(default_factory=dict)
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR

    @property
    def blocking(self) -> bool:
        """Whether the day gets no manifest when this fails."""
        return self.key in _BLOCKING


def check_specs(partitions: dg.PartitionsDefinition) -> list[dg.AssetCheckSpec]:
    """The spec of every check."""
    return [
        dg.AssetCheckSpec(
            key.name,
            asset=key.asset_key,
            description=f"{description} {_EACH_DAY}",
            blocking=key in _BLOCKING,
            partitions_def=partitions,
        )
        for key, description in _DESCRIPTIONS.items()
    ]


def count_answer(plausibility: CountPlausibility) -> CheckAnswer:
    """Answer of ``record_count_is_plausible``."""
    return CheckAnswer(
        COUNT_PLAUSIBLE,
        plausibility.plausible,
        plausibility.reason,
        {"earlier_days": plausibility.earlier_days, **({"median": plausibility.median} if plausibility.median else {})},
        dg.AssetCheckSeverity.ERROR if plausibility.lost_all else dg.AssetCheckSeverity.WARN,
    )


def columns_answer(source: SourceDescription) -> CheckAnswer:
    """Answer of ``no_unknown_columns``."""
    passed = source.has_no_surprise
    return CheckAnswer(
        NO_UNKNOWN_COLUMNS,
        passed,
        source.about_columns if passed else f"{source.about_columns}. {EXTRA_COLUMNS_REMEDY}",
        {"left_out": len(source.unknown_columns), "kept": len(source.extra_columns)},
        dg.AssetCheckSeverity.WARN,
    )


def csv_answers(report: CsvReport, parsed_records: int) -> list[CheckAnswer]:
    """Answers of the checks on the CSV."""
    return [
        _fault_answer(SCHEMA_CONFORMS, report, Fault.SCHEMA, "break the schema"),
        _fault_answer(HASHES_MATCH, report, Fault.HASH, "do not match their hash"),
        _fault_answer(IDS_UNIQUE, report, Fault.DUPLICATE, "repeat a signal_id"),
        CheckAnswer(
            CSV_PARSES,
            parsed_records == report.records,
            f"{report.records} signals written, {parsed_records} read back",
            {"records_written": report.records, "records_read_back": parsed_records},
        ),
    ]


def stored_answers(outcome: StoreOutcome) -> list[CheckAnswer]:
    """Answers of the checks on what S3 returned, and on what the audit trail says of it."""
    report = outcome.verification
    return [
        _event_answer(outcome.event),
        _source_answer(outcome.manifest),
        CheckAnswer(OBJECT_EQUALS_CSV, True, f"{report.bytes} bytes, SHA-256 {report.sha256}", {"bytes": report.bytes}),
        CheckAnswer(
            STORED_HASHES_VERIFY,
            True,
            f"{report.rows_hashed} of {report.records} rows hashed, all match",
            {"rows_hashed": report.rows_hashed, "rows_hashed_with_integers": report.integer_form_rows},
        ),
    ]


def _source_answer(manifest: Manifest) -> CheckAnswer:
    differences, day = manifest.differences, manifest.day
    if differences is None:
        return CheckAnswer(SOURCE_AGREES, True, "the database has every signal as it was backed up")
    return CheckAnswer(
        SOURCE_AGREES,
        False,
        f"in the database, since the backup: {differences}. The backup keeps them as they were. Compare with: "
        f"signal-backups reconcile --from {day} --to {day}. Only if the database is right: "
        f'signal-backups backup {day} --accept-changes "REASON"',
        {"altered": differences.altered.count, "vanished": differences.vanished.count},
    )


def _event_answer(event: int | None) -> CheckAnswer:
    if event is None:
        return CheckAnswer(
            AUDIT_EVENT_WRITTEN,
            False,
            "the event waits on this machine and is written before the next one; if even that failed, only the log "
            "output shows it",
        )
    return CheckAnswer(AUDIT_EVENT_WRITTEN, True, f"event {event} of the audit trail")


def stored_failure_answers(reason: str) -> list[CheckAnswer]:
    """Answers of the checks on what S3 returned, when it is not what was sent."""
    return [CheckAnswer(key, False, reason) for key in (OBJECT_EQUALS_CSV, STORED_HASHES_VERIFY)]


def _fault_answer(key: dg.AssetCheckKey, report: CsvReport, fault: Fault, words: str) -> CheckAnswer:
    count = report.faults.get(fault, 0)
    total = report.records + report.quarantined
    if not count:
        return CheckAnswer(key, True, f"all {total} rows", {"rows": total, "rows_failed": 0})
    table = rows_table(report.rows_with(fault))
    description = f"{count} of {total} rows {words}; they are in quarantine"
    return CheckAnswer(key, False, description, {"rows": total, "rows_failed": count, "first_rows": table})


def rows_table(rows: list[QuarantinedRow]) -> dg.TableMetadataValue:
    """Quarantined rows as a table for the UI."""
    records = [
        dg.TableRecord({"signal_id": str(row.signal_id), "timestamp": str(row.timestamp), "reason": row.reason})
        for row in rows
    ]
    columns = [dg.TableColumn(name, "string") for name in ("signal_id", "timestamp", "reason")]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))
