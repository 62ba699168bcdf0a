"""Checks of the bucket's configuration."""

from __future__ import annotations

from signal_backups.core.base.errors import UnsupportedError
from signal_backups.core.doctor.finding import DoctorResult, failed, ok, warning
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.setup_plan import BucketState, Setting, setup_plan
from signal_backups.core.s3.bucket import BucketConfiguration
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.vault import BackupVault

_INIT = "signal-backups init"


def limit(bucket: BucketConfiguration, found: str, remedy: str) -> DoctorResult:
    """Report a missing capability: a failure on Amazon S3, a warning on other stores."""
    return failed(found, remedy) if bucket.is_amazon else warning(found, remedy)


def versioning(vault: BackupVault, _profile: Profile) -> DoctorResult:
    """Check that versioning is on, so that an overwrite or a delete destroys nothing."""
    if vault.store.configuration.is_versioned():
        return ok("on")
    return failed("off: an overwrite would destroy data, so no backup is made", _INIT)


def public_access(vault: BackupVault, _profile: Profile) -> DoctorResult:
    """Check that public access is blocked."""
    bucket = vault.store.configuration
    try:
        blocked = bucket.is_public_access_blocked()
    except UnsupportedError:
        if bucket.is_amazon:
            raise
        return ok("this store has no such setting: use its own means to keep the bucket private")
    return ok("blocked") if blocked else failed("not blocked", _INIT)


def lifecycle(vault: BackupVault, profile: Profile) -> DoctorResult:
    """Check that the lifecycle rules match the profile, and that no foreign rule applies to our objects."""
    bucket = vault.store.configuration
    # Only the lifecycle is checked here, so everything else is given as correct.
    state = BucketState(
        exists=True,
        versioned=True,
        public_access_blocked=True,
        lock_enabled=True,
        lifecycle=bucket.lifecycle(),
        is_amazon=bucket.is_amazon,
    )
    found = setup_plan(bucket.name, state, profile, vault.layout)
    if change := found.change(Setting.LIFECYCLE):
        return failed(
            f"{len(change.lines)} differences from profile {profile.name}, first: {change.lines[0]}",
            "signal-backups lifecycle diff shows them, signal-backups lifecycle apply fixes them",
        )
    if found.threats:
        return failed(found.threats[0], "Remove or narrow the foreign rule; only its owner may do that")
    if missing := found.missing_capabilities.get(Setting.LIFECYCLE):
        return ok(f"matches profile {profile.name} as far as this store can: {missing}")
    return ok(f"matches profile {profile.name}")


def object_lock(vault: BackupVault, profile: Profile) -> DoctorResult:
    """Check that Object Lock is on, if the profile requires it."""
    if profile.lock is None:
        return ok(f"profile {profile.name} requires none")
    try:
        enabled = vault.store.configuration.is_lock_enabled()
    except UnsupportedError as error:
        return failed(error.what, "Use a store that has Object Lock, or a profile without lock")
    if enabled:
        return ok("on")
    return failed(f"off, and profile {profile.name} locks every object", f"{_INIT} --profile {profile.name} --confirm")


def anchor_bucket(anchors: S3ObjectStore | None) -> DoctorResult:
    """Check that the second bucket for anchors exists, if the settings name one.

    Raises:
        StoreError: its store cannot be reached, or denies the question.
    """
    if anchors is None:
        return ok("SIGNAL_BACKUPS_ANCHOR_BUCKET names none")
    if anchors.configuration.exists():
        return ok(f"{anchors.bucket} exists")
    return failed(f"there is no bucket {anchors.bucket}: anchors are not copied to it", _INIT)
