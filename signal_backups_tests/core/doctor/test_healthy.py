"""What the doctor says of set-ups with nothing wrong, and what the examination leaves behind."""

from __future__ import annotations

from dataclasses import replace

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.doctor.finding import DoctorCheck, State
from signal_backups.core.doctor.probes import RACING_WRITERS
from signal_backups_tests.core.doctor.installations import Installation, finding_of, ill, states

_DAGSTER = {DoctorCheck.INSTANCE, DoctorCheck.DAEMON, DoctorCheck.SCHEDULES, DoctorCheck.SENSORS}


def test_a_healthy_set_up_is_well_in_every_point(installation: Installation) -> None:
    report = installation.examined()
    assert [(each.check, each.found) for each in report.findings if each.state is not State.OK] == []
    assert {finding.check for finding in report.findings} == set(DoctorCheck) - _DAGSTER
    assert (report.ok, report.exit_code) == (True, ExitCode.OK)
    assert all(finding.remedy is None for finding in report.findings)


def test_amazons_own_store_is_well_but_for_the_clock_that_it_does_not_tell(amazon: Installation) -> None:
    report = amazon.examined()
    assert ill(report) == set()
    assert states(report, State.NOT_CHECKED) == {DoctorCheck.CLOCK}
    assert report.exit_code is ExitCode.OK


def test_without_a_lock_it_is_well_too(amazon: Installation) -> None:
    unlocked = replace(amazon.set(SIGNAL_BACKUPS_PROFILE="documented"), bucket="unlocked", is_embedded=True)
    unlocked.make_bucket()
    report = unlocked.examined()
    assert ill(report) == {DoctorCheck.LATEST_BACKUP}
    assert "asks for none" in finding_of(report, DoctorCheck.OBJECT_LOCK).found


def test_it_works_under_a_prefix(installation: Installation) -> None:
    below = installation.set(BACKUP_PREFIX="desk/fx/")
    below.make_bucket()
    below.examined()
    keys = {version.key for version in below.vault().store.list_versions("")}
    assert "desk/fx/audit/doctor/probe" in keys
    assert not any(key.startswith("audit/doctor/") for key in keys)


def test_two_tiny_objects_are_written_where_the_lifecycle_ends_them(installation: Installation) -> None:
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


def test_what_it_wrote_is_locked_for_ever_and_does_not_disturb_the_next_examination(installation: Installation) -> None:
    installation.examined()
    store = installation.vault().store
    (probe, *_) = store.list_versions("audit/doctor/probe")
    assert store.lock_of(probe.key, probe.version_id).mode == "COMPLIANCE"
    assert ill(installation.examined()) == set()


def test_the_writers_race(amazon: Installation) -> None:
    assert f"{RACING_WRITERS} writers" in finding_of(amazon.examined(), DoctorCheck.CONDITIONAL_WRITES).found


def test_a_deletion_that_succeeds_is_normal_for_the_embedded_store_only(amazon: Installation) -> None:
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
