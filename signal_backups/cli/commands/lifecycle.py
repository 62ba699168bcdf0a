"""``signal-backups lifecycle show | diff | apply``: the bucket's lifecycle rules, ours and foreign ones."""

from __future__ import annotations

import typer

from signal_backups.cli.options import ConfirmOption, JsonOption, ProfileOption
from signal_backups.cli.output import print_json, print_line
from signal_backups.cli.session import settings_with_notice, started_store
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.rules import is_ours
from signal_backups.core.retention.setup import Setting, SetupPlan, make_right, plan_for
from signal_backups.core.s3.lifecycle import LifecycleRule
from signal_backups.core.s3.lifecycle_words import rule_in_words

lifecycle = typer.Typer(no_args_is_help=True, help="Show, compare and apply the bucket's lifecycle rules.")


@lifecycle.command()
def show(as_json: JsonOption = False) -> None:
    """Show the rules the bucket has, foreign ones included."""
    settings = settings_with_notice()
    with started_store(settings, load_profile(settings.profile)) as vault:
        stored = vault.store.configuration.lifecycle()
    if as_json:
        print_json({"ok": True, "rules": list(stored.rules), "transition_minimum": stored.transition_minimum})
        return
    for raw in stored.rules:
        name = raw.get("ID", "")
        foreign = "" if is_ours(name, vault.layout) else f"foreign rule {name!r}: "
        print_line(f"{foreign}{rule_in_words(LifecycleRule.from_s3(raw))}")
    if not stored.rules:
        print_line(f"Bucket {vault.store.bucket} has no lifecycle rules: nothing ever moves or expires")
    print_line(f"Smallest objects moved: {stored.transition_minimum or 'this store does not tell'}")


@lifecycle.command()
def diff(profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Show what separates the rules from the profile; exit code 1 when anything does."""
    settings = settings_with_notice()
    wanted = load_profile(profile or settings.profile)
    with started_store(settings, wanted) as vault:
        found = plan_for(vault, wanted)
    _report(found, as_json=as_json)
    if _differs(found):
        raise typer.Exit(int(ExitCode.FAILED))


@lifecycle.command()
def apply(profile: ProfileOption = None, confirm: ConfirmOption = False, as_json: JsonOption = False) -> None:
    """Make the rules those of the profile; foreign rules are kept."""
    settings = settings_with_notice()
    wanted = load_profile(profile or settings.profile)
    with started_store(settings, wanted) as vault:
        before = plan_for(vault, wanted)
        make_right(vault, wanted, confirmed=confirm, only={Setting.LIFECYCLE})
        after = plan_for(vault, wanted)
    _report(after, before, as_json=as_json)
    if _differs(after):
        raise typer.Exit(int(ExitCode.FAILED))


def _differs(found: SetupPlan) -> bool:
    return found.change(Setting.LIFECYCLE) is not None or bool(found.threats)


def _report(found: SetupPlan, before: SetupPlan | None = None, *, as_json: bool) -> None:
    left = found.change(Setting.LIFECYCLE)
    done = before.change(Setting.LIFECYCLE) if before else None
    if as_json:
        print_json(
            {
                "ok": not _differs(found),
                "bucket": found.bucket,
                "profile": found.profile,
                "applied": list(done.lines) if done else [],
                "differences": list(left.lines) if left else [],
                "needs_confirmation": list(left.confirm) if left else [],
                "missing_capability": found.missing_capabilities.get(Setting.LIFECYCLE),
                "foreign_rules": list(found.foreign_rules),
                "threats": list(found.threats),
            }
        )
        return
    for change in (done, left):
        for line in change.lines if change else ():
            print_line(line)
    for reason in left.confirm if left else ():
        print_line(f"! {reason}: needs --confirm")
    for threat in found.threats:
        print_line(f"! {threat}")
    if missing := found.missing_capabilities.get(Setting.LIFECYCLE):
        print_line(f"This store cannot do all of it: {missing}")
    if not _differs(found):
        print_line(f"Bucket {found.bucket} has the lifecycle of profile {found.profile}")
