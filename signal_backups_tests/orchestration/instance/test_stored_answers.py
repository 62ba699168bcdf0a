"""Answers of asset checks as the instance stores them."""

from __future__ import annotations

import dagster as dg

from signal_backups.orchestration.instance.stored_answers import failing_partitions, failures, last_answer

CHECK = dg.AssetCheckKey(dg.AssetKey("asset"), "check")
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


def answer(
    instance: dg.DagsterInstance, passed: bool, partition: str | None = None, severity: dg.AssetCheckSeverity = ERROR
) -> None:
    evaluation = dg.AssetCheckEvaluation(
        asset_key=CHECK.asset_key,
        check_name=CHECK.name,
        passed=passed,
        severity=severity,
        description="words",
        partition=partition,
    )
    instance.report_runless_asset_event(evaluation)


def test_the_last_answer_of_a_check(instance: dg.DagsterInstance) -> None:
    assert last_answer(instance, CHECK) is None
    answer(instance, passed=True)
    answer(instance, passed=False, severity=WARN)
    found = last_answer(instance, CHECK)
    assert found is not None
    assert (found.passed, found.is_error, found.description, found.partition) == (False, False, "words", None)


def test_failures_are_the_newest_first_and_bounded(instance: dg.DagsterInstance) -> None:
    for partition in ("2024-01-01", "2024-01-02", "2024-01-03"):
        answer(instance, passed=False, partition=partition)
    answer(instance, passed=True, partition="2024-01-04")
    assert [found.partition for found in failures(instance, CHECK, 2)] == ["2024-01-03", "2024-01-02"]
    assert all(found.is_error for found in failures(instance, CHECK, 2))


def test_only_the_partitions_in_question_are_looked_up(instance: dg.DagsterInstance) -> None:
    for partition, passed in (("2024-01-01", True), ("2024-01-02", False), ("2024-01-03", False)):
        answer(instance, passed=passed, partition=partition)
    assert failing_partitions(instance, CHECK, {"2024-01-01", "2024-01-02"}) == {"2024-01-02"}
    assert failing_partitions(instance, CHECK, set()) == set()
