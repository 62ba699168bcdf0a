"""What the figures of a simulation mean: findings to fix, and notes, each as a sentence with its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from pydantic import BaseModel, computed_field

from signal_backups.core.base.objectives import RTO_OBJECTIVE_S
from signal_backups.core.s3.storage_classes import TRANSITION_MINIMUM_BYTES
from signal_backups.core.s3.thaw import THAW_TERMS, Tier
from signal_backups.core.simulation.figures import SimulationFigures
from signal_backups.core.simulation.outcomes import Scenario, ScenarioFigures

KIB = 1024
_HOUR_S = 3600


class SimulationSeverity(StrEnum):
    """How bad a finding is. Everything but a note should be fixed."""

    LOSS = "loss"
    BREACH = "breach"
    RISK = "risk"
    WASTE = "waste"
    NOTE = "note"


class SimulationFinding(BaseModel, frozen=True):
    """One finding: its stable name, how bad it is, a sentence for people, and the numbers in it."""

    name: str
    severity: SimulationSeverity
    sentence: str
    numbers: dict[str, float]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_hole(self) -> bool:
        """Whether the configuration should be fixed."""
        return self.severity is not SimulationSeverity.NOTE


def findings(figures: SimulationFigures) -> list[SimulationFinding]:
    """The findings and notes, worst first."""
    found = [
        *_lost_by_incident(figures),
        *_ends_early(figures),
        *_manifests(figures),
        *_outside_rto(figures),
        *_unlocked(figures),
        *_never_moves(figures),
        *_kept_beyond(figures),
    ]
    order = list(SimulationSeverity)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def _lost_by_incident(figures: SimulationFigures) -> Iterator[SimulationFinding]:
    deleted = _in_scenario(figures, Scenario.DELETED)
    if not deleted.destroyed_early or deleted.lost_hours is None or deleted.lost_up_to_age_days is None:
        return
    after, age = deleted.destroyed_after_days or 0, deleted.lost_up_to_age_days
    yield SimulationFinding(
        name="mishap_destroys",
        severity=SimulationSeverity.LOSS,
        sentence=(
            f"A delete or overwrite destroys the only good copy {after} days later: {deleted.destroyed_early} of "
            f"{figures.records} backups are gone up to {deleted.lost_hours[1] / 24:.0f} days before their retention "
            f"ends if it happens the day after they were stored. Backups up to {age} days old can be lost this way."
        ),
        numbers={
            "destroyed_after_days": after,
            "records": deleted.destroyed_early,
            "lost_hours_max": deleted.lost_hours[1],
            "lost_up_to_age_days": age,
        },
    )


def _ends_early(figures: SimulationFigures) -> Iterator[SimulationFinding]:
    if not figures.shortfalls:
        return
    early = sum(each.records for each in figures.shortfalls)
    shares = ", ".join(f"{each.hours:g} h early for {each.share_of_start_dates:.0%}" for each in figures.shortfalls)
    outcome = (
        "destroyed" if _in_scenario(figures, Scenario.UNTOUCHED).destroyed_early else "hidden under a delete marker"
    )
    days_short = _days_short(figures)
    yield SimulationFinding(
        name="ends_early",
        severity=SimulationSeverity.LOSS,
        sentence=(
            f"{_expiry(figures)}: {early} of {figures.records} backups are {outcome} before their retention ends, "
            f"{shares} of start dates (S3 acts at the next midnight)."
        ),
        numbers={
            "records": early,
            "days_short_min": days_short[0],
            "days_short_max": days_short[1],
            "hours_min": min(each.hours for each in figures.shortfalls),
            "hours_max": max(each.hours for each in figures.shortfalls),
        },
    )


def _in_scenario(figures: SimulationFigures, scenario: Scenario) -> ScenarioFigures:
    return next(each for each in figures.stories if each.story is scenario)


def _days_short(figures: SimulationFigures) -> tuple[int, int]:
    fewest, most = figures.retention_days
    expire = fewest if figures.expire_days is None else figures.expire_days
    return max(0, fewest - expire), max(0, most - expire)


def _expiry(figures: SimulationFigures) -> str:
    if figures.expire_days is None:
        return "Backups expire at a date"
    fewest, most = figures.retention_days
    short = " or ".join(_in_words(days) for days in sorted(set(_days_short(figures))))
    unit = "day" if _days_short(figures) == (1, 1) else "days"
    calendar = " or ".join(str(days) for days in sorted({fewest, most}))
    return (
        f"{figures.expire_days} days end {short} {unit} short of {_in_words(figures.retention_years)} calendar "
        f"years ({calendar} days)"
    )


def _in_words(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if number < len(words) else str(number)


def _manifests(figures: SimulationFigures) -> Iterator[SimulationFinding]:
    if figures.manifests_gone_early:
        yield SimulationFinding(
            name="manifests_gone_early",
            severity=SimulationSeverity.LOSS,
            sentence=(
                f"{figures.manifests_gone_early} of {figures.records} manifests are hidden before the retention of "
                "their backups ends."
            ),
            numbers={"manifests": figures.manifests_gone_early},
        )


def _outside_rto(figures: SimulationFigures) -> Iterator[SimulationFinding]:
    worst = max(figures.sizes, key=lambda size: size.outside_rto_share)
    if not worst.outside_rto:
        return
    waits = [THAW_TERMS[name, Tier.STANDARD] for name in worst.slow_classes]
    shortest = min(wait.shortest_wait for wait in waits).total_seconds() / _HOUR_S
    longest = max(wait.longest_wait for wait in waits).total_seconds() / _HOUR_S
    hours = f"{shortest:g}" if shortest == longest else f"{shortest:g} to {longest:g}"
    requested = figures.sizes[0]
    unaffected = f"Backups of {kilobytes(requested.bytes)} never move to it."
    only = "" if requested.outside_rto else f" {unaffected}"
    yield SimulationFinding(
        name="outside_rto",
        severity=SimulationSeverity.BREACH,
        sentence=(
            f"{worst.outside_rto_share:.1%} of restore points ({worst.outside_rto} of {worst.restore_points}, backups "
            f"of {kilobytes(worst.bytes)}) miss the recovery time objective of {RTO_OBJECTIVE_S / _HOUR_S:g} h: "
            f"{' and '.join(worst.slow_classes)} takes {hours} h to thaw at the Standard tier.{only}"
        ),
        numbers={
            "share": worst.outside_rto_share,
            "outside": worst.outside_rto,
            "restore_points": worst.restore_points,
            "longest_wait_hours": longest,
        },
    )


def _unlocked(figures: SimulationFigures) -> Iterator[SimulationFinding]:
    if figures.unlocked:
        yield SimulationFinding(
            name="unlocked",
            severity=SimulationSeverity.RISK,
            sentence=(
                f"{figures.unlocked} of {figures.records} backups are not locked until their retention ends: "
                "anybody with the right to delete versions can destroy them at any time."
            ),
            numbers={"records": figures.unlocked},
        )


def _never_moves(figures: SimulationFigures) -> Iterator[SimulationFinding]:
    stuck = [size for size in figures.sizes if size.never_transitions]
    if not stuck:
        return
    size = stuck[0]
    classes = " and ".join(move.storage_class for move in sorted(size.blocked, key=lambda move: move.days))
    cheaper = "staying is cheaper" if size.usd_standard <= size.usd_planned else "moving would be cheaper"
    yield SimulationFinding(
        name="never_moves",
        severity=SimulationSeverity.WASTE,
        sentence=(
            f"Files under {TRANSITION_MINIMUM_BYTES // KIB} KB never move: the planned transitions to {classes} do "
            f"not happen to backups of {kilobytes(size.bytes)}. All {figures.records} of them cost "
            f"${size.usd_standard:,.2f} in STANDARD and would cost ${size.usd_planned:,.2f} as planned: {cheaper}."
        ),
        numbers={
            "minimum_bytes": TRANSITION_MINIMUM_BYTES,
            "record_bytes": size.bytes,
            "usd_standard": size.usd_standard,
            "usd_planned": size.usd_planned,
        },
    )


def _kept_beyond(figures: SimulationFigures) -> Iterator[SimulationFinding]:
    visible, hidden = figures.visible_beyond_days, figures.hidden_beyond_days
    if visible is None or hidden is None:
        what = "backups stay" if visible is None else "expired backups stay hidden"
        yield SimulationFinding(
            name="kept_for_ever",
            severity=SimulationSeverity.WASTE,
            sentence=f"No rule deletes the data: {what} and are billed for ever.",
            numbers={},
        )
        return
    if visible <= 0 and hidden <= 0:
        return
    requested = figures.sizes[0]
    parts = [f"up to {visible:.0f} days visible"] if visible > 0 else []
    parts += [f"{hidden:.0f} days hidden under a delete marker"] if hidden > 0 else []
    yield SimulationFinding(
        name="kept_beyond",
        severity=SimulationSeverity.NOTE,
        sentence=(
            f"Kept beyond the retention: {', then '.join(parts)}, and billed "
            f"(${requested.usd - requested.usd_to_end:,.2f} of ${requested.usd:,.2f})."
        ),
        numbers={"visible_days": visible, "hidden_days": hidden, "usd_beyond": requested.usd - requested.usd_to_end},
    )


def kilobytes(size: int) -> str:
    """A size in the units of S3's limits: ``128 KB`` is 131,072 bytes."""
    return f"{size / KIB:,.0f} KB" if size >= 10 * KIB else f"{size / KIB:,.1f} KB"
