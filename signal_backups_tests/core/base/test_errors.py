"""Codes of errors: stored for years, so they must not change when a class is renamed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signal_backups.core.base import errors
from signal_backups.core.base.errors import SignalBackupsError, code_from_stored, code_of

CODES = {
    "archived",
    "conflict",
    "dagster_home",
    "deleted_backup",
    "destroyed_backup",
    "error",
    "import_verification",
    "local_storage",
    "not_found",
    "quarantine_lost",
    "read_back",
    "refused_backup",
    "run_ended",
    "settings",
    "signal_conflict",
    "source",
    "stage_input_missing",
    "store",
    "target",
    "timestamp_authority",
    "unconfirmed",
    "unfit_target",
    "unsupported",
    "verification",
    "vouched_backup_lost",
}

#: What events and runs hold that were written before errors had codes.
STORED_CLASS_NAMES = {
    "ArchivedError": "archived",
    "ConflictError": "conflict",
    "DeletedBackupError": "deleted_backup",
    "ImportVerificationError": "import_verification",
    "NotFoundError": "not_found",
    "ReadBackError": "read_back",
    "RefusedBackupError": "refused_backup",
    "SettingsError": "settings",
    "SignalBackupsError": "error",
    "SignalConflictError": "signal_conflict",
    "SourceError": "source",
    "StageInputMissingError": "stage_input_missing",
    "StoreError": "store",
    "TargetError": "target",
    "TimestampAuthorityError": "timestamp_authority",
    "UnconfirmedError": "unconfirmed",
    "UnfitTargetError": "unfit_target",
    "UnsupportedError": "unsupported",
    "VerificationError": "verification",
}


def all_errors(base: type[SignalBackupsError] = SignalBackupsError) -> Iterator[type[SignalBackupsError]]:
    if base.__module__ == errors.__name__:
        yield base
    for error in base.__subclasses__():
        yield from all_errors(error)


def test_every_error_has_a_code_of_its_own_and_no_code_ever_goes() -> None:
    codes = [vars(error).get("code") for error in all_errors()]
    assert len(codes) == len(set(codes))
    assert set(codes) >= CODES, "a code that is stored somewhere is gone"
    assert set(codes) == CODES, "pin the new code here"


def test_each_class_has_the_code_of_its_stored_name() -> None:
    codes = {error.__name__: error.code for error in all_errors()}
    assert {name: code_from_stored(name) for name in STORED_CLASS_NAMES} == STORED_CLASS_NAMES
    # A class that is renamed leaves this comparison, and keeps its code and its stored name.
    known = codes.keys() & STORED_CLASS_NAMES.keys()
    assert {name: codes[name] for name in known} == {name: STORED_CLASS_NAMES[name] for name in known}


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_stored_code_is_read_as_it_is(code: str) -> None:
    assert code_from_stored(code) == code


@pytest.mark.parametrize("stored", [None, 7, [], {}, ["StoreError"]])
def test_what_is_no_text_names_no_error(stored: object) -> None:
    assert code_from_stored(stored) == ""


def test_an_error_that_nobody_foresaw_has_a_code_too() -> None:
    assert code_of(ZeroDivisionError()) == "unexpected"
    assert "unexpected" not in CODES
    assert code_of(errors.StoreError("no answer")) == "store"
