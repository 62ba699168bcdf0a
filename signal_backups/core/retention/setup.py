"""Making a bucket right: what it is, what the profile asks for, and the way from the one to the other.

``inspect`` reads, ``plan`` compares without asking anybody, ``apply`` writes and reads back. What the store cannot do
is a capability that is missing, not an error; on Amazon's own S3 it is an error. What would delete sooner, or can never
be undone, is done only when it was confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, computed_field

from signal_backups.core.base.errors import StoreError, UnconfirmedError, UnsupportedError
from signal_backups.core.ledger.event import Action, Result
from signal_backups.core.retention.lifecycle_plan import (
    WITHOUT_MOVES,
    Reduction,
    deleted_sooner,
    difference,
    foreign_rules,
    is_same,
    merged,
    reductions,
    threats,
)
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.s3.bucket import BucketConfiguration, StoredLifecycle
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault


class Setting(StrEnum):
    """The settings of a bucket that a profile has a say in."""

    BUCKET = "bucket"
    VERSIONING = "versioning"
    PUBLIC_ACCESS = "public access block"
    OBJECT_LOCK = "object lock"
    LIFECYCLE = "lifecycle"


@dataclass(frozen=True)
class BucketState:
    """A bucket as it is; ``unsupported`` says for which settings the store has no such feature, and why."""

    exists: bool
    versioned: bool = False
    public_access_blocked: bool = False
    lock_enabled: bool = False
    lifecycle: StoredLifecycle = field(default_factory=StoredLifecycle)
    holds_objects: bool = False
    is_amazon: bool = False
    unsupported: dict[Setting, str] = field(default_factory=dict)


class Change(BaseModel):
    """One thing to be done: how it is and should be, as ``-`` and ``+`` lines, and why that needs a confirmation."""

    model_config = ConfigDict(frozen=True)

    setting: Setting
    lines: tuple[str, ...]
    confirm: tuple[str, ...] = ()


class SetupPlan(BaseModel):
    """What to change, what the store cannot do, and which foreign rules exist beside ours (or contradict them)."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    profile: str
    changes: tuple[Change, ...] = ()
    missing_capabilities: dict[Setting, str] = {}
    foreign_rules: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def in_order(self) -> bool:
        """Whether nothing has to be changed and no foreign rule contradicts the profile."""
        return not self.changes and not self.threats

    @property
    def confirmations(self) -> list[str]:
        """What somebody must have agreed to before it is done."""
        return [reason for change in self.changes for reason in change.confirm]

    def change(self, setting: Setting) -> Change | None:
        """What is to be changed of one setting."""
        return next((change for change in self.changes if change.setting is setting), None)


def plan_for(vault: BackupVault, profile: Profile) -> SetupPlan:
    """What separates a vault's bucket from the profile."""
    bucket = vault.store.configuration
    return plan(bucket.name, _inspected(vault), profile, vault.layout)


def make_right(
    vault: BackupVault, profile: Profile, *, confirmed: bool, only: Collection[Setting] = tuple(Setting)
) -> dict[Setting, str]:
    """``apply`` for a vault's bucket, as it is now; what was changed is recorded, also when the rest fails."""
    bucket, state = vault.store.configuration, _inspected(vault)
    done: list[Change] = []
    details: dict[str, Any] = {"profile": profile.name}
    result = Result.CHANGED
    try:
        return apply(bucket, state, profile, vault.layout, confirmed=confirmed, only=only, on_change=done.append)
    except Exception as error:
        result, details["error"] = Result.CHANGED_IN_PART, str(error)
        raise
    finally:
        if done:
            details["changes"] = {change.setting: list(change.lines) for change in done}
            vault.trail.record(Action.POLICY_CHANGE, result, details=details)


def _inspected(vault: BackupVault) -> BucketState:
    store, layout = vault.store, vault.layout
    # Setting the bucket up writes audit events: a bucket with nothing else is still empty.
    prefixes = [prefix for prefix in layout.all_prefixes if prefix != layout.audit_prefix]
    return inspect(store.configuration, lambda: any(store.holds_anything(prefix) for prefix in prefixes))


def inspect(bucket: BucketConfiguration, holds_objects: Callable[[], bool]) -> BucketState:
    """Read how the bucket is set up.

    Args:
        bucket: the bucket.
        holds_objects: tells whether anything is stored in it; asked only when it exists.

    Raises:
        StoreError: the store cannot be reached or does not allow it.
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


def plan(bucket: str, state: BucketState, profile: Profile, layout: Layout) -> SetupPlan:
    """What separates a bucket from what the profile asks for."""
    wanted = lifecycle_of(profile, layout)
    reached = _reached(state, wanted, layout)
    missing = dict(state.unsupported)
    if profile.lock is None:
        missing.pop(Setting.OBJECT_LOCK, None)
    if reached is not None and reached.without:
        missing[Setting.LIFECYCLE] = f"the lifecycle of this store has no {reached.without}"
    changes = [*_switches(state, profile)]
    if reached is None:
        changes.append(_lifecycle_change(state, wanted, layout))
    return SetupPlan(
        bucket=bucket,
        profile=profile.name,
        changes=tuple(changes),
        missing_capabilities=missing,
        foreign_rules=tuple(str(rule.get("ID", "without a name")) for rule in foreign_rules(state.lifecycle, layout)),
        threats=tuple(threats(state.lifecycle, wanted, layout)),
    )


def apply(
    bucket: BucketConfiguration,
    state: BucketState,
    profile: Profile,
    layout: Layout,
    *,
    confirmed: bool,
    only: Collection[Setting] = tuple(Setting),
    on_change: Callable[[Change], None] = lambda _: None,
) -> dict[Setting, str]:
    """Make the bucket what the profile asks for; what it is already is left alone.

    Args:
        bucket: the bucket.
        state: as it is.
        profile: what it should be.
        layout: whose rules ours are.
        confirmed: whether somebody agreed to what deletes sooner or can never be undone.
        only: the settings to change.
        on_change: called with each change that was made.

    Returns:
        What the store turned out not to be able to do, and why.

    Raises:
        UnconfirmedError: something would be deleted sooner, or could never be undone; nothing was changed.
        StoreError: the store refuses, or does not keep what it was given.
    """
    changes = [change for change in plan(bucket.name, state, profile, layout).changes if change.setting in only]
    reasons = [reason for change in changes for reason in change.confirm]
    if reasons and not confirmed:
        raise UnconfirmedError(
            f"bucket {bucket.name} was not changed: {'; '.join(reasons)}", remedy="Say that you mean it with --confirm"
        )
    refused = {}
    for change in changes:
        try:
            _do(bucket, change.setting, state, profile, layout)
        except UnsupportedError as error:
            if bucket.is_amazon:
                raise
            refused[change.setting] = error.what
        else:
            on_change(change)
    if Setting.LIFECYCLE in only and _try_for_more(bucket, state, lifecycle_of(profile, layout), layout):
        on_change(_lifecycle_change(state, lifecycle_of(profile, layout), layout))
    return refused


def _try_for_more(bucket: BucketConfiguration, state: BucketState, wanted: Lifecycle, layout: Layout) -> bool:
    """Moves may be missing because the store can do no more, or because somebody took them away; True: it did more."""
    reached = _reached(state, wanted, layout)
    if not state.exists or reached is None or reached.without != WITHOUT_MOVES:
        return False
    return apply_lifecycle(bucket, state.lifecycle, wanted, layout).without != WITHOUT_MOVES


def apply_lifecycle(
    bucket: BucketConfiguration, stored: StoredLifecycle, wanted: Lifecycle, layout: Layout
) -> Reduction:
    """Write our rules beside the foreign ones, as much of them as the store takes, and read them back.

    Raises:
        StoreError: the store takes none of it (or, on Amazon's S3, not all of it); the lifecycle is as it was before.
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
        f"bucket {bucket.name} does not take the lifecycle, it is as it was before: {'; '.join(reasons)}",
        remedy="See what is there with: signal-backups lifecycle show",
    )


def _reached(state: BucketState, wanted: Lifecycle, layout: Layout) -> Reduction | None:
    """How much of the wanted lifecycle is there; None when it has to be written."""
    enough = [Reduction(wanted)] if state.is_amazon else reductions(wanted)
    return next((each for each in enough if is_same(state.lifecycle, each.lifecycle, layout)), None)


def _switches(state: BucketState, profile: Profile) -> list[Change]:
    changes = []
    if not state.exists:
        changes.append(Change(setting=Setting.BUCKET, lines=("- missing", "+ created")))
    if not state.versioned:
        changes.append(_switch(Setting.VERSIONING))
    if not state.public_access_blocked and Setting.PUBLIC_ACCESS not in state.unsupported:
        changes.append(_switch(Setting.PUBLIC_ACCESS))
    if profile.lock and not state.lock_enabled and Setting.OBJECT_LOCK not in state.unsupported:
        for_ever = "Object Lock, once on, can never be switched off for this bucket"
        changes.append(_switch(Setting.OBJECT_LOCK, for_ever if state.exists else None))
    return changes


def _switch(setting: Setting, confirm: str | None = None) -> Change:
    return Change(setting=setting, lines=("- off", "+ on"), confirm=(confirm,) if confirm else ())


def _lifecycle_change(state: BucketState, wanted: Lifecycle, layout: Layout) -> Change:
    sooner = deleted_sooner(state.lifecycle, wanted, layout) if state.holds_objects else []
    return Change(
        setting=Setting.LIFECYCLE, lines=tuple(difference(state.lifecycle, wanted, layout)), confirm=tuple(sooner)
    )


def _do(bucket: BucketConfiguration, setting: Setting, state: BucketState, profile: Profile, layout: Layout) -> None:
    match setting:
        case Setting.BUCKET:
            bucket.create(with_lock=profile.lock is not None)
        case Setting.VERSIONING:
            _versioning(bucket)
        case Setting.PUBLIC_ACCESS:
            bucket.block_public_access()
        case Setting.OBJECT_LOCK:
            # A bucket that was just created with it has it already.
            if not bucket.is_lock_enabled():
                bucket.enable_lock()
        case Setting.LIFECYCLE:
            apply_lifecycle(bucket, state.lifecycle, lifecycle_of(profile, layout), layout)


def _versioning(bucket: BucketConfiguration) -> None:
    if not bucket.is_versioned():
        bucket.enable_versioning()
    if not bucket.is_versioned():
        raise StoreError(f"bucket {bucket.name} does not keep versions", remedy="Use a store that has versioning")
