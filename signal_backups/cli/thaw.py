"""Archived objects on the command line: what a thaw would take, asking for it, watching it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from signal_backups.cli.output import moment, print_notice, size
from signal_backups.core.base.days import utc_now
from signal_backups.core.restore.request_thaw import request_all
from signal_backups.core.restore.selection import ChosenBackup
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.thaw import (
    ThawPlan,
    ThawProgress,
    ThawState,
    Tier,
    archived_versions,
    needs_thaw,
    plan_thaw,
    state_of,
    wait_until_readable,
)
from signal_backups.core.vault.vault import BackupVault


@dataclass(frozen=True)
class ThawChoice:
    """What a person chose: the tier, for how many days, and whether to wait."""

    tier: Tier
    days: int
    wait: bool

    def plan(self, vault: BackupVault, chosen: Sequence[ChosenBackup]) -> ThawPlan | None:
        """What thawing those that cannot be read now would take; None when all can.

        Raises:
            SettingsError: one of them cannot be thawed at that tier.
        """
        frozen = archived_versions(_not_readable(vault, chosen), self.tier)
        return plan_thaw(frozen, self.days) if frozen else None

    def show(self, plan: ThawPlan | None) -> None:
        """Say it, one line a tier."""
        if plan is None:
            return
        print_notice(f"{plan.objects} archived objects ({size(plan.bytes)}) have to thaw before they can be read:")
        for offer in plan.offers:
            print_notice(
                f"  --tier {offer.tier}: {_hours(offer.shortest_wait)} to {_hours(offer.longest_wait)}, "
                f"about ${offer.total_usd:.4f} (list price; copies kept {plan.days} days)"
            )


def await_thaw(vault: BackupVault, chosen: Sequence[ChosenBackup], choice: ThawChoice, *, as_json: bool) -> None:
    """Ask for what has to thaw, and wait for it unless the choice is not to.

    Asking again is harmless: what is thawing or thawed already is not asked for twice.
    """
    frozen = _not_readable(vault, chosen)
    if not frozen:
        return
    choice.show(plan_thaw(frozen, choice.days))
    asked = request_all(vault, frozen, choice.tier, choice.days, clock=utc_now)
    print_notice(f"Asked for {len(asked)} of them ({choice.tier}); {len(frozen) - len(asked)} were asked for before")
    if not choice.wait:
        print_notice("Not waiting: run the same command again later, it goes on where it stopped")
        return
    wait_until_readable(
        vault.store,
        frozen,
        tier=choice.tier,
        requested_at=utc_now() if asked else None,
        clock=utc_now,
        sleep=time.sleep,
        on_progress=lambda progress: None if as_json else _say(progress),
    )


def _not_readable(vault: BackupVault, chosen: Sequence[ChosenBackup]) -> list[ObjectVersion]:
    archived = [item.version for item in chosen if needs_thaw(item.version.storage_class)]
    return [version for version in archived if state_of(vault.store, version, utc_now()) is not ThawState.READABLE]


def _say(progress: ThawProgress) -> None:
    eta = f", expected by {moment(progress.eta)}" if progress.eta else ""
    print_notice(f"{moment(utc_now())} {progress.readable} of {progress.total} thawed{eta}")


def _hours(wait: timedelta) -> str:
    minutes = wait.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 60 else f"{minutes / 60:.0f} h"
