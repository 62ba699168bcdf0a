"""The verification hash of a signal: what is hashed, and which stored hashes are accepted.

The hash is the lower-case hex SHA-256 of the ASCII JSON object of the nine hashed fields: keys sorted, separators
``", "`` and ``": "``, numbers as ``repr`` writes the double. Some producers hashed integral numbers as integers
(``87`` for ``87.0``), so a stored hash is also accepted when it is that of any combination of integer forms.

``canonical_json`` and ``matching_form`` compute it in Python, one row at a time, for proofs; ``matches_sql`` and
``other_forms_sql`` do the same in SQL. A property test compares both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

from signal_backups.core.signals.duckdb_engine import ESCAPED, INTEGER_TEXT
from signal_backups.core.signals.fields import HASHED_FIELDS, VERIFICATION_HASH, Kind

HASHED_NUMBERS = tuple(field.name for field in HASHED_FIELDS if field.kind is Kind.NUMBER)
_TEXTS = tuple(field.name for field in HASHED_FIELDS if field.kind is Kind.TEXT)

#: The canonical form of a row. Other forms are bit masks: if bit i is set, ``HASHED_NUMBERS[i]`` is an integer.
CANONICAL_FORM = 0
FORMS = range(2 ** len(HASHED_NUMBERS))

#: Characters that JSON escapes.
NEEDS_ESCAPE = r"[^ !#-\[\]-~]"
#: Doubles from here on do not fit into HUGEINT; Python writes their integer text.
_HUGEINT_LIMIT = "1e38"


def canonical_json(signal: Mapping[str, object], as_integer: Iterable[str] = ()) -> str:
    """The text that is hashed.

    Args:
        signal: at least the nine hashed fields; numbers as float.
        as_integer: number fields to write as integers.
    """
    values = {field.name: signal[field.name] for field in HASHED_FIELDS}
    values.update({name: int(signal[name]) for name in as_integer})  # type: ignore[call-overload]
    return json.dumps(values, sort_keys=True)


def matching_form(signal: Mapping[str, object], stored_hash: str) -> int | None:
    """The form (see ``FORMS``) whose hash is ``stored_hash``; None when the row does not match its hash."""
    for form in FORMS:
        as_integer = [name for bit, name in enumerate(HASHED_NUMBERS) if form & 1 << bit]
        if all(float(signal[name]).is_integer() for name in as_integer) and (  # type: ignore[arg-type]
            sha256(canonical_json(signal, as_integer).encode("ascii")).hexdigest() == stored_hash
        ):
            return form
    return None


def matches_sql() -> str:
    """SQL condition over text columns: the row matches its stored hash with all texts unchanged."""
    plain = _concatenated(_unchanged, _unchanged)
    # A match of unescaped text counts only without backslashes: they could be the escapes of another text.
    # Escaping is tried only where the plain text does not match, because it is slow and rarely needed.
    return (
        f"CASE WHEN NOT ({_all_present()}) THEN false "
        f"WHEN sha256({plain}) = {VERIFICATION_HASH} AND NOT contains({plain}, '\\') THEN true "
        f"WHEN {_needs_escape()} THEN sha256({_concatenated(_unchanged, _escaped)}) = {VERIFICATION_HASH} "
        "ELSE false END"
    )


def other_forms_sql(rows: str) -> str:
    """SQL for a relation ``(row, form)``: the form of each row of ``rows`` that matches one.

    For the few rows that ``matches_sql`` rejects. The text of a number must be its canonical or its integer form; the
    hash may be of either.

    Args:
        rows: a relation of text columns and a ``row`` number.
    """
    integers = ", ".join(f"{integer_form_sql(name)} AS integer_{name}" for name in HASHED_NUMBERS)
    canonical = ", ".join(f"{canonical_number_sql(name)} AS {name}" for name in HASHED_NUMBERS)
    exact = " AND ".join(
        f"{name} IN ({canonical_number_sql(name)}, {integer_form_sql(name)})" for name in HASHED_NUMBERS
    )
    integral = " + ".join(
        f"CASE WHEN integer_{name} IS NULL THEN 0 ELSE {1 << bit} END" for bit, name in enumerate(HASHED_NUMBERS)
    )
    bits = {name: 1 << bit for bit, name in enumerate(HASHED_NUMBERS)}
    json_sql = _json_sql(lambda name: f"CASE WHEN form & {bits[name]} > 0 THEN integer_{name} ELSE {name} END")
    # Unnested, because a join would hash every row in every form before filtering the forms that apply.
    forms = f"unnest(list_filter(range({len(FORMS)}), lambda form: form & ({integral}) = form)) AS form"
    return (
        f"(SELECT row, min(form) AS form "
        f"FROM (SELECT *, {forms} FROM (SELECT * REPLACE ({canonical}), {integers} FROM {rows} WHERE {exact})) "
        f"WHERE sha256({json_sql}) = {VERIFICATION_HASH} GROUP BY row)"
    )


def canonical_number_sql(column: str) -> str:
    """SQL: the text of a number as ``repr`` writes it; NULL when the text is not a number."""
    return f"CAST(TRY_CAST({column} AS DOUBLE) AS VARCHAR)"


def integer_form_sql(column: str) -> str:
    """SQL: the integer form of a canonical number text; NULL when the number is not integral."""
    number = f"TRY_CAST({column} AS DOUBLE)"
    return (
        f"CASE WHEN isfinite({number}) AND {number} = trunc({number}) THEN "
        f"CASE WHEN abs({number}) < {_HUGEINT_LIMIT} THEN CAST(CAST({number} AS HUGEINT) AS VARCHAR) "
        f"ELSE {INTEGER_TEXT}({column}) END END"
    )


def _json_sql(number: Callable[[str], str]) -> str:
    """SQL for ``canonical_json``; NULL when a field is missing. ``number`` gives the SQL for a number's text."""
    plain, escaped = (_concatenated(number, text) for text in (_unchanged, _escaped))
    return f"CASE WHEN NOT ({_all_present()}) THEN NULL WHEN {_needs_escape()} THEN {escaped} ELSE {plain} END"


def _all_present() -> str:
    return " AND ".join(f"{field.name} IS NOT NULL" for field in HASHED_FIELDS)


def _needs_escape() -> str:
    return f"regexp_matches(concat({', '.join(_TEXTS)}), '{NEEDS_ESCAPE}')"


def _unchanged(column: str) -> str:
    return column


def _escaped(column: str) -> str:
    return f"{ESCAPED}({column})"


def _concatenated(number: Callable[[str], str], text: Callable[[str], str]) -> str:
    parts = []
    for position, field in enumerate(HASHED_FIELDS):
        lead = ("{" if position == 0 else ", ") + f'"{field.name}": '
        if field.kind is Kind.NUMBER:
            parts += [f"'{lead}'", number(field.name)]
        else:
            parts += [f"'{lead}\"'", text(field.name), "'\"'"]
    return f"concat({', '.join(parts)}, '}}')"
