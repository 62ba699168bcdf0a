"""What to change in a bucket so that it matches its retention profile; nothing here reads or writes S3."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, computed_field

from signal_backups.core.retention.lifecycle_plan import (
    Reduction,
    deleted_sooner,
    difference,
    foreign_rules,
    is_same,
    reductions,
    threats,
)
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.vault.layout import Layout


class Setting(StrEnum):
    """The settings of a bucket that a profile determines."""

    BUCKET = "bucket"
    VERSIONING = "versioning"
    PUBLIC_ACCESS = "public access block"
    OBJECT_LOCK = "object lock"
    LIFECYCLE = "lifecycle"


@dataclass(frozen=True)
class BucketState:
    """How a bucket is set up; ``unsupported`` has the settings that the store does not support, with the reason."""

    exists: bool
    versioned: bool = False
    public_access_blocked: bool = False
    lock_enabled: bool = False
    lifecycle: StoredLifecycle = field(default_factory=StoredLifecycle)
    holds_objects: bool = False
    is_amazon: bool = False
    unsupported: dict[Setting, str] = field(default_factory=dict)


class Change(BaseModel, frozen=True):
    """A change of one setting, as ``-`` and ``+`` lines, with the reasons for which it needs a confirmation."""

    setting: Setting
    lines: tuple[str, ...]
    confirm: tuple[str, ...] = ()


class SetupPlan(BaseModel, frozen=True):
    """The changes, what the store does not support, and the foreign lifecycle rules.

    ``threats`` has a sentence for each way in which a foreign rule contradicts the profile.
    """

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
        """The reasons for which the changes need a confirmation."""
        return [reason for change in self.changes for reason in change.confirm]

    def change(self, setting: Setting) -> Change | None:
        """The change of a setting; None if it needs none."""
        return next((change for change in self.changes if change.setting is setting), None)


def setup_plan(bucket: str, state: BucketState, profile: Profile, layout: Layout) -> SetupPlan:
    """Compare a bucket with a profile."""
    wanted = lifecycle_of(profile, layout)
    stored = stored_reduction(state, wanted, layout)
    missing = dict(state.unsupported)
    if profile.lock is None:
        missing.pop(Setting.OBJECT_LOCK, None)
    if stored is not None and stored.without:
        missing[Setting.LIFECYCLE] = f"the lifecycle of this store has no {stored.without}"
    changes = _switches(state, profile)
    if stored is None:
        changes.append(lifecycle_change(state, wanted, layout))
    return SetupPlan(
        bucket=bucket,
        profile=profile.name,
        changes=tuple(changes),
        missing_capabilities=missing,
        foreign_rules=tuple(str(rule.get("ID", "without a name")) for rule in foreign_rules(state.lifecycle, layout)),
        threats=tuple(threats(state.lifecycle, wanted, layout)),
    )


def stored_reduction(state: BucketState, wanted: Lifecycle, layout: Layout) -> Reduction | None:
    """The wanted lifecycle or its fallback that the bucket has; None if it has neither."""
    acceptable = [Reduction(wanted)] if state.is_amazon else reductions(wanted)
    return next((each for each in acceptable if is_same(state.lifecycle, each.lifecycle, layout)), None)


def _switches(state: BucketState, profile: Profile) -> list[Change]:
    changes = []
    if not state.exists:
        changes.append(Change(setting=Setting.BUCKET, lines=("- missing", "+ created")))
    if not state.versioned:
        changes.append(_switch(Setting.VERSIONING))
    if not state.public_access_blocked and Setting.PUBLIC_ACCESS not in state.unsupported:
        changes.append(_switch(Setting.PUBLIC_ACCESS))
    if profile.lock and not state.lock_enabled and Setting.OBJECT_LOCK not in state.unsupported:
        irreversible = "Object Lock, once on, can never be switched off for this bucket"
        changes.append(_switch(Setting.OBJECT_LOCK, irreversible if state.exists else None))
    return changes


def _switch(setting: Setting, confirm: str | None = None) -> Change:
    return Change(setting=setting, lines=("- off", "+ on"), confirm=(confirm,) if confirm else ())


def lifecycle_change(state: BucketState, wanted: Lifecycle, layout: Layout) -> Change:
    """The change from the present lifecycle to the wanted one."""
    sooner = deleted_sooner(state.lifecycle, wanted, layout) if state.holds_objects else []
    return Change(
        setting=Setting.LIFECYCLE, lines=tuple(difference(state.lifecycle, wanted, layout)), confirm=tuple(sooner)
    )
