"""Resources: the settings, the signals table and the bucket. Whatever is left unset follows the settings.

Annotations are not postponed here: Dagster reads those of nested resources when it makes the class.
"""

from functools import cache

import dagster as dg
from dagster_aws.s3 import S3Resource
from pydantic import Field

from signal_backups.connect import open_vault, settling, store_connection
from signal_backups.core.base.errors import SettingsError
from signal_backups.core.config.settings import Settings, load_settings
from signal_backups.core.doctor.probes import OpenStore
from signal_backups.core.ledger.event import Actor
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import AddressingStyle, ChecksumMode, S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.source import SignalSource, open_source
from signal_backups.core.vault.caching_vault import CachingVault, ManifestCache
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault


def observed(vault: BackupVault) -> BackupVault:
    """A view of a vault for sensors: it reads each version of a manifest once in the life of this process."""
    return CachingVault(vault, _manifest_cache(vault.store.uri(vault.layout.root)))


@cache
def _manifest_cache(where: str) -> ManifestCache:
    """What was read of the manifests in one place; a version never changes."""
    del where
    return {}


class SettingsSource:
    """The settings of the environment and ``.env``, read anew by each run and each tick."""

    def load(self) -> Settings:
        """The settings as they are now.

        Raises:
            SettingsError: one of them is malformed.
        """
        return load_settings()


class SignalsDatabase(dg.ConfigurableResource[SignalSource]):
    """The signals table."""

    settings: dg.ResourceDependency[SettingsSource]
    url: str | None = Field(default=None, description="Database URL; unset: SIGNALS_DATABASE_URL.")
    table: str | None = Field(default=None, description="Table; unset: SIGNALS_TABLE.")

    @property
    def source_url(self) -> str:
        """URL of the database; holds a password, never to be shown."""
        return self.url or self.settings.load().source_url

    @property
    def source_table(self) -> str:
        """Name of the table."""
        return self.table or self.settings.load().table

    def open(self) -> SignalSource:
        """The source; connects to nothing yet."""
        return open_source(self.source_url, self.source_table, self.settings.load().extra_columns)


class BackupStore(dg.ConfigurableResource[BackupVault]):
    """The bucket that holds the backups; with ``bucket`` unset, the one that the settings name.

    ``s3`` says how to reach a bucket that is named here. Only its fields are used: the client is made by
    ``core.s3.client``, which knows what the supported stores need.
    """

    settings: dg.ResourceDependency[SettingsSource]
    s3: S3Resource
    bucket: str | None = Field(default=None, description="Bucket; unset: BACKUP_BUCKET_NAME and the AWS variables.")
    prefix: str | None = Field(default=None, description="Key prefix; unset: BACKUP_PREFIX.")
    profile: str | None = Field(default=None, description="Retention profile; unset: SIGNAL_BACKUPS_PROFILE.")
    addressing_style: AddressingStyle = "auto"
    checksum_mode: ChecksumMode = "auto"

    def vault(self, run_id: str = "") -> BackupVault:
        """The vault, for the run that works with it; connects to nothing yet.

        Raises:
            SettingsError: an unsigned session was asked for, a setting is malformed, or there is no such profile.
            StoreError: the embedded server is meant and does not run.
        """
        settings, profile = self.settings.load(), self.retention_profile()
        if self.bucket is None:
            return open_vault(settings, profile, run_id)
        store = S3ObjectStore(s3_client(self._connection()), self.bucket, lock=profile.lock_policy)
        layout = Layout(self.prefix or settings.prefix)
        vault = BackupVault(
            store,
            layout,
            actor=Actor.here(run_id),
            outbox=settings.unwritten_events,
            retention_years=profile.retention_years,
        )
        return settling(vault)

    def opened(self, run_id: str = "") -> OpenStore:
        """The same store for probes, which send requests that backups never send.

        Raises:
            SettingsError: see ``vault``.
            StoreError: see ``vault``.
        """
        settings = self.settings.load()
        connection = store_connection(settings) if self.bucket is None else self._connection()
        is_embedded = self.bucket is None and settings.uses_embedded_store
        return OpenStore(self.vault(run_id), s3_client(connection), connection, is_embedded)

    def retention_profile(self) -> Profile:
        """The retention profile: this resource's own, else that of the settings."""
        return load_profile(self.profile or self.settings.load().profile)

    def _connection(self) -> S3Connection:
        s3 = self.s3
        if s3.use_unsigned_session:
            raise SettingsError("use_unsigned_session is set", remedy="Backups need credentials")
        return S3Connection(
            endpoint_url=s3.endpoint_url,
            region=s3.region_name,
            access_key_id=s3.aws_access_key_id,
            secret_access_key=s3.aws_secret_access_key,
            session_token=s3.aws_session_token,
            addressing_style=self.addressing_style,
            checksum_mode=self.checksum_mode,
            max_attempts=s3.max_attempts,
            profile=s3.profile_name,
            verify_tls=s3.verify,
        )
