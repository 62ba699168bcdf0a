"""Names in the environment and lines of ``.env`` that would be ignored, and a default taken in their place: refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from signal_backups.core.base.errors import SettingsError

#: Settings that are not read with the others: where an unexpected error came from, and what ``make dev`` serves on.
SETTING_NAMES_ELSEWHERE = frozenset({"SIGNAL_BACKUPS_DEBUG", "SIGNAL_BACKUPS_UI_PORT"})
#: Only the tests read these.
_OF_TESTS = "SIGNAL_BACKUPS_ACCEPTANCE_"
_OURS = "SIGNAL_BACKUPS_"
#: Other programs use these prefixes too: in an ``.env`` a name with one is meant for us, in the environment it may not.
_SHARED = ("BACKUP_", "SIGNALS_")
#: What a misspelt prefix begins with.
_ALIKE = ("BACKUP", "SIGNAL")
#: ``BACKUP_BUCKET`` is 0.84 of ``BACKUP_BUCKET_NAME``, ``BACKUP_DIR`` 0.7 of ``BACKUP_PREFIX``.
_NEAR = 0.8
_BYTE_ORDER_MARK = "\ufeff"


def refuse_wrong_names(known: Collection[str], environment: Mapping[str, str], file: Path) -> None:
    """Insist that every name that is meant for us is one of ours, and that every line of the file can be read.

    Args:
        known: the names of all settings.
        environment: the variables of this process; an empty one counts as unset.
        file: the ``.env``, which need not be there.

    Raises:
        SettingsError: with the nearest right name, or the line.
    """
    wrong = [_words(name, "in the environment", known) for name in _set_names(environment) if _is_meant(name, known)]
    for line, name in _names_in(file):
        if _is_meant(name, known) or (name.upper().startswith(_SHARED) and name.upper() not in known):
            wrong.append(_words(name, f"in {file.absolute()}, line {line},", known))
    if wrong:
        raise SettingsError("; ".join(wrong), remedy="Correct or remove it; .env.example explains every setting")


def _set_names(environment: Mapping[str, str]) -> list[str]:
    return sorted(name for name, value in environment.items() if value)


def _is_meant(name: str, known: Collection[str]) -> bool:
    """Whether somebody meant a setting of ours and did not hit it."""
    upper = name.upper()
    if not upper.startswith(_ALIKE) or upper in known or upper.startswith(_OF_TESTS):
        return False
    return upper.startswith(_OURS) or _nearest(upper, known) is not None


def _nearest(name: str, known: Collection[str]) -> str | None:
    return next(iter(get_close_matches(name, known, n=1, cutoff=_NEAR)), None)


def _words(name: str, where: str, known: Collection[str]) -> str:
    nearest = _nearest(name.upper(), known)
    return f"{name} {where} is no setting{f': did you mean {nearest}?' if nearest else ''}"


def _names_in(file: Path) -> Iterator[tuple[int, str]]:
    """Line and name of each setting of the file."""
    for binding in _parsed(file):
        if binding.error or (binding.key is not None and binding.value is None):
            # Only a name is shown: everything else may be a password.
            name = re.match(r"\s*(?:export\s+)?([A-Z]+_[A-Z0-9_]+)\b", binding.original.string)
            raise SettingsError(
                f"line {_line(binding)} of {file.absolute()} is no NAME=value{f': {name[1]}…' if name else ''}",
                remedy="Correct it: a comment begins with #, a quoted value ends with the same quote",
            )
        if binding.key is not None:
            yield _line(binding), binding.key


def _line(binding: Binding) -> int:
    # A binding begins with the empty lines before it.
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _parsed(file: Path) -> list[Binding]:
    if not file.is_file():
        return []
    try:
        text = file.read_bytes().decode("utf-8")
    except OSError as error:
        raise SettingsError(f"cannot read {file.absolute()}: {error.strerror}", remedy="See its rights") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file.absolute()} is not UTF-8", remedy="Save it as UTF-8") from error
    if text.startswith(_BYTE_ORDER_MARK):
        raise SettingsError(
            f"line 1 of {file.absolute()} begins with a byte order mark, which would be part of a name",
            remedy="Save it as UTF-8 without one",
        )
    return list(parse_stream(StringIO(text)))
