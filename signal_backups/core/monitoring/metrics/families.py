"""The Prometheus metrics of the measurements, named as https://prometheus.io/docs/practices/naming/ says.

A timestamp of 0 means never.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.objectives import GRACE, MAX_DRILL_AGE, RTO_OBJECTIVE_S
from signal_backups.core.cost.inventory import VersionState
from signal_backups.core.monitoring.metrics.measurements import (
    DURATION_BOUNDS,
    DrillHistory,
    Measurements,
    StorageUse,
    TrailCounts,
)
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.s3.prices import BYTES_PER_GB
from signal_backups.core.s3.storage_classes import storage_class
from signal_backups.core.vault.day_state import DayState

PREFIX = "signal_backups_"
#: The label of storage classes that S3 does not have; other stores have names of their own.
OTHER = "other"


def measured_families(found: Measurements) -> Iterator[Metric]:
    """Yield the metrics of one refresh."""
    yield from _last_backup(found)
    yield from _days(found.observation)
    yield _gauge("quarantined_rows", "Rows in quarantine, left out of current backups.", found.quarantined_rows)
    yield _gauge(
        "oldest_read_timestamp_seconds",
        "When the verified day that was read back longest ago was read; 0: no day is verified.",
        _timestamp(found.oldest_read_at),
    )
    yield _gauge(
        "read_within_seconds",
        "Within what time every verified day is to be read back.",
        found.read_within.total_seconds(),
    )
    yield from _trail(found.trail)
    yield from _drills(found.trail.drills)
    yield from _storage(found.storage)
    if found.unlocked is not None:
        yield _gauge(
            "unlocked_objects",
            "Current backups whose Object Lock is shorter or weaker than the retention profile requires.",
            found.unlocked,
        )


def exporter_families(
    *,
    up: bool,
    last_refresh: datetime | None,
    seconds: float,
    failures: int,
    requests: Mapping[str, int],
    clock_skew: float | None,
) -> Iterator[Metric]:
    """Yield the metrics of the exporter itself."""
    yield _gauge("up", "Whether the last refresh could read everything (1) or not (0).", up)
    yield _gauge(
        "last_refresh_timestamp_seconds",
        "When the values were measured; 0: nothing was measured yet.",
        _timestamp(last_refresh),
    )
    yield _gauge("refresh_duration_seconds", "How long the last successful refresh took.", seconds)
    yield _counter("refresh_failures", "Refreshes of this process that failed.", failures)
    sent = CounterMetricFamily(
        f"{PREFIX}s3_requests",
        "Requests that this process sent to S3, retries included.",
        labels=["operation"],
    )
    for operation, count in sorted(requests.items()):
        sent.add_metric([operation], count)
    yield sent
    if clock_skew is not None:
        yield _gauge(
            "clock_skew_seconds",
            "How far the exporter's clock is ahead of the S3 store's, from the Date header of a response.",
            clock_skew,
        )


def _last_backup(found: Measurements) -> Iterator[Metric]:
    last = found.last_backup
    finished_at = last.finished_at if last else None
    seconds = (last.finished_at - last.started_at).total_seconds() if last else 0.0
    yield GaugeMetricFamily(
        "last_backup_timestamp",
        "When the backup of the newest verified day was made; 0: never.",
        _timestamp(finished_at),
    )
    yield GaugeMetricFamily("backup_duration_seconds", "How long storing and verifying that backup took.", seconds)
    yield _gauge(
        "last_success_timestamp_seconds",
        "When the backup of the newest verified day was made; 0: never.",
        _timestamp(finished_at),
    )
    yield _gauge(
        "first_success_timestamp_seconds",
        "When the backup of the oldest day was made; 0: there is none.",
        _timestamp(found.first_backup_at),
    )
    yield _gauge("last_backup_records", "Signals in that backup.", last.records if last else 0)
    yield _gauge("last_backup_bytes", "Size of that backup.", last.backup.bytes if last else 0)
    yield _gauge("expected_interval_seconds", "How often a backup is made.", ONE_DAY.total_seconds())
    yield _gauge(
        "grace_seconds", "How long after that time a backup counts as due instead of missing.", GRACE.total_seconds()
    )


def _days(observation: Observation) -> Iterator[Metric]:
    for name, state, text in (
        ("verified_backups", DayState.VERIFIED, "Days whose current backup is vouched for by a manifest."),
        ("missing_backups", DayState.MISSING, "Days that should have a backup by now and never had one."),
        ("destroyed_backups", DayState.DESTROYED, "Days whose backup has no version left, although there was one."),
        ("hidden_backups", DayState.HIDDEN, "Days whose backup a delete marker hides."),
        ("unverified_backups", DayState.UNVERIFIED, "Days whose current backup no manifest vouches for."),
        ("tampered_backups", DayState.TAMPERED, "Days whose manifest is not their newest in the manifest log."),
        (
            "differing_backups",
            DayState.DIFFERS,
            "Days of which the database altered or lost signals since their backup.",
        ),
        (
            "lost_quarantines",
            DayState.QUARANTINE_LOST,
            "Days whose quarantined rows are not there any more, although a manifest names them.",
        ),
        ("quarantined_backups", DayState.QUARANTINED, "Days with rows in quarantine."),
        ("replaced_backups", DayState.CHANGES_ACCEPTED, "Days whose backup was replaced by the database as it was."),
        ("other_objects", DayState.OTHER_OBJECT, "Days with another object that has other content."),
    ):
        yield _gauge(name, text, len(observation.in_state(state)))
    yield _gauge("undated_rows", "Rows of the database that belong to no day.", observation.undated.in_database)
    yield _gauge(
        "open_findings",
        "Examinations (audits, drills, reconciliations) whose findings no later one cleared.",
        len(observation.findings),
    )
    yield _gauge(
        "damaged_logs",
        "Logs (audit trail, manifest log) with entries that are missing, hidden or overwritten.",
        len(observation.damaged_logs),
    )


def _trail(trail: TrailCounts) -> Iterator[Metric]:
    yield _counter("verification_failures", "Failed verifications in the audit trail.", trail.verification_failures)
    yield _gauge("failing_verifications", "Days whose last verification failed.", trail.failing_verification_days)
    yield _counter("upload_errors", "Failed uploads of a backup in the audit trail.", trail.upload_errors)
    yield _gauge("failing_backups", "Days whose last backup failed.", trail.failing_backup_days)
    bounds = [*(str(bound) for bound in DURATION_BOUNDS), "+Inf"]
    yield HistogramMetricFamily(
        f"{PREFIX}backup_duration_seconds",
        "How long storing and verifying a day took, from the audit trail.",
        buckets=list(zip(bounds, accumulate(trail.durations), strict=True)),
        sum_value=trail.duration_sum,
    )


def _drills(drills: DrillHistory) -> Iterator[Metric]:
    yield _gauge(
        "last_drill_timestamp_seconds", "When the last restore drill ran; 0: never.", _timestamp(drills.last_at)
    )
    yield _gauge(
        "last_drill_success_timestamp_seconds",
        "When the last passed restore drill ran; 0: never.",
        _timestamp(drills.last_passed_at),
    )
    yield _gauge("last_drill_success", "Whether the last restore drill passed (1) or not (0).", drills.passed)
    yield _gauge("drill_max_age_seconds", "How old the last passed drill may be.", MAX_DRILL_AGE.total_seconds())
    if drills.rto_seconds is not None:
        yield _gauge(
            "rto_forecast_seconds",
            "How long restoring everything would take, forecast by the last drill.",
            drills.rto_seconds,
        )
    yield _gauge("rto_objective_seconds", "How long restoring everything may take.", RTO_OBJECTIVE_S)


def _storage(storage: StorageUse) -> Iterator[Metric]:
    stored: dict[str, float] = {}
    usd: dict[str, float] = {}
    markers = 0
    for group in storage.bill.groups:
        name = group.stored.storage_class if storage_class(group.stored.storage_class) else OTHER
        if group.stored.state is VersionState.DELETE_MARKER:
            markers += group.stored.objects
        else:
            stored[name] = stored.get(name, 0) + group.stored.bytes
            usd[name] = usd.get(name, 0) + group.usd_per_month
    yield _by_class("storage_bytes", "Bytes stored, noncurrent versions included, by storage class.", stored)
    yield _by_class("storage_cost_dollars_per_month", "What S3 bills for them at list prices, in US dollars.", usd)
    yield _gauge("delete_markers", "Delete markers in the vault.", markers)
    if storage.quota is not None:
        quota = storage.quota
        yield _gauge("storage_quota_bytes", "The storage quota.", quota.quota_gb * BYTES_PER_GB)
        yield _gauge("storage_quota_used_ratio", "How much of the quota is used.", quota.share)
        yield _gauge("storage_quota_warn_ratio", "Share of the quota from which a warning is given.", quota.warn_share)


def _by_class(name: str, text: str, figures: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=["storage_class"])
    for label, figure in sorted(figures.items()):
        family.add_metric([label], figure)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}{name}", text, value)


def _timestamp(instant: datetime | None) -> float:
    return instant.timestamp() if instant else 0.0
