"""Retention profiles: how long each kind of object is kept, in which storage class, under which lock.

The shipped profiles in ``profiles/`` show the TOML form. Aliases are TOML keys that never change.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from signal_backups.core.s3.lifecycle import DEFAULT_TRANSITION_MINIMUM, Transition, TransitionMinimum
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.storage_classes import storage_class

DEFAULT_PROFILE = "documented"
#: A hundred years.
MOST_DAYS = 36_525


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Transitions(_Part):
    """Transitions of the objects in a range of sizes (bytes, both bounds exclusive); days as S3 counts them."""

    larger_than_bytes: int | None = None
    smaller_than_bytes: int | None = None
    current: tuple[Transition, ...] = ()
    noncurrent: tuple[Transition, ...] = Field((), alias="previous")

    @property
    def is_for_all_sizes(self) -> bool:
        """Whether there is no bound on the size."""
        return self.larger_than_bytes is None and self.smaller_than_bytes is None


class KeepRule(_Part):
    """How many days objects of one kind are kept, and in which storage classes.

    Current versions count from when they were stored, noncurrent ones from when they became noncurrent.
    """

    expire_days: int = Field(ge=1, le=MOST_DAYS)
    noncurrent_expire_days: int = Field(ge=1, le=MOST_DAYS, alias="previous_expire_days")
    transitions: tuple[Transitions, ...] = Field((), alias="moves")

    @model_validator(mode="after")
    def _one_entry_for_all_sizes(self) -> Self:
        if sum(each.is_for_all_sizes for each in self.transitions) > 1:
            raise ValueError("moves: two entries are for all sizes; merge them")
        return self


class KindsKept(_Part):
    """Rules by kind of object: the backups, and the objects that describe them."""

    backups: KeepRule
    manifests: KeepRule
    quarantine: KeepRule
    evidence: KeepRule = Field(description="Drill and retention reports, records of actions, the audit trail.")


class LockSetting(_Part):
    """Object Lock of every new version."""

    mode: LockMode


class Profile(_Part):
    """One retention profile."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    summary: str
    retention_years: int = Field(ge=1, le=100, description="The calendar years that each backup must be kept.")
    transition_minimum: TransitionMinimum = DEFAULT_TRANSITION_MINIMUM
    abort_uploads_days: int = Field(7, ge=1)
    lock: LockSetting | None = None
    keep: KindsKept

    @model_validator(mode="after")
    def _descriptions_outlive_what_they_describe(self) -> Self:
        backups = self.keep.backups
        for kind, rule in self.keep:
            if rule.expire_days < backups.expire_days:
                raise ValueError(
                    f"{kind} expire after {rule.expire_days} days, sooner than the backups they describe "
                    f"({backups.expire_days})"
                )
            if rule.noncurrent_expire_days < backups.noncurrent_expire_days:
                raise ValueError(
                    f"noncurrent versions of {kind} expire after {rule.noncurrent_expire_days} days, sooner than those "
                    f"of the backups they describe ({backups.noncurrent_expire_days})"
                )
        return self

    @model_validator(mode="after")
    def _manifests_can_be_read_at_once(self) -> Self:
        for transitions in self.keep.manifests.transitions:
            for transition in (*transitions.current, *transitions.noncurrent):
                known = storage_class(transition.storage_class)
                if known is not None and known.needs_thaw:
                    raise ValueError(f"manifests transition to {known.name}, but every verification reads them")
        return self

    @property
    def lock_policy(self) -> LockPolicy | None:
        """Lock that each new version gets; None for no lock."""
        return LockPolicy(self.lock.mode, self.retention_years) if self.lock else None
