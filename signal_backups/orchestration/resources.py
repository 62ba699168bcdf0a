"""What assets read from and write to, as Dagster resources.

Every field left unset comes from the settings when a run starts, so definitions load without database or bucket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from dagster_aws.s3 import S3Resource
from pydantic import Field

from signal_backups.connect import open_vault
from signal_backups.core.base.errors import SettingsError
from signal_backups.core.config.settings import load_settings
from signal_backups.core.ledger.event import Actor
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import AddressingStyle, ChecksumMode, S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.source import SignalSource, open_source
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class SignalsDatabase(dg.ConfigurableResource[SignalSource]):
    """The signals table."""

    url: str | None = Field(default=None, description="Database URL; unset: SIGNALS_DATABASE_URL.")
    table: str | None = Field(default=None, description="Table; unset: SIGNALS_TABLE.")

    @property
    def source_url(self) -> str:
        """URL of the database; holds a password, never to be shown."""
        return self.url or load_settings().source_url

    @property
    def source_table(self) -> str:
        """Name of the table."""
        return self.table or load_settings().table

    def open(self) -> SignalSource:
        """The source; connects to nothing yet."""
        return open_source(self.source_url, self.source_table)


class BackupStore(S3Resource):
    """The bucket that holds the backups; with ``bucket`` unset, the one the settings name."""

    bucket: str | None = Field(default=None, description="Bucket; unset: BACKUP_BUCKET_NAME and the AWS variables.")
    prefix: str | None = Field(default=None, description="Key prefix; unset: BACKUP_PREFIX.")
    profile: str | None = Field(default=None, description="Retention profile; unset: SIGNAL_BACKUPS_PROFILE.")
    addressing_style: AddressingStyle = "auto"
    checksum_mode: ChecksumMode = "auto"

    def get_client(self) -> S3Client:
        """A client that fits the store, from this resource's own fields.

        Raises:
            SettingsError: an unsigned session was asked for; backups are never public.
        """
        if self.use_unsigned_session:
            raise SettingsError("use_unsigned_session is set", remedy="Backups need credentials")
        return s3_client(
            S3Connection(
                endpoint_url=self.endpoint_url,
                region=self.region_name,
                access_key_id=self.aws_access_key_id,
                secret_access_key=self.aws_secret_access_key,
                session_token=self.aws_session_token,
                addressing_style=self.addressing_style,
                checksum_mode=self.checksum_mode,
                max_attempts=self.max_attempts,
                profile=self.profile_name,
                verify_tls=self.verify,
            )
        )

    def vault(self, run_id: str = "") -> BackupVault:
        """The vault, for the run that works with it; connects to nothing yet."""
        settings = load_settings()
        profile = self.retention_profile()
        if self.bucket is None:
            return open_vault(settings, profile, run_id)
        store = S3ObjectStore(self.get_client(), self.bucket, lock=profile.lock_policy)
        layout = Layout(self.prefix or settings.prefix)
        return BackupVault(store, layout, actor=Actor.here(run_id), outbox=settings.unwritten_events)

    def retention_profile(self) -> Profile:
        """The retention profile: this resource's own, else that of the settings."""
        return load_profile(self.profile or load_settings().profile)
