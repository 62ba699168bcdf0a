"""Settings: defaults, fallbacks, and one clear error for a bad value."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from signal_backups.core.base.errors import ExitCode, SettingsError
from signal_backups.core.config.settings import load_settings
from signal_backups.core.signals.extra_columns import ExtraChoice


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, without an ``.env``."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_any_setting_the_embedded_defaults_apply(empty_folder: Path) -> None:
    settings = load_settings()
    assert settings.uses_embedded_database
    assert settings.uses_embedded_store
    assert not settings.start_date_is_set
    assert (settings.table, settings.prefix) == ("signals", "signals/")
    assert settings.source_url == f"sqlite:///{empty_folder}/.local/signals.db"
    assert settings.scratch == empty_folder / ".local" / "scratch"
    assert settings.embedded_store == empty_folder / ".local" / "s3"
    assert settings.dagster_home == empty_folder / ".local" / "dagster"


def test_every_setting_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "SIGNALS_DATABASE_URL": "sqlite:////a.db",
        "SIGNALS_TABLE": "desk.signals",
        "BACKUP_BUCKET_NAME": "bucket",
        "BACKUP_PREFIX": "desk/signals/",
        "SIGNAL_BACKUPS_START_DATE": "2026-09-01",
        "SIGNAL_BACKUPS_HOME": "/somewhere",
        "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "SIGNAL_BACKUPS_S3_ADDRESSING": "virtual",
        "SIGNAL_BACKUPS_S3_CHECKSUMS": "when_required",
        "SIGNAL_BACKUPS_REPAIR": "off",
        "SIGNAL_BACKUPS_ALERT_REMINDER_HOURS": "1.5",
        "SIGNAL_BACKUPS_UI_URL": "https://dagster.example.com",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.source_url == "sqlite:////a.db"
    assert (settings.table, settings.bucket, settings.prefix) == ("desk.signals", "bucket", "desk/signals/")
    assert settings.start_date_is_set
    assert settings.start_date == date(2026, 9, 1)
    assert settings.home == Path("/somewhere")
    assert (settings.endpoint_url, settings.region) == ("https://s3.example.com", "eu-west-1")
    assert settings.access_key_id == "key"
    assert settings.secret_access_key is not None
    assert settings.secret_access_key.get_secret_value() == "secret"
    assert settings.session_token is not None
    assert settings.session_token.get_secret_value() == "token"
    assert (settings.addressing_style, settings.checksum_mode) == ("virtual", "when_required")
    assert (settings.repair, settings.alert_reminder_hours) == (False, 1.5)
    assert settings.ui_url == "https://dagster.example.com"
    assert not settings.uses_embedded_database
    assert not settings.uses_embedded_store


@pytest.mark.parametrize(
    ("name", "fallback", "field"),
    [
        ("BACKUP_BUCKET_NAME", "AWS_BUCKET_NAME", "bucket"),
        ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "endpoint_url"),
        ("AWS_DEFAULT_REGION", "AWS_REGION", "region"),
    ],
)
def test_fallbacks(monkeypatch: pytest.MonkeyPatch, name: str, fallback: str, field: str) -> None:
    monkeypatch.setenv(fallback, "https://second")
    assert getattr(load_settings(), field) == "https://second"
    monkeypatch.setenv(name, "")
    assert getattr(load_settings(), field) == "https://second"
    monkeypatch.setenv(name, "https://first")
    assert getattr(load_settings(), field) == "https://first"


@pytest.mark.parametrize(
    "name", ["SIGNALS_DATABASE_URL", "SIGNALS_TABLE", "BACKUP_BUCKET_NAME", "BACKUP_PREFIX", "AWS_ENDPOINT_URL_S3",
             "SIGNAL_BACKUPS_START_DATE", "SIGNAL_BACKUPS_S3_ADDRESSING", "SIGNAL_BACKUPS_HOME"]
)  # fmt: skip
def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    unset = load_settings()
    monkeypatch.setenv(name, "")
    assert load_settings() == unset


@pytest.mark.parametrize(
    ("given", "prefix"),
    [("signals", "signals/"), ("/a//b/", "a/b/"), ("desk/signals/", "desk/signals/"), ("/", "signals/")],
)
def test_a_prefix_is_one_folder(monkeypatch: pytest.MonkeyPatch, given: str, prefix: str) -> None:
    monkeypatch.setenv("BACKUP_PREFIX", given)
    assert load_settings().prefix == prefix


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNAL_BACKUPS_START_DATE", "2026-02-30"),
        ("SIGNAL_BACKUPS_START_DATE", "soon"),
        ("AWS_ENDPOINT_URL_S3", "localhost:9000"),
        ("SIGNAL_BACKUPS_S3_ADDRESSING", "sideways"),
        ("SIGNAL_BACKUPS_S3_CHECKSUMS", "never"),
        ("SIGNAL_BACKUPS_ALERT_REMINDER_HOURS", "0"),
        ("SIGNAL_BACKUPS_REPAIR", "perhaps"),
        ("SIGNAL_BACKUPS_UI_URL", "localhost:3000"),
    ],
)
def test_a_bad_value_is_one_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as raised:
        load_settings()
    assert raised.value.exit_code == ExitCode.USAGE
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
        "SIGNAL_BACKUPS_ANCHOR_ENDPOINT_URL",
        "SIGNAL_BACKUPS_TSA_URL",
        "SIGNAL_BACKUPS_UI_URL",
    ],
)
@pytest.mark.parametrize("url", ["http://user:hunter2@host.example", "http//user:hunter2@host", "hunter2.example"])
def test_an_address_that_has_a_password_or_is_malformed_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(SettingsError, match=name.replace("URL_S3", "URL")) as raised:
        load_settings()
    # Dagster logs the cause as well.
    assert "hunter2" not in f"{raised.value} {raised.value.__cause__}"


def test_all_bad_values_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "localhost")
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", "soon")
    with pytest.raises(SettingsError, match=r"(?s)START_DATE.*AWS_ENDPOINT_URL_S3|AWS_ENDPOINT_URL_S3.*START_DATE"):
        load_settings()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = ("SIGNALS_DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    for name in (*secret, "SIGNAL_BACKUPS_ALERT_URLS", "SIGNAL_BACKUPS_ALERT_URLS_CRITICAL"):
        monkeypatch.setenv(name, "postgresql://u:hush@h/d")
    settings = load_settings()
    assert "hush" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_an_env_file_is_read_and_the_environment_overrides_it(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / ".env").write_text('BACKUP_BUCKET_NAME="from-file"\nSIGNALS_TABLE=t\nOTHER=1\n', encoding="utf-8")
    assert (load_settings().bucket, load_settings().table) == ("from-file", "t")
    monkeypatch.setenv("BACKUP_BUCKET_NAME", "from-environment")
    assert load_settings().bucket == "from-environment"


def test_an_error_names_a_bad_value_in_an_env_file(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("SIGNAL_BACKUPS_START_DATE=soon\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="SIGNAL_BACKUPS_START_DATE"):
        load_settings()


def test_the_settings_of_anchors_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert (settings.tsa_url, settings.tsa_ca_file, settings.anchor_bucket) == (None, None, None)
    given = {
        "SIGNAL_BACKUPS_TSA_URL": "http://tsa.example.com/tsr",
        "SIGNAL_BACKUPS_TSA_CA_FILE": "/etc/tsa.pem",
        "SIGNAL_BACKUPS_ANCHOR_BUCKET": "anchors",
        "SIGNAL_BACKUPS_ANCHOR_ENDPOINT_URL": "https://s3.other.example.com",
        "SIGNAL_BACKUPS_ANCHOR_REGION": "eu-north-1",
        "SIGNAL_BACKUPS_ANCHOR_ACCESS_KEY_ID": "anchor-key",
        "SIGNAL_BACKUPS_ANCHOR_SECRET_ACCESS_KEY": "anchor-secret",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.tsa_url, settings.tsa_ca_file) == ("http://tsa.example.com/tsr", Path("/etc/tsa.pem"))
    assert (settings.anchor_bucket, settings.anchor_region) == ("anchors", "eu-north-1")
    assert settings.anchor_endpoint_url == "https://s3.other.example.com"
    assert settings.anchor_access_key_id == "anchor-key"
    assert settings.anchor_secret_access_key is not None
    assert settings.anchor_secret_access_key.get_secret_value() == "anchor-secret"
    assert "anchor-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"SIGNAL_BACKUPS_TSA_URL": "file:///etc/passwd"}, "does not begin with http"),
        ({"SIGNAL_BACKUPS_TSA_URL": "https://user:hunter2@tsa.example.com"}, "errors, alerts or anchors would show"),
        ({"SIGNAL_BACKUPS_TSA_URL": "user:hunter2@tsa.example.com"}, "errors, alerts or anchors would show"),
        ({"SIGNAL_BACKUPS_TSA_URL": "http://[tsa"}, "SIGNAL_BACKUPS_TSA_URL"),
        ({"SIGNAL_BACKUPS_ANCHOR_ENDPOINT_URL": "s3.example.com"}, "does not begin with http"),
        ({"SIGNAL_BACKUPS_ANCHOR_ACCESS_KEY_ID": "key"}, "set both or neither"),
        ({"SIGNAL_BACKUPS_ANCHOR_SECRET_ACCESS_KEY": "hunter2"}, "set both or neither"),
        ({"SIGNAL_BACKUPS_ANCHOR_BUCKET": "signal-backups"}, "name another"),
        ({"SIGNAL_BACKUPS_ANCHOR_BUCKET": "mine", "BACKUP_BUCKET_NAME": "mine"}, "name another"),
    ],
)
def test_invalid_settings_of_anchors_are_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], words: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)


def test_a_bucket_of_the_same_name_in_another_store_is_another_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_BUCKET_NAME", "mine")
    monkeypatch.setenv("SIGNAL_BACKUPS_ANCHOR_BUCKET", "mine")
    monkeypatch.setenv("SIGNAL_BACKUPS_ANCHOR_ENDPOINT_URL", "https://s3.other.example.com")
    assert load_settings().anchor_bucket == "mine"


def test_extra_columns_are_named_as_in_a_line_of_a_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().extra_columns == ExtraChoice()
    monkeypatch.setenv("SIGNAL_BACKUPS_EXTRA_COLUMNS", 'fee, "a,b"')
    assert load_settings().extra_columns == ExtraChoice(names=("fee", "a,b"))
    monkeypatch.setenv("SIGNAL_BACKUPS_EXTRA_COLUMNS", "fee,unreadable_values")
    with pytest.raises(SettingsError, match="column 'unreadable_values' cannot be kept"):
        load_settings()
