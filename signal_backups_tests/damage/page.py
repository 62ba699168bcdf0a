"""The page that says what every question answers of every damage, made from the expected table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from signal_backups.core.vault.day_state import MEANINGS, DayState
from signal_backups_tests.damage.damages import DAMAGES, Damage, Harm
from signal_backups_tests.damage.expected import HEALTHY_ROW, Cell, expected_row
from signal_backups_tests.damage.questions import Question
from signal_backups_tests.damage.silences import RIGHT_AGAIN, SAYS_NOTHING, SAYS_NOTHING_OF_A_DAY

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

First asked is what only reads the bucket, because verifications, restores and drills write events that the status and
the metrics count; then these, then the status again: nothing that was asked may make it say more good than before.
`undelete` is asked last, because it changes the bucket.

"""

_STATES = """\
## The states of a day

A day has one or several of these states; here the worst is first. Every command, page, metric and alert uses the same
ones, with the same words and the same remedy. `status` is SAFE only if all of them are fine; with a `check` it says
CHECK, with a `not safe` it says NOT SAFE. The words come after a number of days, as in `3 days missing`.

| state | | words | what to do | section |
|---|---|---|---|---|
"""

_GROUPS: tuple[tuple[str, tuple[Question, ...]], ...] = (
    ("Is all well?", (Question.STATUS, Question.STATUS_PAGE, Question.STATUS_AGAIN, Question.DOCTOR)),
    ("What is stored", (Question.LIST, Question.VERSIONS, Question.QUARANTINED)),
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
    return "\n".join([_BEFORE + _states(), *(_section(title, group) for title, group in _GROUPS), _silences()])


def _states() -> str:
    """Each state, with what is said of it everywhere."""
    lines = []
    for state in reversed(DayState):
        found = MEANINGS[state]
        remedy = found.advice.format(command=found.command, day="{day}").format(day="DAY", range="DAYS") or "-"
        section = f"[{found.section.replace('-', ' ')}](troubleshooting.md#{found.section})" if found.section else "-"
        lines.append(f"| `{state}` | {str(found.urgency).replace('_', ' ')} | {found.label} | {remedy} | {section} |\n")
    return f"{_STATES}{''.join(lines)}"


def _section(title: str, group: Sequence[Question]) -> str:
    head = f"| damage | {' | '.join(map(_title, group))} |\n|---|{'---|' * len(group)}\n"
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
    """What says nothing: of each harm, then of any day."""
    harms = dict.fromkeys(damage.harm for damage in DAMAGES if not damage.harm.is_none)
    others = "".join(f"- `{command}` {why}\n" for command, why in SAYS_NOTHING_OF_A_DAY.items())
    return (
        f"## What says nothing, and why\n\n{''.join(map(_silence, harms))}"
        f"Commands that say nothing of a day, and are not asked:\n\n{others}"
    )


def _silence(harm: Harm) -> str:
    """The questions that say nothing of a harm, by reason."""
    reasons: dict[str, list[Question]] = {}
    for question in Question:
        if question in SAYS_NOTHING[harm]:
            reasons.setdefault(SAYS_NOTHING[harm][question], []).append(question)
    of_harm = [damage for damage in DAMAGES if damage.harm is harm]
    lines = (f"- {_listed(questions)} {why}{_only(of_harm, questions)}\n" for why, questions in reasons.items())
    return f"{_names(of_harm)}:\n\n{''.join(lines)}\n"


def _listed(questions: Sequence[Question]) -> str:
    if len(questions) > len(Question) / 2:
        others = [question for question in Question if question not in questions]
        return "everything" + (f" but {', '.join(map(_title, others))}" if others else "")
    return ", ".join(map(_title, questions))


def _only(damages: Sequence[Damage], questions: Sequence[Question]) -> str:
    """Which of some damages the questions say nothing of, when it is not all of them."""
    silent = [
        damage
        for damage in damages
        if any(expected_row(damage.key)[question] == HEALTHY_ROW[question] for question in questions)
    ]
    return "" if silent == list(damages) else f" (only: {_names(silent)})"


def _names(damages: Sequence[Damage]) -> str:
    return "; ".join(damage.name for damage in damages)


def _title(question: Question) -> str:
    """The command as code, and what else there is to say of the question."""
    command, *more = question.value.split(", ")
    return " ".join([f"`{command}`", *more])
