"""The object store on a real S3 server: conditions, damage on the way, long listings, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from signal_backups.core.base.digest import FileDigest, digest
from signal_backups.core.base.errors import ConflictError, ExitCode, NotFoundError, StoreError, VerificationError
from signal_backups.core.s3 import store as store_module
from signal_backups.core.s3 import upload as upload_module
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.servers.chaos import ChaosProxy
from signal_backups_tests.servers.faults import Answer, Cut, Flip, Refuse, Reset

KEY = "signals/2026/11/signals_backup_20261101_020000.csv"
#: What a server answers before it takes the body of a PUT.
CONTINUE = len(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.fixture
def store(server_store: S3ObjectStore) -> S3ObjectStore:
    """On the S3 server."""
    return server_store


@pytest.fixture
def proxy(connection: S3Connection) -> Iterator[ChaosProxy]:
    assert connection.endpoint_url is not None
    with ChaosProxy(connection.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def shaky(connection: S3Connection, proxy: ChaosProxy, bucket: str) -> S3ObjectStore:
    """The store, behind the proxy."""
    return S3ObjectStore(s3_client(replace(connection, endpoint_url=proxy.url, max_attempts=2)), bucket)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "file.csv", bytes(range(256)) * 4096)


def written(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path


def put(store: S3ObjectStore, path: Path, key: str = KEY) -> str:
    """Store a file as the next version."""
    return put_over(store, path, store.head(key), key)


def put_over(store: S3ObjectStore, path: Path, replaces: ObjectVersion | None, key: str = KEY) -> str:
    """Store a file in place of a version, or of nothing."""
    return store.put_file(key, path, {"partition": "2026-11-01"}, "text/csv", digest=digest(path), replaces=replaces)


def in_parts(connection: S3Connection, bucket: str) -> S3ObjectStore:
    """A store that takes every file in parts."""
    return S3ObjectStore(s3_client(connection), bucket, multipart_threshold_bytes=0)


def got(store: S3ObjectStore, version: str, folder: Path) -> bytes:
    store.get_file(KEY, version, folder / "got")
    return (folder / "got").read_bytes()


def test_a_version_holds_the_bytes_it_was_given(store: S3ObjectStore, file: Path, tmp_path: Path) -> None:
    first = put(store, file)
    second = put(store, written(tmp_path / "other", b"other"))
    assert first != second
    assert got(store, first, tmp_path) == file.read_bytes()
    assert got(store, second, tmp_path) == b"other"


def test_an_object_carries_its_metadata(store: S3ObjectStore, file: Path) -> None:
    version = put(store, file)
    found = store._client.head_object(Bucket=store.bucket, Key=KEY, VersionId=version)
    assert found["Metadata"]["partition"] == "2026-11-01"
    assert len(found["Metadata"]["sha256"]) == 64
    assert found["ContentType"] == "text/csv"


def test_a_head_describes_the_current_version(store: S3ObjectStore, file: Path) -> None:
    version = put(store, file)
    head = store.head(KEY)
    assert head is not None
    assert (head.version_id, head.size, head.last_modified.tzinfo) == (version, 1024 * 1024, UTC)
    assert store.head("signals/nothing") is None
    assert store.head(KEY, version) == head


def test_what_must_be_new_is_not_overwritten(store: S3ObjectStore, file: Path, tmp_path: Path) -> None:
    first = put(store, file)
    with pytest.raises(ConflictError) as raised:
        put_over(store, written(tmp_path / "b", b"b"), None)
    assert raised.value.exit_code == ExitCode.FAILED
    assert [version.version_id for version in store.list_versions(KEY)] == [first]


def test_a_version_that_is_no_longer_current_is_not_replaced(store: S3ObjectStore, file: Path, tmp_path: Path) -> None:
    put(store, file)
    seen = store.head(KEY)
    put(store, written(tmp_path / "b", b"b"))
    with pytest.raises(ConflictError):
        put_over(store, written(tmp_path / "c", b"c"), seen)
    assert len(store.list_versions(KEY)) == 2


def test_another_writer_of_the_same_content_is_no_conflict(store: S3ObjectStore, file: Path) -> None:
    first = put(store, file)
    assert put_over(store, file, None) == first
    assert len(store.list_versions(KEY)) == 1


def test_of_many_writers_at_once_one_wins(store: S3ObjectStore, tmp_path: Path) -> None:
    files = [written(tmp_path / str(number), bytes([number]) * 1000) for number in range(8)]

    def write(path: Path) -> str | None:
        try:
            return put_over(store, path, None)
        except ConflictError:
            return None

    with ThreadPoolExecutor(8) as writers:
        winners = [version for version in writers.map(write, files) if version]
    assert [version.version_id for version in store.list_versions(KEY)] == winners
    assert len(winners) == 1


@pytest.mark.parametrize("overwriting", [False, True])
def test_a_lost_answer_is_recognised_as_our_own_object(
    shaky: S3ObjectStore, store: S3ObjectStore, proxy: ChaosProxy, file: Path, tmp_path: Path, *, overwriting: bool
) -> None:
    if overwriting:
        put(store, written(tmp_path / "before", b"before"))
    # Asked directly: a connection kept alive from here would be dropped by the strike and cost the client a try.
    current = store.head(KEY)
    proxy.strike(Reset(after=CONTINUE), times=1)
    version = put_over(shaky, file, current)
    assert proxy.struck == 1
    versions = store.list_versions(KEY)
    assert len(versions) == 1 + overwriting
    assert versions[0].version_id == version
    assert got(store, version, tmp_path) == file.read_bytes()


def test_a_small_object_is_replaced_only_while_it_is_current(store: S3ObjectStore) -> None:
    first = store.replace_bytes(KEY, b"1", "text/csv", replaces=None)
    with pytest.raises(ConflictError):
        store.replace_bytes(KEY, b"other", "text/csv", replaces=None)
    before = store.head(KEY)
    second = store.replace_bytes(KEY, b"2", "text/csv", replaces=before)
    for stored in (lambda: None, lambda: store._client.delete_object(Bucket=store.bucket, Key=KEY)):
        stored()
        with pytest.raises(ConflictError):
            store.replace_bytes(KEY, b"3", "text/csv", replaces=before)
    data = [version for version in store.list_versions(KEY) if not version.is_delete_marker]
    assert [version.version_id for version in data] == [second, first]


def test_a_replaced_object_is_our_own_although_the_answer_was_lost(
    store: S3ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_bytes(KEY, b"1", "text/csv")
    plain = store._client.put_object

    def answered_too_late(**asked: Any) -> Any:
        plain(**asked)
        return plain(**asked)

    monkeypatch.setattr(store._client, "put_object", answered_too_late)
    version = store.replace_bytes(KEY, b"2", "text/csv", replaces=store.head(KEY))
    assert store.list_versions(KEY)[0].version_id == version
    assert len(store.list_versions(KEY)) == 2


def test_a_store_that_refuses_every_if_match_is_written_to_all_the_same(
    store: S3ObjectStore, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, file)
    plain = store._client.put_object

    def as_ceph_does(**asked: Any) -> Any:
        if "IfMatch" in asked:
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": ""}}, "PutObject")
        return plain(**asked)

    monkeypatch.setattr(store._client, "put_object", as_ceph_does)
    assert got(store, put(store, written(tmp_path / "b", b"b")), tmp_path) == b"b"
    store.replace_bytes(KEY, b"c", "text/csv", replaces=store.head(KEY))
    assert store.get_bytes(KEY)[0] == b"c"


@pytest.mark.parametrize("fault", [Cut(after=300_000), Reset(after=300_000), Refuse(), Answer(503, "SlowDown")])
def test_a_download_that_breaks_off_is_begun_again(
    shaky: S3ObjectStore, proxy: ChaosProxy, file: Path, tmp_path: Path, fault: Cut | Reset | Refuse | Answer
) -> None:
    version = put(shaky, file)
    proxy.strike(fault, times=1)
    assert got(shaky, version, tmp_path) == file.read_bytes()
    assert proxy.struck == 1


def test_a_download_that_always_breaks_off_is_a_transient_error(
    shaky: S3ObjectStore, proxy: ChaosProxy, file: Path, tmp_path: Path
) -> None:
    version = put(shaky, file)
    proxy.strike(Cut(after=300_000))
    with pytest.raises(StoreError) as raised:
        got(shaky, version, tmp_path)
    assert raised.value.transient
    assert raised.value.exit_code == ExitCode.UNREACHABLE
    assert proxy.struck == store_module.DOWNLOAD_ATTEMPTS


@pytest.mark.parametrize("mode", ["when_supported", "when_required"])
def test_a_flipped_bit_on_the_way_up_never_becomes_a_version(
    connection: S3Connection, proxy: ChaosProxy, store: S3ObjectStore, file: Path, tmp_path: Path, mode: str
) -> None:
    behind = replace(connection, endpoint_url=proxy.url, checksum_mode=mode)  # type: ignore[arg-type]
    shaky = S3ObjectStore(s3_client(behind), store.bucket)
    proxy.strike(Flip(500_000, "up"), times=1)
    try:
        version = put(shaky, file)
    except Exception:  # noqa: BLE001 - refused is as good as retried
        assert store.list_versions(KEY) == []
    else:
        assert got(store, version, tmp_path) == file.read_bytes()
    assert proxy.struck == 1


@pytest.mark.parametrize(
    ("fault", "transient"),
    [(Refuse(), True), (Answer(503, "SlowDown"), True), (Answer(500, "InternalError"), True),
     (Answer(403, "AccessDenied"), False), (Answer(400, "InvalidArgument"), False)],
)  # fmt: skip
def test_an_error_says_whether_trying_again_may_help(
    shaky: S3ObjectStore, proxy: ChaosProxy, file: Path, fault: Refuse | Answer, *, transient: bool
) -> None:
    proxy.strike(fault)
    for call in (lambda: put(shaky, file), lambda: list(shaky.list_current("")), shaky.configuration.is_versioned,
                 lambda: shaky.get_bytes(KEY), lambda: shaky.put_bytes(KEY, b"", "text/csv")):  # fmt: skip
        with pytest.raises(StoreError) as raised:
            call()
        assert raised.value.transient == transient


def test_a_wrong_secret_is_refused_with_what_to_check(connection: S3Connection, bucket: str) -> None:
    stranger = S3ObjectStore(s3_client(replace(connection, secret_access_key="wrong")), bucket)
    calls: tuple[Callable[[], object], ...] = (
        stranger.configuration.is_versioned,
        lambda: stranger.head(KEY),
        lambda: list(stranger.list_current("")),
    )
    for call in calls:
        with pytest.raises(StoreError, match="credentials") as raised:
            call()
        assert raised.value.exit_code == ExitCode.UNREACHABLE
        assert "wrong" not in str(raised.value)


def test_missing_credentials_are_named(connection: S3Connection, bucket: str) -> None:
    nobody = S3ObjectStore(s3_client(replace(connection, access_key_id=None, secret_access_key=None)), bucket)
    with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID"):
        nobody.configuration.is_versioned()


def test_a_missing_bucket_names_init(connection: S3Connection, file: Path) -> None:
    nowhere = S3ObjectStore(s3_client(connection), "no-such-bucket")
    calls: tuple[Callable[[], object], ...] = (
        nowhere.configuration.is_versioned,
        lambda: list(nowhere.list_current("")),
        lambda: nowhere.list_versions(""),
        lambda: put(nowhere, file),
    )
    for call in calls:
        with pytest.raises(StoreError, match="signal-backups init") as raised:
            call()
        assert raised.value.exit_code == ExitCode.UNREACHABLE


def test_a_store_that_is_down_is_a_transient_error(connection: S3Connection, bucket: str) -> None:
    down = S3ObjectStore(s3_client(replace(connection, endpoint_url="http://127.0.0.1:1", max_attempts=1)), bucket)
    with pytest.raises(StoreError, match="AWS_ENDPOINT_URL_S3") as raised:
        down.configuration.is_versioned()
    assert raised.value.transient


def test_a_missing_object_or_version_is_not_found(store: S3ObjectStore, file: Path, tmp_path: Path) -> None:
    put(store, file)
    with pytest.raises(NotFoundError):
        store.get_bytes("signals/nothing")
    with pytest.raises(NotFoundError):
        store.get_file(KEY, "00000000000000000000000000000000", tmp_path / "got")


def test_a_bucket_is_created_once(connection: S3Connection, bucket: str) -> None:
    store = S3ObjectStore(s3_client(connection), f"{bucket}-2"[-60:])
    assert not store.configuration.exists()
    store.configuration.create()
    assert store.configuration.exists()
    assert not store.configuration.is_versioned()
    store.configuration.enable_versioning()
    assert store.configuration.is_versioned()
    store._client.delete_bucket(Bucket=store.bucket)


def test_a_bucket_without_versions_is_refused(connection: S3Connection, bucket: str) -> None:
    store = S3ObjectStore(s3_client(connection), f"{bucket}-2"[-60:])
    store.configuration.create()
    with pytest.raises(StoreError, match="signal-backups init"):
        BackupVault(store, Layout()).require_versioning()
    store._client.delete_bucket(Bucket=store.bucket)


def test_versions_are_listed_newest_first_with_delete_markers(store: S3ObjectStore, tmp_path: Path) -> None:
    made = [put(store, written(tmp_path / "file", body)) for body in (b"1", b"2", b"3")]
    store._client.delete_object(Bucket=store.bucket, Key=KEY)
    listed = store.list_versions(KEY)
    assert listed[0].is_delete_marker
    assert listed[0].is_latest
    assert {version.version_id for version in listed[1:]} == set(made)
    assert not any(version.is_latest for version in listed[1:])
    assert list(store.list_current("")) == []


def test_more_than_a_thousand_objects_are_listed_and_the_newest_is_found(vault: BackupVault) -> None:
    days = [date(2023, 1, 1) + timedelta(days=number) for number in range(1005)]
    keys = [vault.layout.backup_key(BackupSlot(day)) for day in days]
    with ThreadPoolExecutor(16) as writers:
        list(writers.map(lambda key: vault.store.put_bytes(key, b"x", "text/csv"), keys))
    assert [item.key for item in vault.store.list_current("signals/")] == keys
    backups = vault.backups(days[0], days[-1])
    assert [backup.slot.day for backup in backups] == days
    assert vault.find(days[-1]).key == keys[-1]
    assert len(vault.store.list_versions("signals/")) == 1005


def test_a_large_file_goes_up_in_parts(
    connection: S3Connection, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_module, "MULTIPART_CHUNK_BYTES", 5 * 1024 * 1024)
    store = S3ObjectStore(s3_client(connection), bucket, multipart_threshold_bytes=5 * 1024 * 1024)
    file = written(tmp_path / "large", bytes(range(251)) * 50_000)
    version = put(store, file)
    assert got(store, version, tmp_path) == file.read_bytes()
    head = store.head(KEY)
    assert head is not None
    assert head.etag.strip('"').endswith("-3")
    metadata = store._client.head_object(Bucket=bucket, Key=KEY)["Metadata"]
    assert (metadata["partition"], len(metadata["sha256"])) == ("2026-11-01", 64)


def test_an_upload_in_parts_that_fails_leaves_nothing(
    connection: S3Connection, bucket: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = in_parts(connection, bucket)
    plain = upload_module._sent_parts

    def broken(*args: Any) -> object:
        plain(*args)
        raise OSError("disk gone")

    monkeypatch.setattr(upload_module, "_sent_parts", broken)
    with pytest.raises(StoreError, match="disk gone"):
        put(store, file)
    assert_nothing_is_unfinished(store)
    assert store.list_versions("") == []


def assert_nothing_is_unfinished(store: S3ObjectStore) -> None:
    assert store._client.list_multipart_uploads(Bucket=store.bucket).get("Uploads", []) == []


@pytest.fixture(params=["conditions", "no conditions"])
def parts_store(connection: S3Connection, bucket: str, request: pytest.FixtureRequest) -> S3ObjectStore:
    """A store that takes every file in parts, and one that ignores, as Ceph does, under which conditions."""
    store = in_parts(connection, bucket)
    if request.param == "no conditions":

        def ignore(params: dict[str, Any], **_: object) -> None:
            for name in ("If-Match", "If-None-Match"):
                params["headers"].pop(name, None)

        store._client.meta.events.register("before-call.s3.CompleteMultipartUpload", ignore)
    return store


def test_an_upload_in_parts_replaces_what_it_saw(parts_store: S3ObjectStore, file: Path, tmp_path: Path) -> None:
    first = put(parts_store, file)
    second = put(parts_store, written(tmp_path / "b", b"b"))
    assert [version.version_id for version in parts_store.list_versions(KEY)] == [second, first]


def test_an_upload_in_parts_does_not_overwrite_what_must_be_new(
    parts_store: S3ObjectStore, file: Path, tmp_path: Path
) -> None:
    first = put(parts_store, file)
    with pytest.raises(ConflictError) as raised:
        put_over(parts_store, written(tmp_path / "b", b"b"), None)
    assert raised.value.transient
    assert [version.version_id for version in parts_store.list_versions(KEY)] == [first]
    assert_nothing_is_unfinished(parts_store)


def test_an_upload_in_parts_does_not_replace_a_version_that_is_no_longer_current(
    parts_store: S3ObjectStore, file: Path, tmp_path: Path
) -> None:
    put(parts_store, file)
    seen = parts_store.head(KEY)
    newest = put(parts_store, written(tmp_path / "b", b"b"))
    with pytest.raises(ConflictError):
        put_over(parts_store, written(tmp_path / "c", b"c"), seen)
    assert parts_store.list_versions(KEY)[0].version_id == newest
    assert_nothing_is_unfinished(parts_store)


def test_an_upload_in_parts_of_the_same_content_is_no_conflict(parts_store: S3ObjectStore, file: Path) -> None:
    first = put(parts_store, file)
    assert put_over(parts_store, file, None) == first
    assert_nothing_is_unfinished(parts_store)


def test_the_store_itself_refuses_to_complete_what_somebody_overtook(
    connection: S3Connection, bucket: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = in_parts(connection, bucket)
    first = put(store, file)
    # Overtaken after our own check, as it were.
    monkeypatch.setattr(store, "_require_current", lambda *_: None)
    with pytest.raises(ConflictError):
        put_over(store, written(tmp_path / "b", b"b"), None)
    assert [version.version_id for version in store.list_versions(KEY)] == [first]
    assert_nothing_is_unfinished(store)


@pytest.mark.parametrize("threshold", [store_module.MULTIPART_THRESHOLD_BYTES, 0], ids=["whole", "in parts"])
@pytest.mark.parametrize("changed", [b"other", b"longer than before"])
def test_a_file_that_was_changed_after_it_was_hashed_does_not_become_a_version(
    connection: S3Connection, bucket: str, tmp_path: Path, threshold: int, changed: bytes
) -> None:
    store = S3ObjectStore(s3_client(connection), bucket, multipart_threshold_bytes=threshold)
    file = written(tmp_path / "file", b"first")
    first, hashed = put(store, file), FileDigest(5, digest(file).sha256)
    written(file, changed)
    with pytest.raises(VerificationError):
        store.put_file(KEY, file, {}, "text/csv", digest=hashed, replaces=store.head(KEY))
    assert [version.version_id for version in store.list_versions(KEY)] == [first]
    assert_nothing_is_unfinished(store)


def test_keys_of_older_tools_are_found_and_foreign_objects_ignored(vault: BackupVault) -> None:
    day = date(2026, 11, 1)
    old = [vault.layout.backup_key(BackupSlot(day, time(hour, 15))) for hour in (1, 23)]
    foreign = ["signals/readme.txt", "signals/2026/11/signals_backup_20261101.csv", "signals/2026/11/x/y.csv"]
    for key in (*old, *foreign):
        vault.store.put_bytes(key, b"x", "text/csv")
    assert [backup.key for backup in vault.backups(day, day)] == old
    assert vault.find(day).key == old[-1]
    vault.store.put_bytes(vault.layout.backup_key(BackupSlot(day)), b"x", "text/csv")
    assert vault.find(day).slot == BackupSlot(day)
    assert vault.find_key(old[0]).slot.at == time(1, 15)


@pytest.mark.parametrize("key", [KEY, "signals/readme.txt", "manifests/2026/11/signals_backup_20261101_020000.json"])
def test_a_key_without_a_backup_is_not_found(vault: BackupVault, key: str) -> None:
    vault.store.put_bytes("signals/readme.txt", b"x", "text/plain")
    with pytest.raises(NotFoundError) as raised:
        vault.find_key(key)
    assert raised.value.exit_code == ExitCode.NOT_FOUND == 4


def test_a_day_without_a_backup_is_not_found(vault: BackupVault) -> None:
    for call in (vault.find, vault.versions):
        with pytest.raises(NotFoundError):
            call(date(2026, 11, 1))


def test_a_range_of_days_is_cut_exactly(vault: BackupVault) -> None:
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 1)]
    for day in days:
        vault.store.put_bytes(vault.layout.backup_key(BackupSlot(day)), b"x", "text/csv")
    for first in range(4):
        for last in range(first, 4):
            found = [backup.slot.day for backup in vault.backups(days[first], days[last])]
            assert found == days[first : last + 1]


def test_custom_endpoints_get_path_style_and_only_required_checksums() -> None:
    custom, amazon = S3Connection(endpoint_url="http://h"), S3Connection()
    assert (custom.chosen_addressing, custom.chosen_checksums) == ("path", "when_required")
    assert (amazon.chosen_addressing, amazon.chosen_checksums) == ("auto", "when_supported")
    connection = S3Connection(endpoint_url="http://h", addressing_style="virtual", checksum_mode="when_supported")
    assert (connection.chosen_addressing, connection.chosen_checksums) == ("virtual", "when_supported")


def test_last_modified_is_utc(vault: BackupVault) -> None:
    vault.store.put_bytes(KEY, b"x", "text/csv")
    (item,) = vault.store.list_current("")
    assert abs(item.last_modified - datetime.now(UTC)) < timedelta(minutes=5)
