"""The asset ``store_probes``: does the store still keep what is locked, and let only one writer win?"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from signal_backups.core.base.objectives import MAX_PROBE_AGE
from signal_backups.core.doctor.finding import DoctorCheck, DoctorFinding
from signal_backups.core.doctor.weekly_probes import is_broken, probe_store
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.names import STORE_PROBES
from signal_backups.orchestration.resources import BackupStore

LOCKED_STAYS = "locked_version_stays"
ONE_WRITER_WINS = "one_writer_wins"


def _examine(context: dg.AssetExecutionContext, backup_store: BackupStore) -> Iterator[dg.MaterializeResult[Any]]:
    found = probe_store(backup_store.opened(context.run.run_id))
    yield dg.MaterializeResult(
        metadata={check.value: f"{finding.state.value}: {finding.found}" for check, finding in found.items()},
        check_results=[
            _result(LOCKED_STAYS, found, DoctorCheck.LOCKED, DoctorCheck.DELETE),
            _result(ONE_WRITER_WINS, found, DoctorCheck.CONDITIONAL_WRITES),
        ],
    )


def _result(name: str, found: Mapping[DoctorCheck, DoctorFinding], *checks: DoctorCheck) -> dg.AssetCheckResult:
    findings = [found[check] for check in checks]
    broken = [finding for finding in findings if is_broken(finding)]
    return dg.AssetCheckResult(
        check_name=name,
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(_words(finding) for finding in broken or findings),
    )


def _words(finding: DoctorFinding) -> str:
    return f"{finding.found}. {finding.remedy}" if finding.remedy else finding.found


store_probes = build_watching_asset(
    WatchingSpec(
        key=STORE_PROBES,
        description="Does the store keep its promises? Tries to delete a locked version, and lets several writers "
        "create one object at once, as `signal-backups doctor` does; the outcome is an event of the audit trail.",
        checks={
            LOCKED_STAYS: "A new version is locked as the profile requires, and cannot be deleted. Without a lock in "
            "the profile only that the store answers.",
            ONE_WRITER_WINS: "Of several writers that create one object at once exactly one succeeds. Passes on "
            "stores other than Amazon's that let all of them.",
        },
        job_description="Try to delete a locked version, and let several writers race.",
        schedule_description="Probes every week what the store promises.",
        cron="15 4 * * 0",
        max_age=MAX_PROBE_AGE,
    ),
    _examine,
)
