"""What a simulated configuration means: findings to fix, and notes, as plain sentences with numbers."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

from signal_backups.core.base.objectives import RTO_OBJECTIVE_S
from signal_backups.core.s3.storage_classes import TRANSITION_MINIMUM_BYTES
from signal_backups.core.s3.thaw import THAW_TERMS, Tier
from signal_backups.core.simulation.outcomes import Scenario, StoryFigures
from signal_backups.core.simulation.play import Played

KIB = 1024
_HOUR_S = 3600


class SimulationSeverity(StrEnum):
    """How bad a finding is; all but notes should be fixed."""

    LOSS = "loss"
    BREACH = "breach"
    RISK = "risk"
    WASTE = "waste"
    NOTE = "note"


class SimulationFinding(BaseModel):
    """One finding: what it is called, how bad it is, a sentence, and its numbers."""

    model_config = ConfigDict(frozen=True)

    name: str
    severity: SimulationSeverity
    sentence: str
    numbers: dict[str, float]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_hole(self) -> bool:
        """Whether the configuration should be fixed."""
        return self.severity is not SimulationSeverity.NOTE


def findings(played: Played) -> list[SimulationFinding]:
    """All there is to say, worst first."""
    found = [
        *_lost_by_incident(played),
        *_ends_early(played),
        *_manifests(played),
        *_outside_rto(played),
        *_unlocked(played),
        *_never_moves(played),
        *_kept_beyond(played),
    ]
    order = list(SimulationSeverity)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def _lost_by_incident(played: Played) -> Iterator[SimulationFinding]:
    deleted = _figures(played, Scenario.DELETED)
    if not deleted.destroyed_early or deleted.lost_hours is None or deleted.lost_up_to_age_days is None:
        return
    after, age = deleted.destroyed_after_days or 0, deleted.lost_up_to_age_days
    yield SimulationFinding(
        name="mishap_destroys",
        severity=SimulationSeverity.LOSS,
        sentence=(
            f"A delete or overwrite destroys the only good copy {after} days later: {deleted.destroyed_early} of "
            f"{played.records} records hit the day after they were stored are gone up to "
            f"{deleted.lost_hours[1] / 24:.0f} days before their retention ends. It happens at every age up to {age} "
            "days."
        ),
        numbers={
            "destroyed_after_days": after,
            "records": deleted.destroyed_early,
            "lost_hours_max": deleted.lost_hours[1],
            "lost_up_to_age_days": age,
        },
    )


def _ends_early(played: Played) -> Iterator[SimulationFinding]:
    if not played.shortfalls:
        return
    early = sum(each.records for each in played.shortfalls)
    shares = ", ".join(f"{each.hours:g} h early for {each.share_of_start_dates:.0%}" for each in played.shortfalls)
    outcome = "destroyed" if _figures(played, Scenario.UNTOUCHED).destroyed_early else "hidden under a delete marker"
    days_short = _days_short(played)
    yield SimulationFinding(
        name="ends_early",
        severity=SimulationSeverity.LOSS,
        sentence=(
            f"{_expiry(played)}: {early} of {played.records} records are {outcome} before their retention ends, "
            f"{shares} of start dates (S3 acts at the next midnight)."
        ),
        numbers={
            "records": early,
            "days_short_min": days_short[0],
            "days_short_max": days_short[1],
            "hours_min": min(each.hours for each in played.shortfalls),
            "hours_max": max(each.hours for each in played.shortfalls),
        },
    )


def _figures(played: Played, wanted: Scenario) -> StoryFigures:
    return next(figures for figures in played.stories if figures.story is wanted)


def _days_short(played: Played) -> tuple[int, int]:
    fewest, most = played.retention_days
    expire = fewest if played.expire_days is None else played.expire_days
    return max(0, fewest - expire), max(0, most - expire)


def _expiry(played: Played) -> str:
    if played.expire_days is None:
        return "Records expire at a date"
    fewest, most = played.retention_days
    short = " or ".join(_in_words(days) for days in sorted(set(_days_short(played))))
    unit = "day" if _days_short(played) == (1, 1) else "days"
    calendar = " or ".join(str(days) for days in sorted({fewest, most}))
    return (
        f"{played.expire_days} days end {short} {unit} short of {_in_words(played.retention_years)} calendar "
        f"years ({calendar} days)"
    )


def _in_words(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if number < len(words) else str(number)


def _manifests(played: Played) -> Iterator[SimulationFinding]:
    if played.manifests_gone_early:
        yield SimulationFinding(
            name="manifests_gone_early",
            severity=SimulationSeverity.LOSS,
            sentence=(
                f"{played.manifests_gone_early} of {played.records} manifests are hidden before the retention of "
                "the backups they describe ends."
            ),
            numbers={"manifests": played.manifests_gone_early},
        )


def _outside_rto(played: Played) -> Iterator[SimulationFinding]:
    worst = max(played.sizes, key=lambda size: size.outside_rto_share)
    if not worst.outside_rto:
        return
    waits = [THAW_TERMS[name, Tier.STANDARD] for name in worst.slow_classes]
    shortest = min(wait.shortest_wait for wait in waits).total_seconds() / _HOUR_S
    longest = max(wait.longest_wait for wait in waits).total_seconds() / _HOUR_S
    hours = f"{shortest:g}" if shortest == longest else f"{shortest:g} to {longest:g}"
    asked = played.sizes[0]
    only = "" if asked.outside_rto else f" Records of {kilobytes(asked.bytes)} never get there."
    yield SimulationFinding(
        name="outside_rto",
        severity=SimulationSeverity.BREACH,
        sentence=(
            f"{worst.outside_rto_share:.1%} of restore points ({worst.outside_rto} of {worst.restore_points}, records "
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


def _unlocked(played: Played) -> Iterator[SimulationFinding]:
    if played.unlocked:
        yield SimulationFinding(
            name="unlocked",
            severity=SimulationSeverity.RISK,
            sentence=(
                f"{played.unlocked} of {played.records} records are not locked until their retention ends: "
                "anybody who may delete versions can destroy them at once."
            ),
            numbers={"records": played.unlocked},
        )


def _never_moves(played: Played) -> Iterator[SimulationFinding]:
    stuck = [size for size in played.sizes if size.never_moves]
    if not stuck:
        return
    size = stuck[0]
    classes = " and ".join(move.storage_class for move in sorted(size.blocked, key=lambda move: move.days))
    cheaper = "staying is the cheaper way" if size.usd_standard <= size.usd_planned else "moving would be cheaper"
    yield SimulationFinding(
        name="never_moves",
        severity=SimulationSeverity.WASTE,
        sentence=(
            f"Files under {TRANSITION_MINIMUM_BYTES // KIB} KB never move: the planned moves to {classes} do not "
            f"happen to records of {kilobytes(size.bytes)}. All {played.records} of them cost "
            f"${size.usd_standard:,.2f} in STANDARD, as planned ${size.usd_planned:,.2f}: {cheaper}."
        ),
        numbers={
            "minimum_bytes": TRANSITION_MINIMUM_BYTES,
            "record_bytes": size.bytes,
            "usd_standard": size.usd_standard,
            "usd_planned": size.usd_planned,
        },
    )


def _kept_beyond(played: Played) -> Iterator[SimulationFinding]:
    visible, hidden = played.visible_beyond_days, played.hidden_beyond_days
    if visible is None or hidden is None:
        what = "records stay for ever" if visible is None else "the bytes of expired records stay hidden for ever"
        yield SimulationFinding(
            name="kept_for_ever",
            severity=SimulationSeverity.WASTE,
            sentence=f"No rule ends it: {what}, and are billed.",
            numbers={},
        )
        return
    if visible <= 0 and hidden <= 0:
        return
    asked = played.sizes[0]
    parts = [f"up to {visible:.0f} days visible"] if visible > 0 else []
    parts += [f"{hidden:.0f} days hidden under a delete marker"] if hidden > 0 else []
    yield SimulationFinding(
        name="kept_beyond",
        severity=SimulationSeverity.NOTE,
        sentence=(
            f"Kept beyond the retention: {', then '.join(parts)}, and billed "
            f"(${asked.usd - asked.usd_to_end:,.2f} of ${asked.usd:,.2f})."
        ),
        numbers={"visible_days": visible, "hidden_days": hidden, "usd_beyond": asked.usd - asked.usd_to_end},
    )


def kilobytes(size: int) -> str:
    """A size the way S3's limits are written: ``128 KB`` is 131,072 bytes."""
    return f"{size / KIB:,.0f} KB" if size >= 10 * KIB else f"{size / KIB:,.1f} KB"
