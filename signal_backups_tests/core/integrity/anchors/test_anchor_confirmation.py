"""An anchor is confirmed only by something outside of its bucket."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from signal_backups.core.base.days import utc_now
from signal_backups.core.integrity.anchors.anchors import StoredAnchor
from signal_backups.core.integrity.anchors.examine_anchors import examine_anchors
from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp
from signal_backups_tests.core.integrity.anchor_samples import (
    AT,
    confirmed,
    entry_hash,
    hashes,
    stamp,
    stored_anchor,
    tree_head,
)
from signal_backups_tests.servers.timestamp_authority import Authority


def days_of(count: int, *stamps: Timestamp) -> list[StoredAnchor]:
    """Anchors of so many days, one event each, that fit the logs."""
    of_days = [tree_head(hashes(day), [], AT + timedelta(days=day)) for day in range(1, count + 1)]
    return [stored_anchor(head, *stamps) for head in of_days]


def test_an_anchor_that_is_only_in_its_own_bucket_is_not_confirmed() -> None:
    anchors = days_of(2)
    alone = confirmed(anchors)
    assert alone.anchored is None
    (warning,) = alone.warnings
    assert "SIGNAL_BACKUPS_ANCHOR_BUCKET" in warning
    assert "SIGNAL_BACKUPS_TSA_CA_FILE" in warning
    assert confirmed([]) == ([], None, [])


def test_an_anchor_is_confirmed_by_the_same_one_in_the_second_bucket() -> None:
    first, newest = days_of(2)
    both = confirmed([first, newest], [first, newest])
    assert both.anchored is not None
    assert (both.anchored.event, both.anchored.at, both.warnings) == (2, AT + timedelta(days=2), [])
    without_newest = confirmed([first, newest], [first])
    assert without_newest.anchored is not None
    assert without_newest.anchored.event == 1


def test_an_anchor_forged_with_a_rewritten_log_is_not_confirmed_by_an_empty_second_bucket(
    authority: Authority,
) -> None:
    forged = days_of(1)
    for places, lacks in (
        ({"second": []}, ["a copy in the second bucket"]),
        ({"ca_pem": authority.ca_pem}, ["a time stamp"]),
        ({"second": [], "ca_pem": authority.ca_pem}, ["a copy in the second bucket", "a time stamp"]),
    ):
        found = confirmed(forged, **places)  # type: ignore[arg-type]
        assert found.anchored is None
        assert [
            f"anchors without {what}: 1, the first is {forged[0].uri}" in warning
            for what, warning in zip(lacks, found.warnings, strict=True)
        ] == [True] * len(lacks)


def test_an_anchor_that_differs_from_its_copy_is_not_confirmed() -> None:
    (main,), (of_day,) = days_of(1), days_of(1, Timestamp(authority="x", token=""))
    copy = replace(of_day, uri="s3://second/x")
    assert examine_anchors("main", [main], [copy], entry_hash(hashes(9)), entry_hash([]), None).anchored is None


def test_anchors_missing_from_the_second_bucket_are_warned_of_unless_older_than_it() -> None:
    anchors = days_of(5)
    assert confirmed(anchors, anchors[2:]).warnings == []
    (warning,) = confirmed(anchors, [anchors[1], anchors[4]]).warnings
    assert f"anchors without a copy in the second bucket: 2, the first is {anchors[2].uri}" in warning


def test_a_removed_stamp_gives_a_warning(authority: Authority) -> None:
    at = utc_now()
    head = [tree_head(hashes(day), [], at + timedelta(minutes=day)) for day in (1, 2, 3)]
    stamped = [stored_anchor(one, stamp(authority, one.to_bytes())) for one in head]
    whole = confirmed(stamped, ca_pem=authority.ca_pem)
    assert (whole.anchored and whole.anchored.event, whole.warnings) == (3, [])
    stripped = confirmed([*stamped[:2], stored_anchor(head[2])], ca_pem=authority.ca_pem)
    assert (stripped.anchored and stripped.anchored.event, len(stripped.warnings)) == (2, 1)
    before_the_setting = confirmed([stored_anchor(head[0]), *stamped[1:]], ca_pem=authority.ca_pem)
    assert (before_the_setting.anchored and before_the_setting.anchored.event, before_the_setting.warnings) == (3, [])


def test_a_stamp_that_is_not_checked_or_does_not_verify_confirms_nothing(authority: Authority) -> None:
    head = tree_head(hashes(1), [], utc_now())
    unchecked = confirmed([stored_anchor(head, stamp(authority, head.to_bytes()))])
    assert (unchecked.anchored, len(unchecked.warnings)) == (None, 1)
    wrong = stored_anchor(head, stamp(authority, b"another tree head"))
    found = examine_anchors("main", [wrong], None, entry_hash(hashes(9)), entry_hash([]), authority.ca_pem)
    assert (found.anchored, len(found.findings)) == (None, 1)
