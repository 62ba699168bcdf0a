"""``signal-backups init``: make the bucket what the profile asks for, again and again with the same result."""

from __future__ import annotations

from typing import Annotated

import typer

from signal_backups.cli.options import ConfirmOption, JsonOption, ProfileOption
from signal_backups.cli.output import print_line
from signal_backups.cli.results import CommandResult, show
from signal_backups.cli.session import make_anchor_bucket, settings_with_notice, started_store
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.cost.break_even import break_even_note
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.setup import set_up_bucket, setup_plan_of
from signal_backups.core.retention.setup_plan import Change, Setting, SetupPlan


class InitResult(CommandResult):
    """The document of ``init``: what was (or would be) changed, and what stays as it is."""

    dry_run: bool
    bucket: str
    profile: str
    changes: tuple[Change, ...]
    anchor_bucket: str | None
    anchor_bucket_changes: tuple[Change, ...]
    refused: dict[Setting, str]
    left: tuple[Setting, ...]
    missing_capabilities: dict[Setting, str]
    foreign_rules: tuple[str, ...]
    threats: tuple[str, ...]

    @classmethod
    def of(
        cls,
        before: SetupPlan,
        after: SetupPlan,
        refused: dict[Setting, str],
        anchors: tuple[str | None, list[Change]],
        *,
        dry_run: bool,
    ) -> InitResult:
        """From the plans before and after, what the store refused, and what changed of the bucket of anchors."""
        return cls(
            ok=dry_run or after.in_order,
            dry_run=dry_run,
            bucket=before.bucket,
            profile=before.profile,
            changes=before.changes,
            anchor_bucket=anchors[0],
            anchor_bucket_changes=tuple(anchors[1]),
            refused=refused,
            left=tuple(change.setting for change in after.changes),
            missing_capabilities=after.missing_capabilities,
            foreign_rules=after.foreign_rules,
            threats=after.threats,
        )


def init(
    profile: ProfileOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    confirm: ConfirmOption = False,
    as_json: JsonOption = False,
) -> None:
    """Create the bucket if it is missing and set it up: versions, lifecycle, Object Lock, access."""
    settings = settings_with_notice(creates=not dry_run)
    wanted = load_profile(profile or settings.profile)
    with started_store(settings, wanted) as vault:
        before = setup_plan_of(vault, wanted)
        refused = {} if dry_run else set_up_bucket(vault, wanted, confirmed=confirm)
        after = before if dry_run else setup_plan_of(vault, wanted)
        anchors = settings.anchor_bucket, make_anchor_bucket(settings, vault, wanted, dry_run=dry_run)
    result = InitResult.of(before, after, refused, anchors, dry_run=dry_run)
    show(result, lambda found: _print(found, _verdict(before, after, found)), as_json=as_json)
    if not as_json:
        print_line(_smallest_moved(wanted))
    if profile and profile != settings.profile and not as_json:
        print_line(f"Set SIGNAL_BACKUPS_PROFILE={profile}, or backups and checks go on with {settings.profile}")
    if not dry_run and not after.in_order:
        raise typer.Exit(int(ExitCode.FAILED))


def _print(result: InitResult, verdict: str) -> None:
    print_line(f"Bucket {result.bucket}, profile {result.profile}")
    _print_changes(result.changes)
    for name in result.foreign_rules:
        print_line(f"  foreign lifecycle rule, kept: {name}")
    for threat in result.threats:
        print_line(f"  ! {threat}")
    for setting, reason in {**result.missing_capabilities, **result.refused}.items():
        print_line(f"  this store cannot: {setting}: {reason}")
    if result.anchor_bucket_changes:
        print_line(f"Bucket {result.anchor_bucket}, for anchors")
        _print_changes(result.anchor_bucket_changes)
    print_line(verdict)


def _print_changes(changes: tuple[Change, ...]) -> None:
    for change in changes:
        print_line(f"  {change.setting}:")
        for line in change.lines:
            print_line(f"    {line}")
        for reason in change.confirm:
            print_line(f"    ! {reason}")


def _smallest_moved(profile: Profile) -> str:
    """What becomes of small objects, on purpose, and why that is cheaper."""
    sizes = {
        "all_storage_classes_128K": "Rules without a size move nothing below 128 KiB, on purpose.",
        "varies_by_storage_class": "Rules without a size move objects of any size to GLACIER and DEEP_ARCHIVE.",
    }
    return f"{sizes[profile.transition_minimum]} {break_even_note(profile)}"


def _verdict(before: SetupPlan, after: SetupPlan, result: InitResult) -> str:
    changes = (*before.changes, *result.anchor_bucket_changes)
    if not changes:
        return (
            "Nothing to change"
            if after.in_order
            else "Nothing to change here, but foreign rules contradict the profile"
        )
    if result.dry_run:
        needs = " It needs --confirm." if before.confirmations else ""
        return f"{len(changes)} to change; nothing was changed (--dry-run).{needs}"
    if after.changes:
        return f"NOT in order: {', '.join(change.setting for change in after.changes)}"
    return "Done" if after.in_order else "Done, but foreign rules contradict the profile"
