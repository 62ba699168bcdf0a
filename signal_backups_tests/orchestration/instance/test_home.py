"""The persistent instance of commands that Dagster did not start."""

from pathlib import Path

import pytest
import yaml

from signal_backups.orchestration.instance.home import persistent_instance, prepare_home


def test_a_new_home_has_telemetry_and_the_newsletter_off(tmp_path: Path) -> None:
    config = prepare_home(tmp_path / "a" / "b") / "dagster.yaml"
    assert yaml.safe_load(config.read_text(encoding="utf-8")) == {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }


def test_a_configured_home_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("# mine\n", encoding="utf-8")
    assert (prepare_home(tmp_path) / "dagster.yaml").read_text(encoding="utf-8") == "# mine\n"


def test_without_a_dagster_home_the_default_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "to be removed after the test")
    monkeypatch.delenv("DAGSTER_HOME")
    with persistent_instance(tmp_path / "default") as instance:
        assert Path(instance.root_directory) == tmp_path / "default"


def test_dagster_home_goes_before_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "mine"))
    with persistent_instance(tmp_path / "default") as instance:
        assert Path(instance.root_directory) == tmp_path / "mine"
    assert not (tmp_path / "default").exists()


def test_runs_are_remembered_from_one_command_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with persistent_instance(tmp_path) as instance:
        instance.run_storage.set_cursor_values({"key": "value"})
    with persistent_instance(tmp_path) as instance:
        assert instance.run_storage.get_cursor_values({"key"}) == {"key": "value"}
