"""Anchors are written to two buckets even if one fails, and show that a whole log was rewritten."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import (
    ConflictError,
    ReadBackError,
    SettingsError,
    StoreError,
    TimestampAuthorityError,
    VerificationError,
)
from signal_backups.core.integrity.anchors.anchors import Anchor, StoredAnchor, read_anchors, write_anchor
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.integrity.anchors.examine_anchors import examine_anchors
from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp, verify_timestamp
from signal_backups.core.ledger.chained_log import ChainedLog
from signal_backups.core.s3.store import JSON_TYPE, S3ObjectStore
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.integrity.anchor_samples import (
    AT,
    confirmed,
    daily_anchors,
    entry_hash,
    examined,
    hashes,
    stamp,
    stored_anchor,
    tree_head,
)
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import StrictS3
from signal_backups_tests.servers.timestamp_authority import Authority, timestamp_authority, verified_by_openssl

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def second(memory: StrictS3) -> S3ObjectStore:
    """A second bucket."""
    client = memory.client()
    create_versioned_bucket(client, "second")
    return S3ObjectStore(client, "second")


@pytest.fixture
def missing(memory: StrictS3) -> S3ObjectStore:
    """A store whose bucket does not exist."""
    return S3ObjectStore(memory.client(), "not-there")


@pytest.fixture
def body() -> bytes:
    """The current tree head of two short logs."""
    return tree_head(hashes(3, "event"), hashes(2), utc_now()).to_bytes()


# -- Writing and reading ---------------------------------------------------------------------------


def test_an_anchor_is_stamped_and_stored_in_both_buckets(
    vault: BackupVault, second: S3ObjectStore, authority: Authority, body: bytes
) -> None:
    written = write_anchor(vault, body, AT, AnchorDestinations(authority.url, authority.ca_pem, second))
    assert written.errors == []
    assert written.key == "audit/anchors/20261102T024500Z_0000000003.json"
    assert written.second is not None
    in_main, _ = vault.store.get_bytes(written.key, written.main.version_id)
    in_second, _ = second.get_bytes(written.key, written.second.version_id)
    assert in_main == in_second == written.anchor.to_bytes()
    anchor = Anchor.from_bytes(in_main)
    assert anchor.statement.encode() == body
    (stamped,) = anchor.timestamps
    assert stamped.authority == authority.url
    assert verify_timestamp(base64.b64decode(stamped.token), body, authority.ca_pem)


def test_an_auditor_checks_the_stored_stamp_with_openssl(
    vault: BackupVault, authority: Authority, body: bytes, tmp_path: Path
) -> None:
    written = write_anchor(vault, body, AT, AnchorDestinations(authority.url))
    anchor = Anchor.from_bytes(vault.store.get_bytes(written.key)[0])
    token, data = tmp_path / "token.tsr", tmp_path / "statement.json"
    token.write_bytes(base64.b64decode(anchor.timestamps[0].token))
    data.write_text(anchor.statement)
    assert verified_by_openssl(token, data, authority.ca_file)


def test_without_authority_and_second_bucket_there_is_still_an_anchor(vault: BackupVault, body: bytes) -> None:
    written = write_anchor(vault, body, AT)
    assert (written.errors, written.second, written.anchor.timestamps) == ([], None, [])
    assert [anchor.body for anchor in read_anchors(vault.store, vault.layout)] == [written.anchor.to_bytes()]


def test_an_anchor_is_written_without_a_stamp_when_the_authority_is_down(
    vault: BackupVault, second: S3ObjectStore, body: bytes
) -> None:
    written = write_anchor(vault, body, AT, AnchorDestinations(NOWHERE, second=second))
    assert isinstance(written.stamp_error, TimestampAuthorityError)
    assert written.errors == [written.stamp_error]
    for store in (vault.store, second):
        assert Anchor.from_bytes(store.get_bytes(written.key)[0]).timestamps == []


def test_a_stamp_of_another_ca_is_not_kept(
    vault: BackupVault, authority: Authority, body: bytes, tmp_path: Path
) -> None:
    with timestamp_authority(tmp_path / "other") as other:
        written = write_anchor(vault, body, AT, AnchorDestinations(authority.url, other.ca_pem))
    assert isinstance(written.stamp_error, VerificationError)
    assert Anchor.from_bytes(vault.store.get_bytes(written.key)[0]).timestamps == []


def test_one_bucket_that_fails_does_not_stop_the_other(
    vault: BackupVault, second: S3ObjectStore, missing: S3ObjectStore, body: bytes
) -> None:
    without_second = write_anchor(vault, body, AT, AnchorDestinations(second=missing))
    assert without_second.second is not None
    assert isinstance(without_second.second.error, StoreError)
    assert without_second.errors == [without_second.second.error]
    assert vault.store.get_bytes(without_second.key)[0] == without_second.anchor.to_bytes()

    without_main = write_anchor(BackupVault(missing, vault.layout), body, AT, AnchorDestinations(second=second))
    assert isinstance(without_main.main.error, StoreError)
    assert without_main.errors == [without_main.main.error]
    assert without_main.main.version_id is None
    assert second.get_bytes(without_main.key)[0] == without_main.anchor.to_bytes()


def test_an_anchor_that_is_read_back_with_other_bytes_is_an_error(
    vault: BackupVault, second: S3ObjectStore, body: bytes
) -> None:
    class Truncating(S3ObjectStore):
        def get_bytes(self, key: str, version_id: str | None = None) -> tuple[bytes, str]:
            stored, version = super().get_bytes(key, version_id)
            return stored[:-2], version

    written = write_anchor(vault, body, AT, AnchorDestinations(second=Truncating(second._client, second.bucket)))
    assert written.second is not None
    assert isinstance(written.second.error, ReadBackError)
    assert written.main.error is None


def test_an_anchor_is_never_overwritten(vault: BackupVault, body: bytes) -> None:
    first = write_anchor(vault, body, AT)
    other = tree_head(hashes(3, "event"), hashes(1)).to_bytes()
    again = write_anchor(vault, other, AT)
    assert isinstance(again.main.error, ConflictError)
    assert [version.version_id for version in vault.store.list_versions(vault.layout.anchor_prefix)] == [
        first.main.version_id
    ]


def test_bytes_that_are_not_a_tree_head_are_not_anchored(vault: BackupVault) -> None:
    with pytest.raises(VerificationError):
        write_anchor(vault, b"{}\n", AT)
    assert read_anchors(vault.store, vault.layout) == []


def test_anchors_are_read_oldest_first_as_they_were_created(vault: BackupVault, store: S3ObjectStore) -> None:
    written = []
    for day in (2, 0, 1):
        at = AT + timedelta(days=day)
        head = tree_head(hashes(3 + day), hashes(2), at, vault.store.bucket).to_bytes()
        written.append(write_anchor(vault, head, at))
    in_order = [written[place] for place in (1, 2, 0)]
    store.put_bytes(in_order[0].key, b"{}", JSON_TYPE)
    store._client.delete_object(Bucket=store.bucket, Key=in_order[1].key)

    found = read_anchors(store, vault.layout)
    assert [anchor.body for anchor in found] == [anchor.anchor.to_bytes() for anchor in in_order]
    assert [(anchor.overwritten, anchor.deleted) for anchor in found] == [(True, False), (False, True), (False, False)]
    events, manifests = entry_hash(hashes(5)), entry_hash(hashes(2))
    examination = examine_anchors(store.bucket, found, [], events, manifests, None)
    assert [(finding.anchor, finding.what) for finding in examination.findings] == [
        (store.uri(in_order[0].key), "the anchor was overwritten"),
        (store.uri(in_order[1].key), "the anchor was deleted"),
    ]


def test_a_destroyed_anchor_leaves_only_its_delete_marker(vault: BackupVault, body: bytes) -> None:
    written = write_anchor(vault, body, AT)
    client, bucket = vault.store._client, vault.store.bucket
    client.delete_object(Bucket=bucket, Key=written.key)
    client.delete_object(Bucket=bucket, Key=written.key, VersionId=written.main.version_id or "")
    (left,) = read_anchors(vault.store, vault.layout)
    assert (left.body, left.deleted) == (None, True)
    assert [finding.what for finding in examined([left])] == ["the anchor was deleted"]


# -- Comparing the logs with the anchors ------------------------------------------------------------------

sizes_over_time = st.lists(st.integers(0, 40), min_size=8, max_size=8).map(sorted)
distinct_sizes = st.lists(st.integers(1, 40), min_size=1, max_size=8, unique=True).map(sorted)


@given(sizes_over_time, sizes_over_time)
def test_logs_that_only_grew_contradict_nothing(of_events: list[int], of_manifests: list[int]) -> None:
    events, manifests = hashes(45, "event"), hashes(45)
    anchors = daily_anchors(events, manifests, list(zip(of_events, of_manifests, strict=True)))
    assert examined(anchors, events, manifests) == []


@given(distinct_sizes, st.integers(1, 40))
def test_a_log_rewritten_from_some_entry_on_contradicts_every_anchor_from_there_on(
    sizes: list[int], first: int
) -> None:
    events, manifests = hashes(40, "event"), hashes(40)
    anchors = daily_anchors(events, manifests, [(size, size) for size in sizes])
    broken = [size for size in sizes if size >= first]
    rewritten = events[: first - 1] + hashes(40, "forged")[first - 1 :]
    found = examined(anchors, rewritten, manifests)
    assert [(finding.log, finding.number) for finding in found] == [("events", size) for size in broken]
    rewritten = manifests[: first - 1] + hashes(40, "forged")[first - 1 :]
    found = examined(anchors, events, rewritten)
    assert [(finding.log, finding.number) for finding in found] == [("manifests", size) for size in broken]


@given(distinct_sizes, st.integers(0, 40))
def test_a_truncated_log_contradicts_every_anchor_that_covers_a_missing_entry(sizes: list[int], left: int) -> None:
    events, manifests = hashes(40, "event"), hashes(40)
    anchors = daily_anchors(events, manifests, [(size, size) for size in sizes])
    found = examined(anchors, events[:left], manifests[:left])
    gone = [(log, size) for size in sizes if size > left for log in ("events", "manifests")]
    assert [(finding.log, finding.number) for finding in found] == gone
    assert all("truncated" in finding.what for finding in found)


@pytest.mark.parametrize("tamper", [lambda sha: sha256(sha.encode()).hexdigest(), lambda _: None])
def test_an_earlier_manifest_that_changed_or_is_gone_shows_in_the_root(tamper: Callable[[str], str | None]) -> None:
    events, manifests = hashes(5, "event"), hashes(5)
    anchors = daily_anchors(events, manifests, [(1, 1), (3, 3), (5, 5)])
    changed = {number: tamper(sha) if number == 2 else sha for number, sha in enumerate(manifests, start=1)}
    found = examine_anchors("main", anchors, [], entry_hash(events), changed.get, None).findings
    assert [(finding.log, finding.number) for finding in found] == [("manifests", 3), ("manifests", 5)]


def test_the_tree_over_the_manifests_is_built_once() -> None:
    manifests, asked = hashes(400), list[int]()
    anchors = daily_anchors([], manifests, [(0, size) for size in range(1, 401)])

    def manifest(number: int) -> str:
        asked.append(number)
        return manifests[number - 1]

    assert examine_anchors("main", anchors, [], entry_hash([]), manifest, None).findings == []
    assert len(asked) <= 2 * len(manifests)


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"format":1,"statement":"{}","timestamps":[]}'])
def test_bytes_that_are_not_an_anchor_are_a_finding(body: bytes) -> None:
    (finding,) = examined([StoredAnchor("s3://main/x", "x", body, overwritten=False, deleted=False)])
    assert (finding.anchor, finding.log) == ("s3://main/x", None)


def test_a_manifest_log_rewritten_in_the_bucket_itself_is_found(vault: BackupVault, second: S3ObjectStore) -> None:
    def grow(log: ChainedLog, name: str) -> list[str]:
        for _ in range(3):
            log.append(lambda link: f"{name} {link.number} {link.previous}\n".encode())
        return [entry.sha256 for entry in log.entries()]

    def newly_opened() -> ChainedLog:
        return BackupVault(vault.store, vault.layout).manifest_log

    manifests = grow(newly_opened(), "manifest")
    bucket = vault.store.bucket
    written = write_anchor(
        vault, tree_head([], manifests, bucket=bucket).to_bytes(), AT, AnchorDestinations(second=second)
    )
    stored_ones = read_anchors(vault.store, vault.layout), read_anchors(second, vault.layout)
    grown = grow(newly_opened(), "manifest")
    assert examine_anchors(bucket, *stored_ones, entry_hash([]), entry_hash(grown), None).findings == []

    for version in vault.store.list_versions(vault.layout.manifest_log_prefix):
        vault.store._client.delete_object(Bucket=vault.store.bucket, Key=version.key, VersionId=version.version_id)
    forged = grow(newly_opened(), "forged")
    (finding,) = examine_anchors(bucket, *stored_ones, entry_hash([]), entry_hash(forged), None).findings
    assert (finding.anchor, finding.log, finding.number) == (written.main.uri, "manifests", 3)


# -- Time stamps -----------------------------------------------------------------------------------


def test_stamps_are_checked_when_there_is_a_ca(authority: Authority, tmp_path: Path) -> None:
    head = tree_head([], [], utc_now())
    good = stored_anchor(head, stamp(authority, head.to_bytes()))
    assert examined([good], ca_pem=authority.ca_pem) == []
    with timestamp_authority(tmp_path / "other") as other:
        (finding,) = examined([good], ca_pem=other.ca_pem)
    assert authority.url in finding.what
    assert "does not verify with this CA" in finding.what
    assert examined([good], ca_pem=None) == []


def test_a_stamp_of_another_tree_head_is_a_finding(authority: Authority) -> None:
    head = tree_head([], [], utc_now())
    wrong = stored_anchor(head, stamp(authority, b"another tree head"))
    (finding,) = examined([wrong], ca_pem=authority.ca_pem)
    assert "not for these bytes" in finding.what


@pytest.mark.parametrize("token", ["", "no Base64!", "AAAA", "é"])
def test_a_token_that_is_not_a_time_stamp_is_a_finding(authority: Authority, token: str) -> None:
    wrong = stored_anchor(tree_head([], []), Timestamp(authority="http://tsa", token=token))
    (finding,) = examined([wrong], ca_pem=authority.ca_pem)
    assert "http://tsa" in finding.what


@pytest.mark.parametrize(("distance", "findings"), [(50, 0), (-50, 0), (70, 1), (-70, 1)])
def test_a_tree_head_dated_far_from_its_stamp_is_a_finding(authority: Authority, distance: int, findings: int) -> None:
    head = tree_head([], [], utc_now() + timedelta(minutes=distance))
    found = examined([stored_anchor(head, stamp(authority, head.to_bytes()))], ca_pem=authority.ca_pem)
    assert len(found) == findings
    assert all("stamped it at" in finding.what for finding in found)


def test_a_ca_file_without_certificate_is_an_error_and_not_a_finding(authority: Authority) -> None:
    head = tree_head([], [], utc_now())
    with pytest.raises(SettingsError):
        examined([stored_anchor(head, stamp(authority, head.to_bytes()))], ca_pem=b"")


# -- The second bucket -----------------------------------------------------------------------------


def test_anchors_deleted_with_a_rewritten_log_are_found_by_the_second_bucket() -> None:
    events, manifests = hashes(9, "event"), hashes(9)
    copies = daily_anchors(events, manifests, [(3, 3), (6, 6)])
    forged = hashes(9, "forged")
    assert examined([], forged, forged) == []
    found = examined([], forged, forged, second=copies)
    assert [finding.what for finding in found if finding.log is None] == [
        "the main bucket does not have this anchor"
    ] * 2
    assert [(finding.log, finding.number) for finding in found if finding.log] == [
        ("events", 3), ("manifests", 3), ("events", 6), ("manifests", 6),
    ]  # fmt: skip


def test_an_anchor_that_was_replaced_differs_from_its_copy() -> None:
    events, forged = hashes(3, "event"), hashes(3, "forged")
    main, copy = stored_anchor(tree_head(forged, [])), stored_anchor(tree_head(events, []), bucket="second")
    found = examined([main], forged, second=[copy])
    assert [(finding.anchor, finding.log, finding.number) for finding in found] == [
        (copy.uri, None, None),
        (copy.uri, "events", 3),
    ]
    assert main.uri in found[0].what


def test_equal_copies_give_each_finding_once() -> None:
    anchors = daily_anchors(hashes(3), [], [(3, 0)])
    assert examined(anchors, hashes(3), second=anchors) == []
    assert len(examined(anchors, hashes(3, "forged"), second=anchors)) == 1


def test_a_copy_that_was_deleted_is_a_finding() -> None:
    (main,) = daily_anchors([], [], [(0, 0)])
    left = StoredAnchor("s3://second/x", main.key, None, overwritten=False, deleted=True)
    assert [(finding.anchor, finding.what) for finding in examined([main], second=[left])] == [
        ("s3://second/x", "the anchor was deleted")
    ]


def test_an_anchor_missing_from_the_second_bucket_is_no_finding() -> None:
    assert examined(daily_anchors([], [], [(0, 0)]), second=[]) == []


def test_anchors_of_another_bucket_in_the_second_bucket_are_ignored() -> None:
    (main,) = daily_anchors(hashes(3), [], [(3, 0)])
    another = stored_anchor(
        tree_head(hashes(5, "another"), [], AT + timedelta(days=1), bucket="another"), bucket="second"
    )
    assert examined([main], hashes(3), second=[main, another]) == []
    # Two buckets anchored in the same second with as many events share a key in the second bucket.
    taken = stored_anchor(tree_head(hashes(3, "another"), [], bucket="another"), bucket="second")
    assert taken.key == main.key
    assert confirmed([main], [taken]).anchored is None


def test_an_anchor_from_before_the_bucket_was_renamed_is_compared_and_confirmed() -> None:
    renamed = stored_anchor(tree_head(hashes(3), [], bucket="before"))
    found = confirmed([renamed], [renamed])
    assert (found.anchored and found.anchored.event, found.warnings) == (3, [])
    assert len(examined([renamed], hashes(3, "forged"))) == 1
