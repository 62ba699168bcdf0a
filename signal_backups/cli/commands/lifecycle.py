"""``signal-backups lifecycle show | diff | apply``: the bucket's lifecycle rules, ours and foreign ones."""

from __future__ import annotations

from typing import Any

import typer

from signal_backups.cli.options import ConfirmOption, JsonOption, ProfileOption
from signal_backups.cli.output import print_line
from signal_backups.cli.results import CommandResult, show
from signal_backups.cli.session import settings_with_notice, started_store
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.rules import is_ours
from signal_backups.core.retention.setup import set_up_bucket, setup_plan_of
from signal_backups.core.retention.setup_plan import Setting, SetupPlan
from signal_backups.core.s3.lifecycle import LifecycleRule
from signal_backups.core.s3.lifecycle_words import rule_in_words
from signal_backups.core.vault.vault import BackupVault

lifecycle = typer.Typer(no_args_is_help=True, help="Show, compare and apply the bucket's lifecycle rules.")


class LifecycleRules(CommandResult):
    """The document of ``lifecycle show``; rules as S3 returns them."""

    rules: list[dict[str, Any]]
    transition_minimum: str | None


class LifecycleDifference(CommandResult):
    """The document of ``lifecycle diff`` and ``apply``."""

    bucket: str
    profile: str
    applied: tuple[str, ...]
    differences: tuple[str, ...]
    needs_confirmation: tuple[str, ...]
    missing_capability: str | None
    foreign_rules: tuple[str, ...]
    threats: tuple[str, ...]

    @classmethod
    def of(cls, found: SetupPlan, before: SetupPlan | None = None) -> LifecycleDifference:
        """What is left to change; with ``before``, also what was changed since."""
        left = found.change(Setting.LIFECYCLE)
        done = before.change(Setting.LIFECYCLE) if before else None
        return cls(
            ok=left is None and not found.threats,
            bucket=found.bucket,
            profile=found.profile,
            applied=done.lines if done else (),
            differences=left.lines if left else (),
            needs_confirmation=left.confirm if left else (),
            missing_capability=found.missing_capabilities.get(Setting.LIFECYCLE),
            foreign_rules=found.foreign_rules,
            threats=found.threats,
        )


@lifecycle.command("show")
def show_rules(as_json: JsonOption = False) -> None:
    """Show the rules the bucket has, foreign ones included."""
    settings = settings_with_notice()
    with started_store(settings, load_profile(settings.profile)) as vault:
        stored = vault.store.configuration.lifecycle()
    rules = LifecycleRules(ok=True, rules=list(stored.rules), transition_minimum=stored.transition_minimum)
    show(rules, lambda found: _print_rules(found, vault), as_json=as_json)


@lifecycle.command()
def diff(profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Show what separates the rules from the profile; exit code 1 when anything does."""
    settings = settings_with_notice()
    wanted = load_profile(profile or settings.profile)
    with started_store(settings, wanted) as vault:
        found = setup_plan_of(vault, wanted)
    _end_with(LifecycleDifference.of(found), as_json=as_json)


@lifecycle.command()
def apply(profile: ProfileOption = None, confirm: ConfirmOption = False, as_json: JsonOption = False) -> None:
    """Make the rules those of the profile; foreign rules are kept."""
    settings = settings_with_notice()
    wanted = load_profile(profile or settings.profile)
    with started_store(settings, wanted) as vault:
        before = setup_plan_of(vault, wanted)
        set_up_bucket(vault, wanted, confirmed=confirm, only={Setting.LIFECYCLE})
        after = setup_plan_of(vault, wanted)
    _end_with(LifecycleDifference.of(after, before), as_json=as_json)


def _end_with(result: LifecycleDifference, *, as_json: bool) -> None:
    show(result, _print_difference, as_json=as_json)
    if not result.ok:
        raise typer.Exit(int(ExitCode.FAILED))


def _print_rules(result: LifecycleRules, vault: BackupVault) -> None:
    for raw in result.rules:
        name = raw.get("ID", "")
        foreign = "" if is_ours(name, vault.layout) else f"foreign rule {name!r}: "
        print_line(f"{foreign}{rule_in_words(LifecycleRule.from_s3(raw))}")
    if not result.rules:
        print_line(f"Bucket {vault.store.bucket} has no lifecycle rules: nothing is ever moved or removed")
    print_line(f"Smallest objects moved: {result.transition_minimum or 'this store does not say'}")


def _print_difference(result: LifecycleDifference) -> None:
    for line in (*result.applied, *result.differences):
        print_line(line)
    for reason in result.needs_confirmation:
        print_line(f"! {reason}: needs --confirm")
    for threat in result.threats:
        print_line(f"! {threat}")
    if result.missing_capability:
        print_line(f"This store cannot do all of it: {result.missing_capability}")
    if result.ok:
        print_line(f"Bucket {result.bucket} has the lifecycle of profile {result.profile}")
