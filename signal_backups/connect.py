"""From settings to a connection: the vault, and the places of anchors. Starts no server (``embedded``)."""

from __future__ import annotations

from dataclasses import replace

from signal_backups.core.base.errors import SettingsError, StoreError
from signal_backups.core.config.settings import EMBEDDED_BUCKET, Settings
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.ledger.announcements import AnnouncedManifest
from signal_backups.core.ledger.event import Actor
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import SeaweedServer


def store_connection(settings: Settings) -> S3Connection:
    """How to reach the store.

    Raises:
        StoreError: the embedded server is meant and does not run.
    """
    if settings.uses_embedded_store:
        embedded = SeaweedServer(settings.embedded_store)
        if not embedded.is_running():
            raise StoreError(
                f"the embedded S3 server in {settings.embedded_store} is not running",
                remedy="Start it with: make dev, or name your own store with BACKUP_BUCKET_NAME",
            )
        server = embedded.address()
        return S3Connection(
            endpoint_url=server.endpoint_url,
            region=server.region,
            access_key_id=server.access_key,
            secret_access_key=server.secret_key,
        )
    return _named_connection(settings)


def open_vault(settings: Settings, profile: Profile | None = None, run_id: str = "") -> BackupVault:
    """The vault the settings name, which locks as the profile (default: theirs) says; connects to nothing yet.

    Args:
        settings: the settings.
        profile: the retention profile.
        run_id: the Dagster run that works with it, for the audit trail.
    """
    profile = profile or load_profile(settings.profile)
    client = s3_client(store_connection(settings))
    store = S3ObjectStore(client, settings.bucket or EMBEDDED_BUCKET, lock=profile.lock_policy)
    vault = BackupVault(
        store,
        Layout(settings.prefix),
        actor=Actor.here(run_id),
        outbox=settings.unwritten_events,
        retention_years=profile.retention_years,
    )
    return settling(vault)


def settling(vault: BackupVault) -> BackupVault:
    """The vault, which from now on settles what killed processes of this machine announced, before it records."""

    def settle(announced: AnnouncedManifest) -> None:
        # Loads DuckDB, and is seldom needed.
        from signal_backups.core.backup.missing_events import settle_announced  # noqa: PLC0415

        settle_announced(vault, announced)

    vault.trail.settle = settle
    return vault


def anchor_store(settings: Settings, lock: LockPolicy | None = None) -> S3ObjectStore | None:
    """The second bucket for anchors, None when the settings name none; connects to nothing yet.

    Without an endpoint of its own it is in the store of the backups, embedded or not.

    Raises:
        StoreError: it is in the embedded server, which does not run.
    """
    if settings.anchor_bucket is None:
        return None
    return S3ObjectStore(s3_client(_anchor_connection(settings)), settings.anchor_bucket, lock=lock)


def anchor_destinations(settings: Settings, lock: LockPolicy | None = None) -> AnchorDestinations:
    """Where the settings say that anchors go; connects to nothing yet.

    Raises:
        SettingsError: the CA's certificates cannot be read.
        StoreError: the second bucket is in the embedded server, which does not run.
    """
    ca_pem = None
    if settings.tsa_ca_file is not None:
        try:
            ca_pem = settings.tsa_ca_file.read_bytes()
        except OSError as error:
            raise SettingsError(
                f"cannot read {settings.tsa_ca_file}: {error.strerror}", remedy="See SIGNAL_BACKUPS_TSA_CA_FILE"
            ) from error
    return AnchorDestinations(settings.tsa_url, ca_pem, anchor_store(settings, lock))


def _anchor_connection(settings: Settings) -> S3Connection:
    if settings.anchor_endpoint_url is None and settings.uses_embedded_store:
        return store_connection(settings)
    main, secret = _named_connection(settings), settings.anchor_secret_access_key
    connection = replace(
        main,
        endpoint_url=settings.anchor_endpoint_url or main.endpoint_url,
        region=settings.anchor_region or main.region,
    )
    if secret is None:
        return connection
    # A session token belongs to the main store's key.
    return replace(
        connection,
        access_key_id=settings.anchor_access_key_id,
        secret_access_key=secret.get_secret_value(),
        session_token=None,
    )


def _named_connection(settings: Settings) -> S3Connection:
    secret, token = settings.secret_access_key, settings.session_token
    return S3Connection(
        endpoint_url=settings.endpoint_url,
        region=settings.region,
        access_key_id=settings.access_key_id,
        secret_access_key=secret.get_secret_value() if secret else None,
        session_token=token.get_secret_value() if token else None,
        addressing_style=settings.addressing_style,
        checksum_mode=settings.checksum_mode,
    )
