"""Simulates a bucket configuration over years of daily backups."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.s3.prices import Prices, load_prices
from signal_backups.core.simulation.figures import SimulationFigures, figures_of
from signal_backups.core.simulation.findings import SimulationFinding, findings
from signal_backups.core.vault.layout import Layout

DEFAULT_YEARS = 7
DEFAULT_RECORD_BYTES = 1024**2


class SimulationReport(BaseModel, frozen=True):
    """What a configuration does to years of daily backups.

    Attributes:
        subject: the profile or bucket whose configuration was simulated.
        first_day: UTC day of the first backup.
        years: calendar years of daily backups.
        played: the figures.
        findings: what the figures mean, worst first.
    """

    subject: str
    first_day: date
    years: int
    played: SimulationFigures
    findings: tuple[SimulationFinding, ...]

    @property
    def to_fix(self) -> list[SimulationFinding]:
        """The findings that should be fixed."""
        return [finding for finding in self.findings if finding.is_hole]

    @property
    def loses_backups(self) -> bool:
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
    """Simulate one backup a day, stored at 02:00 UTC of the next day, in every scenario.

    Args:
        lifecycle: the configuration.
        lock: lock that each new version gets; None for no lock.
        first_day: UTC day of the first backup.
        years: calendar years of daily backups.
        retention_years: calendar years each backup must be kept after it was stored.
        record_bytes: size of a backup.
        layout: where the backups are in the bucket; None for the default prefix.
        prices: None for those of the reference region.
        subject: the profile or bucket whose configuration this is, for the report.
    """
    figures = figures_of(
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
        subject=subject, first_day=first_day, years=years, played=figures, findings=tuple(findings(figures))
    )
