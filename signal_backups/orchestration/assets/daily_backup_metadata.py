"""Metadata of the backup assets, made of domain reports. The UI plots every number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from signal_backups.core.backup.extract import ExtractReport, reading_extract
from signal_backups.core.backup.hashed_csv import CsvReport
from signal_backups.core.backup.store_backup import StoreOutcome
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.signals.fields import CSV_COLUMNS, FIELDS, NUMBER_COLUMNS, Kind
from signal_backups.orchestration.assets.daily_backup_checks import rows_table

PREVIEW_ROWS = 5

_TYPES = {Kind.TEXT: "string", Kind.NUMBER: "double"}

COLUMN_SCHEMA = dg.TableSchema(
    [
        dg.TableColumn(
            field.name,
            _TYPES[field.kind],
            description=field.description,
            constraints=dg.TableColumnConstraints(nullable=not field.required),
        )
        for field in FIELDS
    ]
)


def extract_metadata(report: ExtractReport, extract: Path) -> Mapping[str, Any]:
    """Metadata of ``signal_extract``."""
    return {
        "rows": report.rows,
        "rows_without_instant": report.rows_without_instant,
        "source": dg.MetadataValue.json({**report.source.as_dict(), "snapshot": report.snapshot_id}),
        "preview": _preview(extract),
        "seconds": round(report.seconds, 3),
    }


def csv_metadata(report: CsvReport) -> Mapping[str, Any]:
    """Metadata of ``hashed_csv``."""
    quarantine = {"quarantined_rows": rows_table(report.named_rows)} if report.quarantined else {}
    return {
        "records": report.records,
        "quarantined": report.quarantined,
        **quarantine,
        "hashed_with_integers": report.integer_form_records,
        "bytes": report.bytes,
        "sha256": report.sha256,
        "seconds": round(report.seconds, 3),
    }


def stored_metadata(outcome: StoreOutcome, store: S3ObjectStore) -> Mapping[str, Any]:
    """Metadata of ``backup_object``."""
    manifest = outcome.manifest
    quarantine = (
        {"quarantine_uri": dg.MetadataValue.text(store.uri(manifest.quarantine.key))} if manifest.quarantine else {}
    )
    return {
        "records": manifest.records,
        "bytes": manifest.backup.bytes,
        "quarantined": manifest.quarantined,
        **quarantine,
        "rows_verified": outcome.verification.rows_hashed,
        "verification_seconds": round(outcome.verification.seconds, 3),
        "backup_duration_seconds": round(outcome.seconds, 3),
        "dagster/uri": store.uri(manifest.backup.key),
        "version_id": manifest.backup.version_id,
        "sha256": manifest.backup.sha256,
        "changed": outcome.changed,
        **({"replaced": str(outcome.replacement)} if outcome.replacement else {}),
    }


def _preview(extract: Path) -> dg.TableMetadataValue:
    with reading_extract(extract) as batches:
        first = next(iter(batches), pa.RecordBatch.from_pylist([], schema=batches.schema))
    rows = first.slice(0, PREVIEW_ROWS).select(list(CSV_COLUMNS)).to_pylist()
    typed = [{name: _typed(name, text) for name, text in row.items()} for row in rows]
    return dg.MetadataValue.table([dg.TableRecord(row) for row in typed], schema=COLUMN_SCHEMA)


def _typed(name: str, text: str | None) -> str | float | None:
    return float(text) if text is not None and name in NUMBER_COLUMNS else text
