"""A misspelt name and a malformed line are refused, with the right name and the line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.config.names import SETTING_NAMES_ELSEWHERE
from signal_backups.core.config.settings import load_log_settings, load_settings, setting_names

PROJECT = Path(__file__).parents[3]
NAME = re.compile(r"\bSIGNAL_BACKUPS_[A-Z0-9_]+\b")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, without an ``.env``."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal() -> str:
    """What loading the settings is refused with; the log settings alone are refused with the same."""
    with pytest.raises(SettingsError) as refused:
        load_settings()
    with pytest.raises(SettingsError, match=re.escape(str(refused.value))):
        load_log_settings()
    return str(refused.value)


@pytest.mark.parametrize(
    ("misspelt", "right"),
    [
        ("SIGNAL_BACKUPS_PROFIL", "SIGNAL_BACKUPS_PROFILE"),
        ("SIGNAL_BACKUP_HOME", "SIGNAL_BACKUPS_HOME"),
        ("SIGNALS_BACKUPS_START_DATE", "SIGNAL_BACKUPS_START_DATE"),
        ("BACKUP_BUCKET", "BACKUP_BUCKET_NAME"),
        ("SIGNALS_DB_URL", "SIGNALS_DATABASE_URL"),
        ("signals_tabel", "SIGNALS_TABLE"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_right_one(
    monkeypatch: pytest.MonkeyPatch, empty_folder: Path, misspelt: str, right: str
) -> None:
    monkeypatch.setenv(misspelt, "x")
    assert refusal().startswith(f"{misspelt} in the environment is no setting: did you mean {right}?")
    monkeypatch.delenv(misspelt)
    (empty_folder / ".env").write_text(f"# ours\n{misspelt}=x\n")
    assert f"{misspelt} in {empty_folder}/.env, line 2, is no setting: did you mean {right}?" in refusal()


def test_a_name_that_is_like_none_is_refused_under_our_own_prefix_only(
    monkeypatch: pytest.MonkeyPatch, empty_folder: Path
) -> None:
    for of_others in ("BACKUP_DIR", "BACKUP_S3_REGION", "SIGNALS_PER_HOUR", "BACKUPS", "PATH_TO_SIGNAL"):
        monkeypatch.setenv(of_others, "somebody else's")
    load_settings()
    monkeypatch.setenv("SIGNAL_BACKUPS_XYZZY", "x")
    assert refusal().startswith("SIGNAL_BACKUPS_XYZZY in the environment is no setting. ")
    monkeypatch.delenv("SIGNAL_BACKUPS_XYZZY")
    (empty_folder / ".env").write_text("OTHER=1\nBACKUP_DIR=/x\n")
    assert "BACKUP_DIR in" in refusal()


def test_an_unset_misspelt_name_matters_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_PROFIL", "")
    load_settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1\nnever closed is no line\nB=2\n", "line 2 of {file} is no NAME=value. "),
        ("AWS_SECRET_ACCESS_KEY: never closed\n", "line 1 of {file} is no NAME=value: AWS_SECRET_ACCESS_KEY…"),
        ("A=1\n\nBACKUP_BUCKET_NAME\n", "line 3 of {file} is no NAME=value: BACKUP_BUCKET_NAME…"),
        ("BACKUP_PREFIX='never closed\n", "line 1 of {file} is no NAME=value: BACKUP_PREFIX…"),
        ("AWS_SECRET_ACCESS_KEY='never closed\n", "line 1 of {file} is no NAME=value: AWS_SECRET_ACCESS_KEY…"),
        ("\ufeffBACKUP_BUCKET_NAME=x\n", "line 1 of {file} begins with a byte order mark"),
        (b"A=\xff\n", "{file} is not UTF-8"),
    ],
)
def test_a_malformed_line_is_one_error_with_its_number_and_no_value(
    empty_folder: Path, caplog: pytest.LogCaptureFixture, text: str | bytes, words: str
) -> None:
    file = empty_folder / ".env"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert refusal().startswith(words.format(file=file))
    assert "never closed" not in refusal()
    assert caplog.records == []


def test_an_unreadable_file_is_an_error(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / ".env").write_text("A=1\n")

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert refusal().startswith(f"cannot read {empty_folder}/.env: Permission denied")


def test_a_good_file_is_read(empty_folder: Path) -> None:
    lines = ["# comment", "", "export BACKUP_BUCKET_NAME = 'one'", "FOREIGN='two\nlines'", "BACKUP_PREFIX=x # y", "E="]
    (empty_folder / ".env").write_text("\n".join(lines))
    assert (load_settings().bucket, load_settings().prefix) == ("one", "x/")


def test_every_name_that_the_product_reads_or_explains_is_known() -> None:
    files = [PROJECT / ".env.example", PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")]
    files += (PROJECT / "signal_backups").rglob("*.py")
    named = {name for file in files for name in NAME.findall(file.read_text()) if not name.endswith("_")}
    assert named - setting_names() == set()


def test_the_example_file_explains_every_name() -> None:
    explained = set(re.findall(r"^#(\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    fallbacks = {"AWS_BUCKET_NAME", "AWS_ENDPOINT_URL", "AWS_REGION"}
    assert explained - {"DAGSTER_HOME"} == setting_names() - fallbacks
    assert setting_names() >= SETTING_NAMES_ELSEWHERE
