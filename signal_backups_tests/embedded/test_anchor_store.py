"""The store of the second bucket for anchors, and its credentials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from signal_backups.connect import anchor_store, open_vault
from signal_backups.core.base.errors import StoreError
from signal_backups.core.config.settings import Settings, load_settings
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.embedded.seaweedfs import SeaweedServer, using_server

MAIN = {
    "BACKUP_BUCKET_NAME": "backups",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "main-key",
    "AWS_SECRET_ACCESS_KEY": "main-secret",
    "AWS_SESSION_TOKEN": "main-token",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "SIGNAL_BACKUPS_ANCHOR_BUCKET": "anchors",
}
OWN_KEY = {
    "SIGNAL_BACKUPS_ANCHOR_ACCESS_KEY_ID": "anchor-key",
    "SIGNAL_BACKUPS_ANCHOR_SECRET_ACCESS_KEY": "anchor-secret",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A working folder without ``.env``; its server is stopped afterwards."""
    monkeypatch.chdir(tmp_path)
    yield
    SeaweedServer(tmp_path / ".local" / "s3").stop()


def settings_of(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def client_of(settings: Settings) -> tuple[str, str, tuple[str, ...]]:
    """Return endpoint, region and credentials of the second store's client."""
    store = anchor_store(settings)
    assert store is not None
    client = store._client
    credentials = client._request_signer._credentials.get_frozen_credentials()
    return client.meta.endpoint_url, client.meta.region_name, tuple(credentials)[:3]


def test_without_a_second_bucket_there_is_no_second_store() -> None:
    assert anchor_store(load_settings()) is None


def test_by_default_both_buckets_are_in_the_same_store(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, MAIN)
    assert client_of(settings) == (
        "http://127.0.0.1:9", "eu-west-1", ("main-key", "main-secret", "main-token"),
    )  # fmt: skip


def test_another_store_uses_only_its_own_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = {
        "SIGNAL_BACKUPS_ANCHOR_ENDPOINT_URL": "http://127.0.0.1:10",
        "SIGNAL_BACKUPS_ANCHOR_REGION": "eu-north-1",
    }
    settings = settings_of(monkeypatch, {**MAIN, **OWN_KEY, **elsewhere})
    assert client_of(settings) == ("http://127.0.0.1:10", "eu-north-1", ("anchor-key", "anchor-secret", None))


def test_the_second_bucket_may_be_in_another_store_than_the_embedded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"SIGNAL_BACKUPS_ANCHOR_BUCKET": "anchors", "SIGNAL_BACKUPS_ANCHOR_ENDPOINT_URL": "http://127.0.0.1:10"}
    settings = settings_of(monkeypatch, {**given, **OWN_KEY})
    assert settings.uses_embedded_store
    assert client_of(settings)[0] == "http://127.0.0.1:10"


def test_by_default_the_embedded_server_has_both_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, {"SIGNAL_BACKUPS_ANCHOR_BUCKET": "anchors"})
    with pytest.raises(StoreError, match="not running"):
        anchor_store(settings)
    with using_server(settings.embedded_store):
        store = anchor_store(settings)
        assert store is not None
        store._client.create_bucket(Bucket="anchors")
        store.create_bytes("key", b"body", "text/plain")
        assert store.bucket == "anchors"
        assert not open_vault(settings).store.configuration.exists()


def test_the_second_store_has_the_given_lock_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = LockPolicy(LockMode.GOVERNANCE, 1)
    store = anchor_store(settings_of(monkeypatch, MAIN), lock)
    assert store is not None
    assert store.lock == lock
