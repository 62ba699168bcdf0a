"""Each damage is inflicted, everything is asked, and every answer is the expected one; the page says the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import pytest
import typer

from signal_backups.cli.command_table import COMMANDS, CommandEntry
from signal_backups.core.vault.day_state import DayState
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.damage.damages import DAMAGES, HEALTHY, Damage, Harm
from signal_backups_tests.damage.expected import EXPECTED, HEALTHY_ROW, expected_row
from signal_backups_tests.damage.inflicted import Answers, damaged_sites
from signal_backups_tests.damage.page import PAGE, page
from signal_backups_tests.damage.questions import Answer, Question, ask_all, asked_in_little_time, states_of
from signal_backups_tests.damage.silences import COMMAND_OF, RIGHT_AGAIN, SAYS_NOTHING, SAYS_NOTHING_OF_A_DAY

#: For messages: an answer can be pages long.
_SHOWN = 600
#: Questions that no command answers.
#: States that are no damage: nothing is wrong with the day, or nothing can be wrong with it yet.
HARMLESS = {DayState.VERIFIED, DayState.NOT_DUE, DayState.BEFORE}
_NOT_COMMANDS = {Question.ALERTS, Question.REPAIR, Question.LATE_ROWS}


@dataclass(frozen=True)
class Asked:
    """What was answered of each damage, and before that the states of the damaged day."""

    answers: Answers
    states: dict[Damage, set[str]]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Asked]:
    """Everything that is asked, of every damage."""
    with damaged_sites(tmp_path_factory.mktemp("damage"), s3_server) as sites:
        with asked_in_little_time():
            states = {damage: states_of(site) for damage, site in sites.items()}
            found = {damage: ask_all(site) for damage, site in sites.items()}
        yield Asked(found, states)


@pytest.fixture(scope="module")
def answers(asked: Asked) -> Answers:
    """The answers alone."""
    return asked.answers


@pytest.mark.slow
@pytest.mark.parametrize("damage", [pytest.param(damage, id=damage.key) for damage in DAMAGES])
def test_every_question_answers_as_expected(answers: Answers, damage: Damage) -> None:
    row = expected_row(damage.key)
    wrong = [
        f"{question}\n    expected {row[question]}\n    answered {answer.exit_code}: {_shown(answer)}"
        for question, answer in answers[damage].items()
        if row[question].wrong(answer)
    ]
    if wrong:
        pytest.fail("\n".join([f"{damage.name}: {len(wrong)} wrong answers", *wrong]), pytrace=False)


@pytest.mark.slow
def test_every_state_of_a_day_is_produced_by_a_damage(asked: Asked) -> None:
    assert asked.states[HEALTHY] == set()
    assert set.union(*asked.states.values()) | HARMLESS == set(DayState)


@pytest.mark.slow
def test_no_answer_of_a_healthy_day_would_pass_for_one_of_a_damaged_day(answers: Answers) -> None:
    healthy = answers[DAMAGES[0]]
    unclear = [
        f"{damage.key}, {question}: {cell}"
        for damage in DAMAGES
        for question, cell in expected_row(damage.key).items()
        if cell != HEALTHY_ROW[question] and not cell.wrong(healthy[question])
    ]
    assert unclear == []


@pytest.mark.parametrize("damage", [pytest.param(damage, id=damage.key) for damage in DAMAGES])
def test_no_cell_is_falsely_green(damage: Damage) -> None:
    assert _green(damage) - set(SAYS_NOTHING[damage.harm]) - set(RIGHT_AGAIN.get(damage.harm, {})) == set()


@pytest.mark.parametrize("harm", [harm for harm in Harm if not harm.is_none])
def test_no_reason_is_given_for_what_says_something(harm: Harm) -> None:
    green = {question for damage in DAMAGES if damage.harm is harm for question in _green(damage)}
    reasons = set(SAYS_NOTHING[harm]) | set(RIGHT_AGAIN.get(harm, {}))
    assert reasons - green == set()


def test_every_damage_has_a_row_of_expected_answers_and_every_harm_a_damage() -> None:
    assert list(EXPECTED) == [damage.key for damage in DAMAGES]
    assert {damage.harm for damage in DAMAGES} == set(Harm) == set(SAYS_NOTHING)


def test_every_command_is_asked_or_says_nothing_of_a_day() -> None:
    commands = {name for entry in COMMANDS for name in _commands_of(entry)}
    asked = {_command_of(question, commands) for question in Question if question not in _NOT_COMMANDS}
    assert asked | set(SAYS_NOTHING_OF_A_DAY) == commands
    assert asked & set(SAYS_NOTHING_OF_A_DAY) == set()


def test_the_page_is_the_expected_table(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--write-pages"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew with: make damage"


def _shown(answer: Answer) -> str:
    return (
        answer.words
        if len(answer.words) <= _SHOWN
        else f"{answer.words[: _SHOWN // 2]} ... {answer.words[-_SHOWN // 2 :]}"
    )


def _green(damage: Damage) -> set[Question]:
    """The questions that answer as of a healthy day."""
    return {question for question, cell in expected_row(damage.key).items() if cell == HEALTHY_ROW[question]}


def _commands_of(entry: CommandEntry) -> list[str]:
    """The command, or the commands of a group, as they are typed."""
    defined = getattr(import_module(f"signal_backups.cli.commands.{entry.module}"), entry.attribute)
    if not isinstance(defined, typer.Typer):
        return [entry.name]
    functions = [(command.name, command.callback) for command in defined.registered_commands]
    return [f"{entry.name} {name or callback.__name__}" for name, callback in functions if callback is not None]


def _command_of(question: Question, commands: set[str]) -> str:
    words = COMMAND_OF.get(question, question.value.split(",")[0])
    return max((name for name in commands if f"{words} ".startswith(f"{name} ")), key=len)
