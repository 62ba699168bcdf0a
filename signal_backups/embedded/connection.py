"""Which store to talk to: the one the settings name, or the embedded server.

What belongs here: turning settings into a connection. What does not: starting the server (``seaweedfs``).
"""

from __future__ import annotations

from signal_backups.core.errors import StoreError
from signal_backups.core.layout import Layout
from signal_backups.core.retention.profile import Profile, load_profile
from signal_backups.core.s3_client import S3Connection, s3_client
from signal_backups.core.settings import EMBEDDED_BUCKET, Settings
from signal_backups.core.store import S3ObjectStore
from signal_backups.core.vault import BackupVault
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


def open_vault(settings: Settings, profile: Profile | None = None) -> BackupVault:
    """The vault the settings name, which locks as the profile (default: theirs) says; connects to nothing yet."""
    lock = (profile or load_profile(settings.profile)).lock_policy
    store = S3ObjectStore(s3_client(store_connection(settings)), settings.bucket or EMBEDDED_BUCKET, lock=lock)
    return BackupVault(store, Layout(settings.prefix))
