"""Plays a bucket configuration over years of days and says what becomes of each record; pure, no store."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.lifecycle import DEFAULT_TRANSITION_MINIMUM, Lifecycle, LifecycleRule
from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.s3.prices import Prices, load_prices
from signal_backups.core.simulation.findings import SimulationFinding, findings
from signal_backups.core.simulation.play import Played, play
from signal_backups.core.vault.layout import Layout

DEFAULT_YEARS = 7
DEFAULT_RECORD_BYTES = 1024**2


class SimulationReport(BaseModel):
    """What a configuration does to the records of some years.

    Attributes:
        subject: whose configuration it is.
        first_day: the day of the first backup.
        years: how many calendar years of days were simulated.
        played: all figures.
        findings: what they mean, worst first.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    first_day: date
    years: int
    played: Played
    findings: tuple[SimulationFinding, ...]

    @property
    def holes(self) -> list[SimulationFinding]:
        """The findings that should be fixed."""
        return [finding for finding in self.findings if finding.is_hole]

    @property
    def loses_records(self) -> bool:
        """Whether a backup is lost too early: destroyed in any scenario, or hidden although untouched."""
        return bool(self.played.shortfalls) or any(figures.destroyed_early for figures in self.played.stories)


def simulate(
    lifecycle: Lifecycle,
    lock: LockPolicy | None,
    *,
    first_day: date,
    years: int = DEFAULT_YEARS,
    retention_years: int = DEFAULT_YEARS,
    record_bytes: int = DEFAULT_RECORD_BYTES,
    layout: Layout | None = None,
    prices: Prices | None = None,
    subject: str = "",
) -> SimulationReport:
    """Play one backup a day, stored at 02:00 UTC of the next day: untouched, deleted and overwritten.

    Args:
        lifecycle: the configuration.
        lock: what each version is locked with when it is stored; None for no lock.
        first_day: the day of the first backup.
        years: calendar years of days to simulate.
        retention_years: calendar years each record must be kept, from when it was stored.
        record_bytes: size of a record.
        layout: the prefixes of the rules; the default one unless given.
        prices: what things cost; those of the reference region unless given.
        subject: whose configuration it is, for the report.
    """
    played = play(
        lifecycle,
        lock,
        first_day=first_day,
        years=years,
        retention_years=retention_years,
        record_bytes=record_bytes,
        layout=layout or Layout(),
        prices=prices or load_prices(),
    )
    return SimulationReport(
        subject=subject, first_day=first_day, years=years, played=played, findings=tuple(findings(played))
    )


def present_lifecycle(stored: StoredLifecycle) -> Lifecycle:
    """The configuration a bucket has now, foreign rules included; S3's default where the store does not say."""
    rules = [LifecycleRule.from_s3(rule) for rule in stored.rules]
    return Lifecycle.of(rules, stored.transition_minimum or DEFAULT_TRANSITION_MINIMUM)
