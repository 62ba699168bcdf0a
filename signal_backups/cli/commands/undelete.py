"""``signal-backups undelete``: make a verified version of a day current again."""

from __future__ import annotations

from typing import Annotated

import typer

from signal_backups.cli.options import JsonOption, ended_day
from signal_backups.cli.output import print_line
from signal_backups.cli.protecting import print_recorded
from signal_backups.cli.results import show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.restore.undelete import Undeletion
from signal_backups.core.restore.undelete import undelete as undelete_day


def undelete(
    day: Annotated[str, typer.Argument(metavar="DATE", help="Day, YYYY-MM-DD.")],
    version_id: Annotated[
        str | None, typer.Option("--version-id", help="Copy this version up; default: undo the deletion.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a deleted or overwritten backup current again; removes no data, and is recorded."""
    wanted = ended_day(day)
    settings = settings_with_notice()
    with opened_vault(settings) as vault:
        done = undelete_day(vault, wanted, version_id, settings.scratch)
    show_report(done, _print, ok=True, as_json=as_json)


def _print(done: Undeletion) -> None:
    if done.copied_from is None and not done.removed_markers:
        print_line(f"{done.key} is there, and version {done.version_id} is verified: nothing to undo")
        return
    if done.copied_from is not None:
        print_line(
            f"Copied version {done.copied_from} up: version {done.version_id} of {done.key} is current, verified"
        )
    else:
        print_line(f"Removed the delete marker: version {done.version_id} of {done.key} is current again")
    print_recorded(done.event)
