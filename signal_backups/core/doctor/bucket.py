"""How the bucket is set up, a question at a time."""

from __future__ import annotations

from signal_backups.core.base.errors import UnsupportedError
from signal_backups.core.doctor.finding import DoctorResult, failed, warning, well
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.setup import BucketState, Setting, plan
from signal_backups.core.s3.bucket import BucketConfiguration
from signal_backups.core.vault.vault import BackupVault

_INIT = "signal-backups init"


def limit(bucket: BucketConfiguration, found: str, remedy: str) -> DoctorResult:
    """A missing capability: a fault on Amazon's S3, a known limit elsewhere."""
    return failed(found, remedy) if bucket.is_amazon else warning(found, remedy)


def versioning(vault: BackupVault, _profile: Profile) -> DoctorResult:
    """An overwrite or a delete destroys nothing."""
    if vault.store.configuration.is_versioned():
        return well("on")
    return failed("off: an overwrite destroys, and nothing is backed up", _INIT)


def public_access(vault: BackupVault, _profile: Profile) -> DoctorResult:
    """Nobody outside can be let in by mistake."""
    bucket = vault.store.configuration
    try:
        blocked = bucket.is_public_access_blocked()
    except UnsupportedError:
        if bucket.is_amazon:
            raise
        return well("this store has no such block: see to it by its own means that the bucket is not public")
    return well("blocked") if blocked else failed("not blocked", _INIT)


def lifecycle(vault: BackupVault, profile: Profile) -> DoctorResult:
    """The rules are those of the profile, and no foreign one reaches our objects."""
    bucket = vault.store.configuration
    # Only the lifecycle is asked about: the rest as if it were right.
    state = BucketState(
        exists=True,
        versioned=True,
        public_access_blocked=True,
        lock_enabled=True,
        lifecycle=bucket.lifecycle(),
        is_amazon=bucket.is_amazon,
    )
    found = plan(bucket.name, state, profile, vault.layout)
    if change := found.change(Setting.LIFECYCLE):
        return failed(
            f"{len(change.lines)} differences from profile {profile.name}, first: {change.lines[0]}",
            "signal-backups lifecycle diff shows all, signal-backups lifecycle apply fixes them",
        )
    if found.threats:
        return failed(found.threats[0], "Remove or narrow the foreign rule; nobody but its owner may")
    if missing := found.missing_capabilities.get(Setting.LIFECYCLE):
        return well(f"as profile {profile.name} says, as far as this store can: {missing}")
    return well(f"as profile {profile.name} says")


def object_lock(vault: BackupVault, profile: Profile) -> DoctorResult:
    """Objects can be locked, if the profile asks for it."""
    if profile.lock is None:
        return well(f"profile {profile.name} asks for none")
    try:
        enabled = vault.store.configuration.is_lock_enabled()
    except UnsupportedError as error:
        return failed(error.what, "Use a store that has Object Lock, or a profile that asks for none")
    if enabled:
        return well("on")
    return failed(f"off, and profile {profile.name} locks every object", f"{_INIT} --profile {profile.name} --confirm")
