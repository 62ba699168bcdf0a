"""Object Lock on versions: what a lock forbids, and who may loosen it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups.embedded.processes import wait_until
from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.servers import OK, outcome

if TYPE_CHECKING:
    from datetime import datetime

    from signal_backups_tests.servers.contract.servers import ServerUnderTest

BODY = b"1"
MODES = ["GOVERNANCE", "COMPLIANCE"]
DENIED = "403 AccessDenied"
PATIENCE_S = 10.0


@pytest.fixture
def in_a_year(s3: ServerUnderTest) -> datetime:
    return s3.now().replace(microsecond=0) + timedelta(days=365)


@pytest.fixture
def target(s3: ServerUnderTest, key: str) -> Any:
    return {"Bucket": s3.lockable, "Key": key}


def _locked(s3: ServerUnderTest, target: Any, mode: Any, until: Any) -> Any:
    sent = s3.client.put_object(**target, Body=BODY, ObjectLockMode=mode, ObjectLockRetainUntilDate=until)
    return {**target, "VersionId": sent["VersionId"]}


@pytest.mark.parametrize("mode", MODES)
def test_a_locked_version_cannot_be_deleted(s3: ServerUnderTest, target: Any, in_a_year: datetime, mode: str) -> None:
    version = _locked(s3, target, mode, in_a_year)
    assert outcome(s3.client.delete_object, **version) == DENIED
    assert s3.client.get_object(**version)["Body"].read() == BODY


def test_only_governance_lets_itself_be_bypassed_to_delete(
    s3: ServerUnderTest, target: Any, in_a_year: datetime
) -> None:
    compliance = _locked(s3, target, "COMPLIANCE", in_a_year)
    governance = _locked(s3, target, "GOVERNANCE", in_a_year)
    assert outcome(s3.client.delete_object, **compliance, BypassGovernanceRetention=True) == DENIED
    assert outcome(s3.client.delete_object, **governance, BypassGovernanceRetention=True) == OK
    assert outcome(s3.client.head_object, **governance) == "404"


def test_a_version_whose_lock_is_over_can_be_deleted_or_locked_again(s3: ServerUnderTest, key: str) -> None:
    until = s3.now().replace(microsecond=0) + timedelta(seconds=2)
    deleted = _locked(s3, {"Bucket": s3.lockable, "Key": f"{key}1"}, "COMPLIANCE", until)
    relocked = _locked(s3, {"Bucket": s3.lockable, "Key": f"{key}2"}, "COMPLIANCE", until)
    s3.move_clock(until)
    assert wait_until(lambda: outcome(s3.client.delete_object, **deleted) == OK, PATIENCE_S)
    assert outcome(s3.client.head_object, **deleted) == "404"
    other_mode, later = _other_mode(until), {"Mode": "COMPLIANCE", "RetainUntilDate": until + timedelta(days=1)}
    assert outcome(s3.client.put_object_retention, **relocked, Retention=other_mode) == DENIED
    assert outcome(s3.client.put_object_retention, **relocked, Retention=later) == OK
    assert outcome(s3.client.delete_object, **relocked) == DENIED


@pytest.mark.parametrize("call", ["head_object", "get_object"])
def test_an_answer_shows_the_lock(s3: ServerUnderTest, target: Any, in_a_year: datetime, call: str) -> None:
    shown = getattr(s3.client, call)(**_locked(s3, target, "COMPLIANCE", in_a_year))
    assert (shown["ObjectLockMode"], shown["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", in_a_year)


def test_a_delete_marker_hides_a_locked_version(s3: ServerUnderTest, target: Any, in_a_year: datetime) -> None:
    version = _locked(s3, target, "COMPLIANCE", in_a_year)
    marker = s3.client.delete_object(**target)["VersionId"]
    assert outcome(s3.client.head_object, **target) == "404"
    s3.client.delete_object(**target, VersionId=marker)
    assert s3.client.get_object(**version)["Body"].read() == BODY


def _shorter(until: datetime) -> Any:
    return {"Mode": "COMPLIANCE", "RetainUntilDate": until - timedelta(seconds=1)}


def _other_mode(until: datetime) -> Any:
    return {"Mode": "GOVERNANCE", "RetainUntilDate": until + timedelta(days=1)}


@pytest.mark.parametrize("weaker", [_shorter, _other_mode])
def test_nobody_loosens_compliance(s3: ServerUnderTest, target: Any, in_a_year: datetime, weaker: Any) -> None:
    version = _locked(s3, target, "COMPLIANCE", in_a_year)
    loosened = outcome(
        s3.client.put_object_retention, **version, Retention=weaker(in_a_year), BypassGovernanceRetention=True
    )
    assert loosened == DENIED
    found = s3.client.get_object_retention(**version)["Retention"]
    assert found == {"Mode": "COMPLIANCE", "RetainUntilDate": in_a_year}


@pytest.mark.parametrize("mode", MODES)
def test_any_retention_can_become_longer(s3: ServerUnderTest, target: Any, in_a_year: datetime, mode: Any) -> None:
    version = _locked(s3, target, mode, in_a_year)
    longer: Any = {"Mode": mode, "RetainUntilDate": in_a_year + timedelta(days=1)}
    s3.client.put_object_retention(**version, Retention=longer)
    assert s3.client.get_object_retention(**version)["Retention"] == longer


def test_governance_becomes_compliance_only_by_a_bypass(s3: ServerUnderTest, target: Any, in_a_year: datetime) -> None:
    version = _locked(s3, target, "GOVERNANCE", in_a_year)
    stronger: Any = {"Mode": "COMPLIANCE", "RetainUntilDate": in_a_year}
    assert outcome(s3.client.put_object_retention, **version, Retention=stronger) == DENIED
    s3.client.put_object_retention(**version, Retention=stronger, BypassGovernanceRetention=True)
    assert s3.client.get_object_retention(**version)["Retention"] == stronger


def _earlier_governance(until: datetime) -> Any:
    return {"Mode": "GOVERNANCE", "RetainUntilDate": until - timedelta(days=1)}


def test_governance_is_shortened_only_by_a_bypass(s3: ServerUnderTest, target: Any, in_a_year: datetime) -> None:
    version, shorter = _locked(s3, target, "GOVERNANCE", in_a_year), _earlier_governance(in_a_year)
    assert outcome(s3.client.put_object_retention, **version, Retention=shorter) == DENIED
    s3.client.put_object_retention(**version, Retention=shorter, BypassGovernanceRetention=True)
    assert s3.client.get_object_retention(**version)["Retention"] == shorter


@pytest.mark.parametrize("mode", MODES)
def test_no_retention_is_removed_by_an_empty_one(
    s3: ServerUnderTest, target: Any, in_a_year: datetime, mode: str
) -> None:
    version = _locked(s3, target, mode, in_a_year)
    removed = outcome(s3.client.put_object_retention, **version, Retention={}, BypassGovernanceRetention=True)
    assert removed == s3.does(differences.EMPTY_RETENTION)
    assert s3.client.get_object_retention(**version)["Retention"] == {"Mode": mode, "RetainUntilDate": in_a_year}


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(days=1)])
def test_a_retention_ends_in_the_future(s3: ServerUnderTest, target: Any, ago: timedelta) -> None:
    until = s3.now().replace(microsecond=0) - ago
    lock: Any = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    assert outcome(s3.client.put_object, **target, Body=BODY, **lock) == s3.does(differences.RETENTION_IN_THE_PAST)
    s3.client.put_object(**target, Body=BODY)
    retention: Any = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
    put = outcome(s3.client.put_object_retention, **target, Retention=retention)
    assert put == s3.does(differences.RETENTION_IN_THE_PAST)


def test_a_version_without_a_retention_has_none_to_show(s3: ServerUnderTest, target: Any) -> None:
    s3.client.put_object(**target, Body=BODY)
    assert outcome(s3.client.get_object_retention, **target) == s3.does(differences.VERSION_WITHOUT_RETENTION)


def test_a_legal_hold_forbids_deletion_until_it_is_taken_off(
    s3: ServerUnderTest, target: Any, in_a_year: datetime
) -> None:
    version = _locked(s3, target, "GOVERNANCE", in_a_year)
    s3.client.put_object_legal_hold(**version, LegalHold={"Status": "ON"})
    assert s3.client.head_object(**version)["ObjectLockLegalHoldStatus"] == "ON"
    assert outcome(s3.client.delete_object, **version, BypassGovernanceRetention=True) == DENIED
    s3.client.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    assert s3.client.get_object_legal_hold(**version)["LegalHold"] == {"Status": "OFF"}
    assert outcome(s3.client.delete_object, **version, BypassGovernanceRetention=True) == OK


def test_a_legal_hold_can_be_sent_along(s3: ServerUnderTest, target: Any) -> None:
    version = s3.client.put_object(**target, Body=BODY, ObjectLockLegalHoldStatus="ON")["VersionId"]
    assert s3.client.get_object_legal_hold(**target)["LegalHold"] == {"Status": "ON"}
    assert outcome(s3.client.delete_object, **target, VersionId=version) == DENIED


def test_a_version_that_never_had_a_legal_hold_has_none_to_show(s3: ServerUnderTest, target: Any) -> None:
    s3.client.put_object(**target, Body=BODY)
    assert outcome(s3.client.get_object_legal_hold, **target) == s3.does(differences.VERSION_WITHOUT_LEGAL_HOLD)
