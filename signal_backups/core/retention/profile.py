"""Retention profiles: how long what is kept, where, and under which lock, as data that can be read and checked.

Shipped profiles are in ``profiles/``; any other is a TOML file of the same form.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from signal_backups.core.s3.lifecycle import DEFAULT_TRANSITION_MINIMUM, Transition, TransitionMinimum
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.storage_classes import storage_class

DEFAULT_PROFILE = "documented"
#: A hundred years: nobody means more.
MOST_DAYS = 36_525


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Transitions(_Part):
    """The moves of objects of some sizes, bytes, both bounds exclusive; days as S3 counts them."""

    larger_than_bytes: int | None = None
    smaller_than_bytes: int | None = None
    current: tuple[Transition, ...] = ()
    previous: tuple[Transition, ...] = ()

    @property
    def is_for_all_sizes(self) -> bool:
        """Whether size does not matter."""
        return self.larger_than_bytes is None and self.smaller_than_bytes is None


class KeepRule(_Part):
    """How long objects of one kind are kept, in days from when they were stored, and where."""

    expire_days: int = Field(ge=1, le=MOST_DAYS)
    previous_expire_days: int = Field(ge=1, le=MOST_DAYS)
    moves: tuple[Transitions, ...] = ()

    @model_validator(mode="after")
    def _one_entry_for_all_sizes(self) -> Self:
        if sum(moves.is_for_all_sizes for moves in self.moves) > 1:
            raise ValueError("moves: two entries are for all sizes; put their moves into one")
        return self


class KindsKept(_Part):
    """What is kept, by kind: the backups, and what describes them."""

    backups: KeepRule
    manifests: KeepRule
    quarantine: KeepRule
    evidence: KeepRule = Field(description="Drill and retention reports, records of what was done, the audit trail.")


class LockSetting(_Part):
    """Object Lock of every new version."""

    mode: LockMode


class Profile(_Part):
    """One retention profile."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    summary: str
    retention_years: int = Field(ge=1, le=100, description="The calendar years that each record must be kept.")
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
            if rule.previous_expire_days < backups.previous_expire_days:
                raise ValueError(
                    f"noncurrent versions of {kind} expire after {rule.previous_expire_days} days, sooner than those "
                    f"of the backups they describe ({backups.previous_expire_days})"
                )
        return self

    @model_validator(mode="after")
    def _manifests_can_be_read_at_once(self) -> Self:
        for moves in self.keep.manifests.moves:
            for move in (*moves.current, *moves.previous):
                known = storage_class(move.storage_class)
                if known is not None and known.needs_thaw:
                    raise ValueError(f"manifests move to {known.name}, but every verification reads them")
        return self

    @property
    def lock_policy(self) -> LockPolicy | None:
        """What new versions are locked with; None for no lock."""
        return LockPolicy(self.lock.mode, self.retention_years) if self.lock else None
