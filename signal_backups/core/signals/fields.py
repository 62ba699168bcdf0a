"""The fields of a signal: names, order and kinds. This is the only list of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a field is stored: text verbatim, a number as an IEEE 754 double."""

    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True)
class SignalField:
    """One column of the backup CSV."""

    name: str
    kind: Kind
    description: str
    required: bool = True
    hashed: bool = True


TIMESTAMP = "timestamp"
SIGNAL_ID = "signal_id"
VERIFICATION_HASH = "verification_hash"

#: Names under which producers store the verification hash, in order of preference.
SOURCE_HASH_COLUMNS = ("sha256", VERIFICATION_HASH)

FIELDS = (
    SignalField(SIGNAL_ID, Kind.TEXT, "Identity of the signal, unique within its day."),
    SignalField("symbol", Kind.TEXT, "Instrument the signal is about."),
    SignalField("action", Kind.TEXT, "BUY or SELL."),
    SignalField("entry_price", Kind.NUMBER, "Price at which to enter, finite and above zero."),
    SignalField("target_price", Kind.NUMBER, "Price at which to take profit, finite and above zero."),
    SignalField("stop_price", Kind.NUMBER, "Price at which to stop out, finite and above zero."),
    SignalField("confidence", Kind.NUMBER, "Confidence in per cent, 0 to 100."),
    SignalField("strategy", Kind.TEXT, "Strategy that produced the signal."),
    SignalField(TIMESTAMP, Kind.TEXT, "Instant of the signal, ISO 8601, verbatim; without an offset it is UTC."),
    SignalField(VERIFICATION_HASH, Kind.TEXT, "SHA-256 stored by the producer, 64 lower-case hex.", hashed=False),
    SignalField("generation_latency_ms", Kind.NUMBER, "Milliseconds the producer took.", required=False, hashed=False),
    SignalField("server_timestamp", Kind.TEXT, "Producer's server clock, verbatim.", required=False, hashed=False),
)

CSV_COLUMNS = tuple(field.name for field in FIELDS)
REQUIRED_COLUMNS = tuple(field.name for field in FIELDS if field.required)
OPTIONAL_COLUMNS = tuple(field.name for field in FIELDS if not field.required)
NUMBER_COLUMNS = tuple(field.name for field in FIELDS if field.kind is Kind.NUMBER)
TEXT_COLUMNS = tuple(field.name for field in FIELDS if field.kind is Kind.TEXT)
#: The nine hashed fields, in the order of the canonical JSON.
HASHED_FIELDS = tuple(sorted((field for field in FIELDS if field.hashed), key=lambda field: field.name))

#: Extra column: a JSON object of field name -> stored value, for values that the field's kind cannot hold; else null.
UNREADABLE_VALUES = "unreadable_values"

#: Columns of a quarantine CSV: those of a backup, and the reasons.
FAULTS, REASON = "quarantine_faults", "quarantine_reason"
QUARANTINE_COLUMNS = (*CSV_COLUMNS, UNREADABLE_VALUES, FAULTS, REASON)
#: Stands in place of the faults in the lines of a quarantine that are no rows, but pieces of a value of one.
PIECE = "piece"

#: The longest value, and the longest row (all texts together), that a backup takes, in bytes; a longer one goes to
#: quarantine. A row of this length is less than ``csv_file.MAX_LINE_BYTES`` whatever has to be quoted in it.
MAX_VALUE_BYTES = 1024 * 1024
MAX_ROW_BYTES = 4 * MAX_VALUE_BYTES
#: Longest value that the quarantine keeps whole; of a longer one it keeps the beginning and the length.
MAX_KEPT_BYTES = 32 * MAX_VALUE_BYTES
#: What stays of a timestamp that is too long, in characters: enough to show its day.
TIMESTAMP_CHARACTERS = 64
