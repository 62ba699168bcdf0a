"""The heat map: every day has the right colour in every panel."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from functools import cache
from io import BytesIO

import pytest
from PIL import Image

from signal_backups.core.retention_audit.heat_map import (
    CLASS_COLOURS,
    GOOD,
    NOT_APPLICABLE,
    NOT_DRILLED,
    OTHER_CLASS,
    WRONG,
    heat_map,
)
from signal_backups.core.retention_audit.report import Aspect, DayFinding, RetentionAudit, State
from signal_backups_tests.core.retention_audit.test_audit_report import audit_of

DRILLED_AT = datetime(2026, 11, 1, tzinfo=UTC)


GOOD_DAYS = audit_of(60)


@cache
def pixels_of_good_days() -> Counter[str]:
    """Drawn once; the other tests compare with it."""
    return pixels(GOOD_DAYS)


def pixels(audit: RetentionAudit) -> Counter[str]:
    """The number of pixels of each colour in the picture."""
    picture = Image.open(BytesIO(heat_map(audit))).convert("RGB")
    counted: Counter[str] = Counter()
    for count, colour in picture.getcolors(picture.width * picture.height) or []:
        red, green, blue = colour if isinstance(colour, tuple) else (colour,) * 3
        counted[f"#{red:02X}{green:02X}{blue:02X}"] += count
    return counted


def changed(audit: RetentionAudit, number: int, **update: object) -> RetentionAudit:
    """The audit with a changed result of one day; ``states`` has only the states that change."""
    finding = audit.days[number]
    states = {**finding.states, **update.pop("states", {})}  # type: ignore[dict-item]
    days: list[DayFinding] = [*audit.days]
    days[number] = finding.model_copy(update={"states": states, **update})
    return audit.model_copy(update={"days": days})


def more_cells(found: Counter[str], colour: str) -> int:
    """The number of cells of a colour more than for good days, within a quarter of a cell."""
    good = pixels_of_good_days()
    more = (found[colour] - good[colour]) / (good[GOOD] / (60 * 3))
    assert abs(more - round(more)) < 0.25
    return round(more)


def more_wrong(found: Counter[str]) -> bool:
    """Whether a cell is wrong; its cross covers most of it."""
    return found[WRONG] > pixels_of_good_days()[WRONG] + 300


def test_good_days_have_one_colour_in_three_panels_and_that_of_their_class_in_another() -> None:
    found = pixels_of_good_days()
    assert found[WRONG] < 100  # in the legend
    assert found[GOOD] / found[CLASS_COLOURS["STANDARD"]] == pytest.approx(3, rel=0.05)
    assert found[NOT_DRILLED] == pytest.approx(found[CLASS_COLOURS["STANDARD"]], rel=0.05)


def test_a_missing_day_is_wrong_in_one_panel_and_not_applicable_in_others() -> None:
    states = dict.fromkeys(Aspect, State.NOT_APPLICABLE) | {Aspect.PRESENT: State.NO, Aspect.DRILLED: State.NO}
    found = pixels(changed(GOOD_DAYS, 17, states=states, storage_class=None))
    assert (more_cells(found, GOOD), more_cells(found, NOT_APPLICABLE), more_wrong(found)) == (-3, 3, True)


@pytest.mark.parametrize("aspect", [Aspect.PRESENT, Aspect.VERIFIED, Aspect.MANIFEST_AGREES, Aspect.LOCKED])
def test_a_wrong_day_has_the_colour_for_wrong(aspect: Aspect) -> None:
    found = pixels(changed(GOOD_DAYS, 17, states={aspect: State.NO}))
    assert (more_cells(found, GOOD), more_wrong(found)) == (-1, True)


def test_drilled_days_are_good_and_a_failed_drill_is_wrong() -> None:
    drilled = pixels(changed(GOOD_DAYS, 3, states={Aspect.DRILLED: State.YES}, drilled_at=DRILLED_AT))
    assert (more_cells(drilled, GOOD), more_cells(drilled, NOT_DRILLED), more_wrong(drilled)) == (1, -1, False)
    failed = pixels(changed(GOOD_DAYS, 3, drilled_at=DRILLED_AT))
    assert (more_cells(failed, GOOD), more_cells(failed, NOT_DRILLED), more_wrong(failed)) == (0, -1, True)


def test_every_storage_class_has_its_colour_unless_it_is_wrong() -> None:
    audit = GOOD_DAYS
    names = ["STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE", "REDUCED_REDUNDANCY"]
    for number, name in enumerate(names):
        audit = changed(audit, number, storage_class=name)
    found = pixels(audit)
    for name in names:
        assert found[CLASS_COLOURS.get(name, OTHER_CLASS)] > 300, name
    assert (more_cells(found, CLASS_COLOURS["STANDARD"]), more_wrong(found)) == (-5, False)
    assert more_wrong(pixels(changed(audit, 3, states={Aspect.CLASS_AS_PLANNED: State.NO})))


def test_the_colours_differ() -> None:
    colours = [GOOD, WRONG, NOT_DRILLED, NOT_APPLICABLE, OTHER_CLASS, *CLASS_COLOURS.values()]
    assert len(set(colours)) == len(colours)


@pytest.mark.parametrize(
    ("count", "is_wide"), [(1, True), (60, True), (500, False), (2557, True)], ids=["day", "60", "500", "7 years"]
)
def test_the_picture_fits_a_screen_for_any_number_of_days(count: int, *, is_wide: bool) -> None:
    picture = Image.open(BytesIO(heat_map(audit_of(count, date(2026, 1, 1)))))
    assert picture.format == "PNG"
    assert 700 < picture.width < 1600
    assert picture.height < 3000
    assert (picture.width > picture.height) is is_wide
