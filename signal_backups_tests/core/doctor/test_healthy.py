"""The doctor's findings for healthy installations, and the objects that an examination writes."""

from __future__ import annotations

from dataclasses import replace

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.doctor.finding import DoctorCheck, State
from signal_backups.core.doctor.probes import RACING_WRITERS
from signal_backups_tests.core.doctor.installations import Installation, faulty, finding_of, states

_DAGSTER = {DoctorCheck.INSTANCE, DoctorCheck.DAEMON, DoctorCheck.SCHEDULES, DoctorCheck.SENSORS}


def test_every_check_passes_on_a_healthy_installation(installation: Installation) -> None:
    report = installation.examined()
    assert [(each.check, each.found) for each in report.findings if each.state is not State.OK] == []
    assert {finding.check for finding in report.findings} == set(DoctorCheck) - _DAGSTER
    assert (report.ok, report.exit_code) == (True, ExitCode.OK)
    assert all(finding.remedy is None for finding in report.findings)


def test_a_store_that_sends_no_date_leaves_only_the_clock_unchecked(amazon: Installation) -> None:
    report = amazon.examined()
    assert faulty(report) == set()
    assert states(report, State.NOT_CHECKED) == {DoctorCheck.CLOCK}
    assert report.exit_code is ExitCode.OK


def test_a_profile_without_lock_needs_no_object_lock(amazon: Installation) -> None:
    unlocked = replace(amazon.set(SIGNAL_BACKUPS_PROFILE="documented"), bucket="unlocked", is_embedded=True)
    unlocked.make_bucket()
    report = unlocked.examined()
    assert faulty(report) == {DoctorCheck.LATEST_BACKUP}
    assert "requires none" in finding_of(report, DoctorCheck.OBJECT_LOCK).found


def test_probe_objects_are_under_the_prefix(installation: Installation) -> None:
    below = installation.set(BACKUP_PREFIX="desk/fx/")
    below.make_bucket()
    below.examined()
    keys = {version.key for version in below.vault().store.list_versions("")}
    assert "desk/fx/audit/doctor/probe" in keys
    assert not any(key.startswith("audit/doctor/") for key in keys)


def test_it_writes_two_tiny_objects_where_the_lifecycle_removes_them(installation: Installation) -> None:
    vault = installation.vault()
    before = {(version.key, version.version_id) for version in vault.store.list_versions("")}
    installation.examined()
    installation.examined()
    new = [version for version in vault.store.list_versions("") if (version.key, version.version_id) not in before]
    assert sum(version.key == "audit/doctor/probe" for version in new) == 2
    assert len(new) == 4
    assert all(version.key.startswith(vault.layout.prefixes_of("evidence")) for version in new)
    assert [version.size for version in new if version.size > 120] == []
    assert not any(version.is_delete_marker for version in new)
    assert len(installation.written) == 2
    assert sum(installation.written) <= sum(version.size for version in new)


def test_locked_probe_objects_do_not_disturb_the_next_examination(installation: Installation) -> None:
    installation.examined()
    store = installation.vault().store
    (probe, *_) = store.list_versions("audit/doctor/probe")
    assert store.lock_of(probe.key, probe.version_id).mode == "COMPLIANCE"
    assert faulty(installation.examined()) == set()


def test_several_writers_create_an_object_at_once(amazon: Installation) -> None:
    assert f"{RACING_WRITERS} writers" in finding_of(amazon.examined(), DoctorCheck.CONDITIONAL_WRITES).found


def test_a_successful_delete_is_normal_for_the_embedded_store_only(amazon: Installation) -> None:
    unlocked = replace(amazon.set(SIGNAL_BACKUPS_PROFILE="documented"), bucket="unlocked")
    unlocked.make_bucket()
    found = finding_of(unlocked.examined(), DoctorCheck.DELETE)
    assert (found.state, found.remedy) == (
        State.WARNING,
        "signal-backups iam-policy writer prints what the daily role needs",
    )
    embedded = finding_of(replace(unlocked, is_embedded=True).examined(), DoctorCheck.DELETE)
    assert embedded.state is State.OK
    assert "normal" in embedded.found
    assert unlocked.vault().store.list_versions("audit/doctor/probe") == []
