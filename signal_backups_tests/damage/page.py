"""The page that says what every question answers of every damage, made from the expected table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from signal_backups_tests.damage.damages import DAMAGES, Damage
from signal_backups_tests.damage.expected import HEALTHY_ROW, Cell, expected_row
from signal_backups_tests.damage.questions import Question
from signal_backups_tests.damage.silences import RIGHT_AGAIN, SAYS_NOTHING

PAGE = Path(__file__).parents[2] / "docs" / "damage.md"

_BEFORE = """\
# Damage, and what every command says of it

Something is wrong with the backup of one day. This page says what each command, page, metric, alert and sensor then
answers: for the engineer who has one of these answers in front of him, and for the compliance officer who asks whether
a damage could go unnoticed.

The tests write this page (`make damage`): they inflict each damage on the middle one of three days, on a real S3
server, and ask everything; a test fails when an answer is not the one below.

- `ok`: the answer is that of a healthy day, and it is right.
- `-`: the answer is that of a healthy day, because the question says nothing of this damage; the
  [last section](#what-says-nothing-and-why) says why.
- A number is the exit code: `0` ok, `1` failed, `4` nothing found. What has none is shown by its words alone.
- D is the damaged day, D-1 and D+1 are its neighbours. Words after the number are from the answer, or describe it.

The questions are asked in the order of the tables, but for `audit`, which is asked before the restores. "Status, after
all these" is the status after every question but `undelete`: nothing that was asked makes it say more good than before.

"""

_GROUPS: tuple[tuple[str, tuple[Question, ...]], ...] = (
    ("Is all well?", (Question.STATUS, Question.STATUS_PAGE, Question.STATUS_AGAIN, Question.DOCTOR)),
    ("What is stored", (Question.LIST, Question.VERSIONS)),
    (
        "What notifies people, and what acts by itself",
        (Question.METRICS, Question.ALERTS, Question.REPAIR, Question.LATE_ROWS),
    ),
    ("Verifying", (Question.VERIFY_DATE, Question.VERIFY_LAST, Question.VERIFY_KEY)),
    ("Audits", (Question.AUDIT_VERIFY, Question.AUDIT_RETENTION, Question.AUDIT_PAGE)),
    ("Restoring", (Question.DRY_RUN, Question.RESTORE, Question.RESTORE_QUARANTINED, Question.RESTORE_ALL)),
    ("Comparing with the database", (Question.RECONCILE, Question.DRILL)),
    ("Evidence", (Question.BUNDLE, Question.PROVE)),
    ("Bringing back", (Question.UNDELETE, Question.STATUS_UNDELETED)),
)

_WITHOUT_EXIT_CODE = {
    Question.METRICS,
    Question.ALERTS,
    Question.REPAIR,
    Question.LATE_ROWS,
    Question.STATUS_PAGE,
    Question.AUDIT_PAGE,
}


def page() -> str:
    """The page."""
    assert sorted(question for _, group in _GROUPS for question in group) == sorted(Question)
    return _BEFORE + "\n".join(_section(title, group) for title, group in _GROUPS) + "\n" + _silences()


def _section(title: str, group: Sequence[Question]) -> str:
    head = f"| damage | {' | '.join(f'`{question}`' for question in group)} |\n|---|{'---|' * len(group)}\n"
    return f"## {title}\n\n{head}{''.join(_line(damage, group) for damage in DAMAGES)}"


def _line(damage: Damage, group: Sequence[Question]) -> str:
    row = expected_row(damage.key)
    cells = (_shown(damage, question, row[question]) for question in group)
    return f"| {damage.name} | {' | '.join(cells)} |\n"


def _shown(damage: Damage, question: Question, cell: Cell) -> str:
    if cell == HEALTHY_ROW[question]:
        is_right = damage.harm.is_none or question in RIGHT_AGAIN.get(damage.harm, {})
        return "ok" if is_right else "-"
    words = cell.short or cell.says.strip(" :")
    return words if question in _WITHOUT_EXIT_CODE else f"{cell.exit_code} {words}"


def _silences() -> str:
    """The questions that say nothing of a harm, where there is a damage that they answer so."""
    lines = "".join(_silence(harm_damages) for harm_damages in _by_harm().values())
    return f"## What says nothing, and why\n\n| damage | question | why it says nothing |\n|---|---|---|\n{lines}"


def _by_harm() -> dict[str, list[Damage]]:
    found: dict[str, list[Damage]] = {}
    for damage in DAMAGES:
        if not damage.harm.is_none:
            found.setdefault(damage.harm, []).append(damage)
    return found


def _silence(damages: Sequence[Damage]) -> str:
    why_not, reasons = SAYS_NOTHING[damages[0].harm], dict[str, list[Question]]()
    for question in Question:
        if question in why_not:
            reasons.setdefault(why_not[question], []).append(question)
    names = "; ".join(damage.name for damage in damages)
    return "".join(
        f"| {names} | {', '.join(f'`{question}`' for question in questions)} | {why} |\n"
        for why, questions in reasons.items()
    )
