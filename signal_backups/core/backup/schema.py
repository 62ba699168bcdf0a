"""The pandera schema of a signal, and readable reasons for the rows that violate it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from functools import cache

import pandas as pd
import pandera.pandas as pan
import pyarrow as pa
from pandera.errors import SchemaErrors

from signal_backups.core.signals.fields import FIELDS, TIMESTAMP, UNREADABLE_VALUES, Kind, SignalField
from signal_backups.core.signals.timestamps import INSTANT

ACTIONS = ("BUY", "SELL")
MAX_CONFIDENCE = 100.0
_HEX_DIGITS = "0123456789abcdef"

_DTYPES = {Kind.TEXT: pd.ArrowDtype(pa.string()), Kind.NUMBER: pd.ArrowDtype(pa.float64())}

_NON_EMPTY = pan.Check.ne("", error="is empty")
_PRICE = [
    pan.Check.gt(0.0, error="is not above zero"),
    pan.Check.lt(math.inf, error="is not finite"),
    pan.Check(lambda values: values == values, error="is not a number"),  # noqa: PLR0124 - NaN does not equal itself
]
_RULES: dict[str, list[pan.Check]] = {
    "action": [pan.Check.isin(ACTIONS, error=f"is not {' or '.join(ACTIONS)}")],
    "entry_price": _PRICE,
    "target_price": _PRICE,
    "stop_price": _PRICE,
    "confidence": [pan.Check.in_range(0.0, MAX_CONFIDENCE, error=f"is not within 0 to {MAX_CONFIDENCE:g}")],
    "verification_hash": [
        pan.Check.str_length(64, 64, error="is not 64 characters long"),
        pan.Check(lambda hashes: hashes.str.strip(_HEX_DIGITS) == "", error="is not lower-case hex"),
    ],
}


@cache
def signal_schema() -> pan.DataFrameSchema:
    """The schema of a batch of signals in Arrow-backed pandas columns."""
    columns = {field.name: _column(field) for field in FIELDS}
    columns[INSTANT] = pan.Column(
        pd.ArrowDtype(pa.int64()), nullable=False, title="null when the timestamp is not an instant"
    )
    columns[UNREADABLE_VALUES] = pan.Column(_DTYPES[Kind.TEXT], pan.Check.isin([]), nullable=True)
    return pan.DataFrameSchema(columns, strict=True, name="signals")


def _column(field: SignalField) -> pan.Column:
    required_text = [_NON_EMPTY] if field.kind is Kind.TEXT and field.required else []
    checks = _RULES.get(field.name, required_text)
    return pan.Column(_DTYPES[field.kind], checks, nullable=not field.required)


def schema_violations(batch: pa.RecordBatch) -> dict[int, list[str]]:
    """Check one batch of extracted rows.

    Returns:
        Row number within the batch -> what is wrong with the row, field by field. Empty when all rows conform.
    """
    frame = batch.to_pandas(types_mapper=pd.ArrowDtype)
    try:
        signal_schema().validate(frame, lazy=True, inplace=True)  # nothing else uses the frame
    except SchemaErrors as errors:
        return _reasons_by_row(errors.failure_cases, batch)
    return {}


def _reasons_by_row(cases: pd.DataFrame, batch: pa.RecordBatch) -> dict[int, list[str]]:
    whole_frame = cases[cases["index"].isna()]
    if len(whole_frame):
        raise TypeError(f"the batch does not have the columns of an extract: {whole_frame['failure_case'].tolist()}")
    reasons: dict[int, list[str]] = defaultdict(list)
    unreadable_by_row: dict[int, dict[str, str]] = {}
    for column, check, value, index in cases[["column", "check", "failure_case", "index"]].itertuples(index=False):
        row = int(index)
        unreadable = unreadable_by_row.setdefault(row, _unreadable_values(batch, row))
        reason = _reason(str(column), str(check), value, unreadable)
        if reason is not None and reason not in reasons[row]:
            reasons[row].append(reason)
    for row, unreadable in unreadable_by_row.items():
        reasons[row] += [f"{name} cannot hold {stored}" for name, stored in unreadable.items()]
    return dict(reasons)


def _reason(column: str, check: str, value: object, unreadable: dict[str, str]) -> str | None:
    """One violation as text; None when the reason from ``unreadable_values`` replaces it."""
    if column == UNREADABLE_VALUES or column in unreadable:
        return None
    if column == INSTANT:
        return f"{TIMESTAMP} is not an instant"
    if check == "not_nullable":
        return f"{column} is missing"
    return f"{column} {check}" + (f" ({value})" if isinstance(value, float) else "")


def _unreadable_values(batch: pa.RecordBatch, row: int) -> dict[str, str]:
    text = batch.column(UNREADABLE_VALUES)[row].as_py()
    return {name: stored for name, stored in json.loads(text).items() if stored is not None} if text else {}
