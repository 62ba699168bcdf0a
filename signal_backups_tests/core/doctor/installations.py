"""Installations for the doctor to examine; healthy until a test adds a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from signal_backups.core.base.days import utc_now
from signal_backups.core.config.settings import Settings
from signal_backups.core.doctor.checks import Doctor
from signal_backups.core.doctor.examination import examine
from signal_backups.core.doctor.finding import DoctorCheck, DoctorFinding, DoctorReport, State
from signal_backups.core.doctor.probes import OpenStore
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.setup import set_up_bucket
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "desk-backups"


@dataclass(frozen=True)
class Installation:
    """An installation.

    Attributes:
        settings: environment variables.
        client: of the store.
        bucket: in the store.
        is_embedded: whether the store counts as the embedded server.
        clock: this machine's (UTC).
        written: sizes in bytes of the objects that the last examination wrote.
    """

    settings: dict[str, str]
    client: S3Client
    bucket: str = BUCKET
    is_embedded: bool = False
    clock: Callable[[], datetime] = utc_now
    written: list[int] = field(default_factory=list)

    def set(self, **changed: str) -> Installation:
        """Return the same installation with some settings changed."""
        return replace(self, settings={**self.settings, **changed})

    def vault(self, profile: Profile | None = None) -> BackupVault:
        """Return its vault."""
        lock = profile.lock_policy if profile else None
        layout = Layout(self.settings.get("BACKUP_PREFIX", Layout().prefix))
        return BackupVault(S3ObjectStore(self.client, self.bucket, lock=lock), layout)

    def profile(self) -> Profile:
        """Return its retention profile."""
        return load_profile(self.settings["SIGNAL_BACKUPS_PROFILE"])

    def make_bucket(self) -> None:
        """Create its bucket as its profile requires."""
        set_up_bucket(self.vault(), self.profile(), confirmed=True)

    def examined(self) -> DoctorReport:
        """Return the doctor's report."""

        def open_store(_settings: Settings, profile: Profile) -> OpenStore:
            named = self.settings.get("SIGNAL_BACKUPS_ANCHOR_BUCKET")
            anchors = S3ObjectStore(self.client, named) if named else None
            return OpenStore(self.vault(profile), self.client, S3Connection(), self.is_embedded, anchors)

        doctor = Doctor(lambda: Settings(**self.settings), open_store, self.clock)
        report = examine(doctor.steps())
        self.written[:] = doctor.written
        return report


def database_settings(path: Path) -> dict[str, str]:
    """Return settings with an SQLite file, a home beside it, and the profile that locks."""
    return {
        "SIGNALS_DATABASE_URL": f"sqlite:///{path}",
        "SIGNAL_BACKUPS_HOME": str(path.parent / "home"),
        "SIGNAL_BACKUPS_PROFILE": "recommended",
        "BACKUP_BUCKET_NAME": BUCKET,
    }


def states(report: DoctorReport, *wanted: State) -> set[DoctorCheck]:
    """Return the checks in one of some states."""
    return {finding.check for finding in report.findings if finding.state in wanted}


def faulty(report: DoctorReport) -> set[DoctorCheck]:
    """Return the checks that warned or failed."""
    return states(report, State.WARNING, State.FAILED)


def finding_of(report: DoctorReport, check: DoctorCheck) -> DoctorFinding:
    """Return the finding of one check."""
    (found,) = (finding for finding in report.findings if finding.check is check)
    return found
