"""The heat map of a retention audit: one panel for each question, with months as rows and days as columns.

Loads matplotlib: import it where a picture is drawn. The colours are those of the Okabe-Ito palette, which colour-blind
people can tell apart; wrong days also have a cross.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from signal_backups.core.retention_audit.report import Aspect, DayFinding, RetentionAudit, State

GOOD, WRONG, NOT_DRILLED, NOT_APPLICABLE, OUTSIDE = "#56B4E9", "#D55E00", "#DCEBF4", "#B8B8B8", "#FFFFFF"
CLASS_COLOURS = {
    "STANDARD": "#F0E442",
    "STANDARD_IA": "#009E73",
    "GLACIER_IR": "#0072B2",
    "GLACIER": "#CC79A7",
    "DEEP_ARCHIVE": "#1A1A1A",
}
OTHER_CLASS = "#E69F00"

DAYS_ACROSS = 31
DPI = 100
#: With more months than this, the panels are side by side instead of stacked, and their cells smaller.
STACKED_MONTHS = 18
_STACKED_CELL, _SIDE_CELL = 0.26, 0.068
_LEFT, _TOP, _BOTTOM, _GAP = 0.75, 0.95, 0.75, 0.65

_Colour = Callable[[DayFinding], str]


@dataclass(frozen=True)
class _Panel:
    title: str
    aspect: Aspect
    colour: _Colour


def heat_map(audit: RetentionAudit) -> bytes:
    """A PNG that shows for every day whether it is present, verified, locked and drilled, and its storage class."""
    months = _months(audit.first_day, audit.last_day)
    panels = _panels()
    stacked = len(months) <= STACKED_MONTHS
    cell = _STACKED_CELL if stacked else _SIDE_CELL
    size = (DAYS_ACROSS * cell, len(months) * cell)
    columns, rows = (1, len(panels)) if stacked else (len(panels), 1)
    width = _LEFT + columns * size[0] + (columns - 1) * _GAP / 4 + _GAP / 4
    height = _TOP + rows * size[1] + (rows - 1) * _GAP + _BOTTOM
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    for number, panel in enumerate(panels):
        column, row = (0, number) if stacked else (number, 0)
        left = _LEFT + column * (size[0] + _GAP / 4)
        top = _TOP + row * (size[1] + _GAP)
        place = (left / width, 1 - (top + size[1]) / height, size[0] / width, size[1] / height)
        axes = figure.add_axes(place)
        _draw(axes, panel, audit, months)
        _label(axes, months, with_months=column == 0)
    figure.suptitle(_title(audit), x=0.12 / width, y=1 - 0.1 / height, ha="left", va="top", fontsize=11, weight="bold")
    _legend(figure, audit)
    picture = BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _panels() -> list[_Panel]:
    return [
        _Panel("Present", Aspect.PRESENT, _of_state(Aspect.PRESENT, WRONG)),
        _Panel("Verified", Aspect.VERIFIED, _of_manifest),
        _Panel("Locked", Aspect.LOCKED, _of_state(Aspect.LOCKED, WRONG)),
        _Panel("Drilled", Aspect.DRILLED, _of_drill),
        _Panel("Class", Aspect.CLASS_AS_PLANNED, _of_class),
    ]


def _of_state(aspect: Aspect, when_not: str) -> _Colour:
    colours = {State.YES: GOOD, State.NO: when_not, State.NOT_APPLICABLE: NOT_APPLICABLE}
    return lambda finding: colours[finding.states[aspect]]


def _of_manifest(finding: DayFinding) -> str:
    # A manifest that vouches for the object but disagrees with it proves nothing.
    if finding.states[Aspect.MANIFEST_AGREES] is State.NO:
        return WRONG
    return _of_state(Aspect.VERIFIED, WRONG)(finding)


def _of_drill(finding: DayFinding) -> str:
    # A day that was never drilled is not wrong; a day whose last drill failed is.
    return _of_state(Aspect.DRILLED, NOT_DRILLED if finding.drilled_at is None else WRONG)(finding)


def _of_class(finding: DayFinding) -> str:
    if finding.states[Aspect.CLASS_AS_PLANNED] is State.NO:
        return WRONG
    return NOT_APPLICABLE if finding.storage_class is None else CLASS_COLOURS.get(finding.storage_class, OTHER_CLASS)


def _draw(axes: Axes, panel: _Panel, audit: RetentionAudit, months: Sequence[date]) -> None:
    rows = {month: row for row, month in enumerate(months)}
    grid = [[to_rgb(OUTSIDE)] * DAYS_ACROSS for _ in months]
    wrong, good = [], 0
    for finding in audit.days:
        row, column = rows[finding.day.replace(day=1)], finding.day.day - 1
        colour = panel.colour(finding)
        grid[row][column] = to_rgb(colour)
        if colour == WRONG:
            wrong.append((column, row))
        elif finding.states[panel.aspect] is State.YES:
            good += 1
    axes.imshow(grid, aspect="auto", interpolation="nearest")
    if wrong:
        size = 30 if len(months) <= STACKED_MONTHS else 20  # crosses of small cells extend beyond them
        across, down = zip(*wrong, strict=True)
        axes.scatter(across, down, marker="x", s=size, c="black", linewidths=1.2)
    applicable = sum(audit.count(panel.aspect, state) for state in (State.YES, State.NO))
    found = f"{good:,} of {applicable:,}" if applicable else "not applicable"
    remark, weight = (f", {len(wrong):,} wrong", "bold") if wrong else ("", "normal")
    axes.set_title(f"{panel.title}: {found}{remark}", fontsize=9, loc="left", pad=4, weight=weight)


def _label(axes: Axes, months: Sequence[date], *, with_months: bool) -> None:
    axes.set_xticks([0, 9, 19, 30], ["1", "10", "20", "31"], fontsize=7)
    shown = [row for row, month in enumerate(months) if len(months) <= STACKED_MONTHS or month.month in {1, 7}]
    axes.set_yticks(shown, [f"{months[row]:%Y-%m}" for row in shown] if with_months else [], fontsize=7)
    axes.tick_params(length=0, pad=2)
    # A grid of minor ticks takes ten times as long to draw as these lines.
    bottom, right = len(months) - 0.5, DAYS_ACROSS - 0.5
    axes.vlines([column - 0.5 for column in range(DAYS_ACROSS + 1)], -0.5, bottom, colors="white", linewidths=0.6)
    axes.hlines([row - 0.5 for row in range(len(months) + 1)], -0.5, right, colors="white", linewidths=0.6)
    years = [row - 0.5 for row, month in enumerate(months) if month.month == 1 and row]
    axes.hlines(years, -0.5, right, colors="black", linewidths=0.8)
    axes.spines[:].set_visible(False)


def _title(audit: RetentionAudit) -> str:
    result = "no errors" if audit.ok else f"{audit.errors:,} error{'s' if audit.errors > 1 else ''}"
    return (
        f"Retention audit of {audit.bucket}/{audit.prefix}, {audit.at:%Y-%m-%d %H:%MZ}: {result}\n"
        f"{len(audit.days):,} days, {audit.first_day} to {audit.last_day}, profile {audit.profile}"
    )


def _legend(figure: Figure, audit: RetentionAudit) -> None:
    present = {finding.storage_class for finding in audit.days if finding.storage_class}
    classes = [name for name in CLASS_COLOURS if name in present] + sorted(present - CLASS_COLOURS.keys())
    entries: list[Patch | Line2D] = [
        _patch(GOOD, "yes"),
        Line2D([], [], marker="X", color="black", markerfacecolor=WRONG, linestyle="", markersize=9, label="wrong"),
        _patch(NOT_DRILLED, "not drilled yet"),
        _patch(NOT_APPLICABLE, "not applicable"),
        *(_patch(CLASS_COLOURS.get(name, OTHER_CLASS), name) for name in classes),
    ]
    figure.legend(
        handles=entries,
        loc="lower left",
        ncols=len(entries),
        fontsize=8,
        frameon=False,
        handlelength=1.1,
        columnspacing=1.2,
    )


def _patch(colour: str, label: str) -> Patch:
    return Patch(facecolor=colour, edgecolor="#666666", linewidth=0.6, label=label)


def _months(first: date, last: date) -> list[date]:
    """The first day of each month from one day to another."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]
