"""Sets up a bucket as its retention profile says.

A feature that the store lacks is a missing capability; only on Amazon S3 it is an error. Changes that delete objects
sooner or cannot be undone need a confirmation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from signal_backups.core.base.errors import StoreError, UnconfirmedError, UnsupportedError
from signal_backups.core.ledger.event import Action, Result
from signal_backups.core.retention.lifecycle_plan import NO_TRANSITIONS, Reduction, is_same, merged, reductions
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.retention.setup_plan import (
    BucketState,
    Change,
    Setting,
    SetupPlan,
    lifecycle_change,
    setup_plan,
    stored_reduction,
)
from signal_backups.core.s3.bucket import BucketConfiguration, StoredLifecycle
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault


def setup_plan_of(vault: BackupVault, profile: Profile) -> SetupPlan:
    """Compare a vault's bucket with a profile."""
    return setup_plan(vault.store.bucket, _inspected(vault), profile, vault.layout)


def set_up_bucket(
    vault: BackupVault, profile: Profile, *, confirmed: bool, only: Collection[Setting] = tuple(Setting)
) -> dict[Setting, str]:
    """Set up a vault's bucket and record the changes, even if a later one fails; the rest as of ``apply_profile``."""
    bucket, state = vault.store.configuration, _inspected(vault)
    done: list[Change] = []
    details: dict[str, Any] = {"profile": profile.name}
    result = Result.CHANGED
    try:
        return apply_profile(
            bucket, state, profile, vault.layout, confirmed=confirmed, only=only, on_change=done.append
        )
    except Exception as error:
        result, details["error"] = Result.CHANGED_IN_PART, str(error)
        raise
    finally:
        if done:
            details["changes"] = {change.setting: list(change.lines) for change in done}
            vault.trail.record(Action.POLICY_CHANGE, result, details=details)


def _inspected(vault: BackupVault) -> BucketState:
    store, layout = vault.store, vault.layout
    # Setting up the bucket writes audit events, so they do not count as stored objects.
    prefixes = [prefix for prefix in layout.all_prefixes if prefix != layout.audit_prefix]
    return inspect_bucket(store.configuration, lambda: any(store.holds_anything(prefix) for prefix in prefixes))


def inspect_bucket(bucket: BucketConfiguration, holds_objects: Callable[[], bool]) -> BucketState:
    """Read how a bucket is set up.

    Args:
        bucket: the bucket.
        holds_objects: returns whether anything is stored in it; called only if the bucket exists.

    Raises:
        StoreError: the store cannot be reached or denies access.
    """
    if not bucket.exists():
        return BucketState(exists=False, is_amazon=bucket.is_amazon)
    unsupported: dict[Setting, str] = {}

    def supported(setting: Setting, read: Callable[[], bool]) -> bool:
        try:
            return read()
        except UnsupportedError as error:
            unsupported[setting] = error.what
            return False

    return BucketState(
        exists=True,
        versioned=bucket.is_versioned(),
        public_access_blocked=supported(Setting.PUBLIC_ACCESS, bucket.is_public_access_blocked),
        lock_enabled=supported(Setting.OBJECT_LOCK, bucket.is_lock_enabled),
        lifecycle=bucket.lifecycle(),
        holds_objects=holds_objects(),
        is_amazon=bucket.is_amazon,
        unsupported=unsupported,
    )


def apply_profile(
    bucket: BucketConfiguration,
    state: BucketState,
    profile: Profile,
    layout: Layout,
    *,
    confirmed: bool,
    only: Collection[Setting] = tuple(Setting),
    on_change: Callable[[Change], None] = lambda _: None,
) -> dict[Setting, str]:
    """Change the settings of a bucket that differ from the profile.

    Args:
        bucket: the bucket.
        state: how it is set up now.
        profile: the profile to apply.
        layout: where the backups are in the bucket.
        confirmed: whether the user confirmed changes that delete objects sooner or cannot be undone.
        only: the settings that may be changed.
        on_change: called with each change after it was made.

    Returns:
        The settings that the store refused because it lacks the feature, with the reason.

    Raises:
        UnconfirmedError: a change needs a confirmation; nothing was changed.
        StoreError: the store refuses a change, or does not keep it.
    """
    changes = [change for change in setup_plan(bucket.name, state, profile, layout).changes if change.setting in only]
    reasons = [reason for change in changes for reason in change.confirm]
    if reasons and not confirmed:
        raise UnconfirmedError(
            f"bucket {bucket.name} was not changed: {'; '.join(reasons)}", remedy="Confirm it with --confirm"
        )
    refused = {}
    for change in changes:
        try:
            _make_change(bucket, change.setting, state, profile, layout)
        except UnsupportedError as error:
            if bucket.is_amazon:
                raise
            refused[change.setting] = error.what
        else:
            on_change(change)
    if Setting.LIFECYCLE in only and _add_transitions(bucket, state, lifecycle_of(profile, layout), layout):
        on_change(lifecycle_change(state, lifecycle_of(profile, layout), layout))
    return refused


def _add_transitions(bucket: BucketConfiguration, state: BucketState, wanted: Lifecycle, layout: Layout) -> bool:
    """Add missing transitions if the store supports them after all; returns whether it does."""
    stored = stored_reduction(state, wanted, layout)
    if not state.exists or stored is None or stored.without != NO_TRANSITIONS:
        return False
    return apply_lifecycle(bucket, state.lifecycle, wanted, layout).without != NO_TRANSITIONS


def apply_lifecycle(
    bucket: BucketConfiguration, stored: StoredLifecycle, wanted: Lifecycle, layout: Layout
) -> Reduction:
    """Write the wanted rules next to the foreign ones and read them back; reduced if the store lacks a feature.

    Raises:
        StoreError: the store keeps no reduction (on Amazon S3: not all rules); the old lifecycle was restored.
    """
    reasons = []
    for reduction in [Reduction(wanted)] if bucket.is_amazon else reductions(wanted):
        target = merged(stored, reduction.lifecycle, layout)
        try:
            bucket.put_lifecycle(target)
        except UnsupportedError as error:
            reasons.append(error.what)
            continue
        if is_same(bucket.lifecycle(), reduction.lifecycle, layout):
            return reduction
        reasons.append("the store keeps other rules than it was given")
    bucket.put_lifecycle(stored)
    raise StoreError(
        f"bucket {bucket.name} does not accept the lifecycle, the old one was restored: {'; '.join(reasons)}",
        remedy="See the present rules with: signal-backups lifecycle show",
    )


def _make_change(
    bucket: BucketConfiguration, setting: Setting, state: BucketState, profile: Profile, layout: Layout
) -> None:
    match setting:
        case Setting.BUCKET:
            bucket.create(with_lock=profile.lock is not None)
        case Setting.VERSIONING:
            _enable_versioning(bucket)
        case Setting.PUBLIC_ACCESS:
            bucket.block_public_access()
        case Setting.OBJECT_LOCK:
            # A bucket that was created with Object Lock a moment ago has it already.
            if not bucket.is_lock_enabled():
                bucket.enable_lock()
        case Setting.LIFECYCLE:
            apply_lifecycle(bucket, state.lifecycle, lifecycle_of(profile, layout), layout)


def _enable_versioning(bucket: BucketConfiguration) -> None:
    if not bucket.is_versioned():
        bucket.enable_versioning()
    if not bucket.is_versioned():
        raise StoreError(f"bucket {bucket.name} does not keep versions", remedy="Use a store that supports versioning")
