"""All settings, typed and validated, from the environment and ``.env``."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from signal_backups.core.base.days import parse_day
from signal_backups.core.base.errors import SettingsError, SignalBackupsError
from signal_backups.core.base.logs import LogFormat, LogLevel
from signal_backups.core.base.objectives import READ_WITHIN_DAYS, REMINDER_HOURS
from signal_backups.core.config.names import SETTING_NAMES_ELSEWHERE, refuse_wrong_names
from signal_backups.core.retention.profile import DEFAULT_PROFILE
from signal_backups.core.s3.connection import AddressingStyle, ChecksumMode
from signal_backups.core.signals.extra_columns import SETTING as EXTRA_COLUMNS_SETTING
from signal_backups.core.signals.extra_columns import ExtraChoice
from signal_backups.core.vault.layout import DEFAULT_PREFIX

EMBEDDED_BUCKET = "signal-backups"
ENV_FILE = Path(".env")


Kind = TypeVar("Kind", bound="LogSettings")


class LogSettings(BaseSettings):
    """Settings of the log output; loaded alone before a command begins."""

    # An empty variable counts as unset, so that its fallback or default applies.
    # Inputs are hidden: the pydantic error is the cause of ours, and Dagster logs causes.
    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    log_format: LogFormat | None = Field(None, validation_alias="SIGNAL_BACKUPS_LOG_FORMAT")
    log_level: LogLevel | None = Field(None, validation_alias="SIGNAL_BACKUPS_LOG_LEVEL")
    log_file: Path | None = Field(None, validation_alias="SIGNAL_BACKUPS_LOG_FILE")


class Settings(LogSettings):
    """All settings; ``.env.example`` explains each of them."""

    database_url: SecretStr | None = Field(None, validation_alias="SIGNALS_DATABASE_URL")
    table: str = Field("signals", validation_alias="SIGNALS_TABLE", min_length=1)
    drill_database_url: SecretStr | None = Field(None, validation_alias="SIGNAL_BACKUPS_DRILL_DATABASE_URL")
    bucket: str | None = Field(None, validation_alias=AliasChoices("BACKUP_BUCKET_NAME", "AWS_BUCKET_NAME"))
    extra_columns_text: str = Field("", validation_alias=EXTRA_COLUMNS_SETTING)
    prefix: str = Field(DEFAULT_PREFIX, validation_alias="BACKUP_PREFIX")
    start_date: date = Field(date(2026, 1, 1), validation_alias="SIGNAL_BACKUPS_START_DATE")
    home: Path = Field(Path(".local"), validation_alias="SIGNAL_BACKUPS_HOME")
    profile: str = Field(DEFAULT_PROFILE, validation_alias="SIGNAL_BACKUPS_PROFILE", min_length=1)
    storage_quota_gb: float | None = Field(
        None, validation_alias="SIGNAL_BACKUPS_STORAGE_QUOTA_GB", gt=0, allow_inf_nan=False
    )
    endpoint_url: str | None = Field(None, validation_alias=AliasChoices("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
    region: str | None = Field(None, validation_alias=AliasChoices("AWS_DEFAULT_REGION", "AWS_REGION"))
    access_key_id: str | None = Field(None, validation_alias="AWS_ACCESS_KEY_ID")
    secret_access_key: SecretStr | None = Field(None, validation_alias="AWS_SECRET_ACCESS_KEY")
    session_token: SecretStr | None = Field(None, validation_alias="AWS_SESSION_TOKEN")
    addressing_style: AddressingStyle = Field("auto", validation_alias="SIGNAL_BACKUPS_S3_ADDRESSING")
    checksum_mode: ChecksumMode = Field("auto", validation_alias="SIGNAL_BACKUPS_S3_CHECKSUMS")
    repair: bool = Field(True, validation_alias="SIGNAL_BACKUPS_REPAIR")
    alert_urls: SecretStr | None = Field(None, validation_alias="SIGNAL_BACKUPS_ALERT_URLS")
    alert_urls_critical: SecretStr | None = Field(None, validation_alias="SIGNAL_BACKUPS_ALERT_URLS_CRITICAL")
    alert_reminder_hours: float = Field(
        REMINDER_HOURS, validation_alias="SIGNAL_BACKUPS_ALERT_REMINDER_HOURS", gt=0, allow_inf_nan=False
    )
    read_within_days: int = Field(READ_WITHIN_DAYS, validation_alias="SIGNAL_BACKUPS_READ_WITHIN_DAYS", ge=1, le=3650)
    ui_url: str = Field("http://127.0.0.1:3000", validation_alias="SIGNAL_BACKUPS_UI_URL")
    tsa_url: str | None = Field(None, validation_alias="SIGNAL_BACKUPS_TSA_URL")
    tsa_ca_file: Path | None = Field(None, validation_alias="SIGNAL_BACKUPS_TSA_CA_FILE")
    anchor_bucket: str | None = Field(None, validation_alias="SIGNAL_BACKUPS_ANCHOR_BUCKET")
    anchor_endpoint_url: str | None = Field(None, validation_alias="SIGNAL_BACKUPS_ANCHOR_ENDPOINT_URL")
    anchor_region: str | None = Field(None, validation_alias="SIGNAL_BACKUPS_ANCHOR_REGION")
    anchor_access_key_id: str | None = Field(None, validation_alias="SIGNAL_BACKUPS_ANCHOR_ACCESS_KEY_ID")
    anchor_secret_access_key: SecretStr | None = Field(None, validation_alias="SIGNAL_BACKUPS_ANCHOR_SECRET_ACCESS_KEY")

    @field_validator("extra_columns_text")
    @classmethod
    def _extra_columns_can_be_kept(cls, text: str) -> str:
        ExtraChoice.parse(text)
        return text

    @field_validator("prefix")
    @classmethod
    def _prefix_is_a_folder(cls, prefix: str) -> str:
        cleaned = "/".join(part for part in prefix.split("/") if part)
        # Some stores collapse "//" in keys, so a prefix must not contain it.
        return f"{cleaned}/" if cleaned else DEFAULT_PREFIX

    @field_validator("start_date", mode="before")
    @classmethod
    def _start_date_is_a_day(cls, value: object) -> object:
        try:
            return parse_day(value) if isinstance(value, str) else value
        except SignalBackupsError as error:
            raise ValueError(str(error)) from error

    @field_validator("endpoint_url", "tsa_url", "anchor_endpoint_url", "ui_url")
    @classmethod
    def _endpoint_is_a_url(cls, url: str | None) -> str | None:
        # Errors, alerts and anchors show these URLs, so they must not contain a password; nor must this message.
        if url is not None and "@" in url:
            raise ValueError("contains a user name or password, which errors, alerts or anchors would show")
        # urlsplit raises ValueError for malformed URLs, such as one with an unclosed bracket.
        if url is not None and urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("does not begin with http:// or https://")
        return url

    @model_validator(mode="after")
    def _anchors_go_elsewhere(self) -> Self:
        if (self.anchor_access_key_id is None) != (self.anchor_secret_access_key is None):
            raise ValueError(
                "SIGNAL_BACKUPS_ANCHOR_ACCESS_KEY_ID and SIGNAL_BACKUPS_ANCHOR_SECRET_ACCESS_KEY: set both or neither"
            )
        main = self.bucket or EMBEDDED_BUCKET
        if self.anchor_bucket == main and self.anchor_endpoint_url in {None, self.endpoint_url}:
            raise ValueError(f"SIGNAL_BACKUPS_ANCHOR_BUCKET: {main} is the bucket of the backups, name another")
        return self

    @property
    def extra_columns(self) -> ExtraChoice:
        """Which columns of the table are kept that are no field."""
        return ExtraChoice.parse(self.extra_columns_text)

    @property
    def uses_embedded_database(self) -> bool:
        """Whether no database is set, so that the one under ``home`` is used."""
        return self.database_url is None

    @property
    def uses_embedded_store(self) -> bool:
        """Whether no bucket is set, so that the S3 server under ``home`` is used."""
        return self.bucket is None

    @property
    def start_date_is_set(self) -> bool:
        """Whether the start date was set, and is not the default."""
        return "start_date" in self.model_fields_set

    @property
    def embedded_database(self) -> Path:
        """File of the embedded database."""
        return self.home.absolute() / "signals.db"

    @property
    def embedded_store(self) -> Path:
        """Folder of the embedded S3 server."""
        return self.home.absolute() / "s3"

    @property
    def scratch(self) -> Path:
        """Root of the scratch folders of runs."""
        return self.home.absolute() / "scratch"

    @property
    def restores(self) -> Path:
        """Folder of the journals of unfinished restores."""
        return self.home.absolute() / "restores"

    @property
    def refused_rows(self) -> Path:
        """Folder of rows that restores of damaged backups did not import."""
        return self.home.absolute() / "refused_rows"

    @property
    def unwritten_events(self) -> Path:
        """The outbox: folder of audit events that could not be written to S3 yet."""
        return self.home.absolute() / "unwritten_events"

    @property
    def dagster_home(self) -> Path:
        """Dagster's persistent instance, unless ``DAGSTER_HOME`` names another."""
        return self.home.absolute() / "dagster"

    @property
    def read_within(self) -> timedelta:
        """The time within which everything stored is to be read again."""
        return timedelta(days=self.read_within_days)

    @property
    def drill_url(self) -> str | None:
        """URL of the server on which drills create their scratch database; None: the server of the source."""
        return self.drill_database_url.get_secret_value() if self.drill_database_url else None

    @property
    def source_url(self) -> str:
        """URL of the source; can contain a password, so it must not be shown."""
        if self.database_url is None:
            return f"sqlite:///{self.embedded_database}"
        return self.database_url.get_secret_value()


def load_settings() -> Settings:
    """Read the settings from the environment and ``.env``.

    Raises:
        SettingsError: a setting is malformed or misspelt, or a line of ``.env`` is malformed; the message names it, but
            not its value if it is secret.
    """
    return _load(Settings)


def load_log_settings() -> LogSettings:
    """Like ``load_settings``, but only the settings of the log output.

    Raises:
        SettingsError: as of ``load_settings``.
    """
    return _load(LogSettings)


def setting_names() -> frozenset[str]:
    """The name of every setting, as it stands in the environment."""
    aliases = [field.validation_alias for field in Settings.model_fields.values()]
    names = [alias.choices if isinstance(alias, AliasChoices) else [alias] for alias in aliases]
    return SETTING_NAMES_ELSEWHERE | {str(name) for several in names for name in several}


def _load(kind: type[Kind]) -> Kind:
    refuse_wrong_names(setting_names(), os.environ, ENV_FILE)
    try:
        return kind()
    except ValidationError as error:
        findings = "; ".join(f"{_name(item['loc'])}: {item['msg']}" for item in error.errors())
        raise SettingsError(f"wrong setting: {findings}", remedy="See .env.example") from error


def _name(location: tuple[int | str, ...]) -> str:
    return str(location[0]) if location else "settings"
