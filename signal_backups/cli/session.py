"""What every command needs: settings, and a vault whose server runs while the command does.

Only ``backup``, ``init`` (without ``--dry-run``), ``make demo`` and ``make dev`` may create the embedded store
(``creates=True``). Every other command creates no folder, server or bucket: a wrong folder must not look like an empty
store.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from signal_backups.cli.output import print_notice
from signal_backups.connect import anchor_store, open_vault
from signal_backups.core.base.errors import SettingsError
from signal_backups.core.config.settings import ENV_FILE, Settings, load_settings
from signal_backups.core.ledger.event import Action, Result
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.setup import apply_profile, set_up_bucket
from signal_backups.core.retention.setup_plan import BucketState, Change, setup_plan
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import using_server


def settings_with_notice(*, creates: bool = False) -> Settings:
    """The settings; says in one line which embedded defaults replace what was not set.

    Args:
        creates: whether the command may create the embedded store.

    Raises:
        SettingsError: no store is set, there is no embedded one, and the command may not create it.
    """
    settings = load_settings()
    if not creates:
        require_store(settings)
    stand_ins = []
    if settings.uses_embedded_database:
        stand_ins.append(f"database {settings.embedded_database} (SIGNALS_DATABASE_URL is not set)")
    if settings.uses_embedded_store:
        stand_ins.append(f"S3 server in {settings.embedded_store} (BACKUP_BUCKET_NAME is not set)")
    if stand_ins:
        print_notice(f"Using the embedded {' and the embedded '.join(stand_ins)}")
    return settings


def require_store(settings: Settings) -> None:
    """Insist that the settings name a store, or that the embedded one was created.

    Raises:
        SettingsError: they do not, and it was not.
    """
    if settings.uses_embedded_store and not settings.embedded_store.is_dir():
        where = ENV_FILE.absolute() if ENV_FILE.is_file() else f"an .env in {ENV_FILE.absolute().parent}"
        raise SettingsError(
            f"no settings here: neither the environment nor {where} names a bucket, and there is no embedded store in "
            f"{settings.embedded_store}",
            remedy="Run this in the folder with your .env, or set BACKUP_BUCKET_NAME. To begin with an embedded store: "
            "signal-backups init",
        )


@contextmanager
def started_store(settings: Settings, profile: Profile | None = None) -> Iterator[BackupVault]:
    """A vault that locks as a profile (default: that of the settings) says; the embedded server runs, bucket or not."""
    server = using_server(settings.embedded_store) if settings.uses_embedded_store else nullcontext()
    with server:
        yield open_vault(settings, profile)


@contextmanager
def opened_vault(settings: Settings, *, creates: bool = False) -> Iterator[BackupVault]:
    """The vault, reachable; if the command may create them, the embedded server has its buckets."""
    with started_store(settings) as vault:
        if creates and settings.uses_embedded_store:
            _make_buckets(settings, vault)
        yield vault


def make_anchor_bucket(
    settings: Settings, vault: BackupVault, profile: Profile, *, dry_run: bool = False
) -> list[Change]:
    """Create the second bucket for anchors, if the settings name one that is not there; the change is recorded.

    Returns:
        What was changed, or would be; one that is there is left as it is, as it may belong to somebody else.
    """
    second = anchor_store(settings)
    if second is None or second.configuration.exists():
        return []
    bucket, state = second.configuration, BucketState(exists=False, is_amazon=second.configuration.is_amazon)
    if dry_run:
        return [*setup_plan(bucket.name, state, profile, vault.layout).changes]
    done: list[Change] = []
    apply_profile(bucket, state, profile, vault.layout, confirmed=False, on_change=done.append)
    changes = {change.setting: list(change.lines) for change in done}
    vault.trail.record(
        Action.POLICY_CHANGE,
        Result.CHANGED,
        details={"profile": profile.name, "bucket": bucket.name, "changes": changes},
    )
    return done


def _make_buckets(settings: Settings, vault: BackupVault) -> None:
    """The embedded server's buckets, set up as the profile says; one that is there is left as it is."""
    profile = load_profile(settings.profile)
    if not vault.store.configuration.exists():
        set_up_bucket(vault, profile, confirmed=False)
    if settings.anchor_endpoint_url is None:
        make_anchor_bucket(settings, vault, profile)
