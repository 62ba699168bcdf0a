"""``signal-backups store``: the embedded S3 server."""

from __future__ import annotations

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_line
from signal_backups.cli.results import CommandResult, show
from signal_backups.core.base.errors import StoreError
from signal_backups.core.config.settings import load_settings
from signal_backups.embedded.seaweedfs import SeaweedServer


class StopResult(CommandResult, frozen=True):
    """Whether a server was stopped, and the folder that it serves."""

    stopped: bool
    folder: str


store = typer.Typer(no_args_is_help=True, help="Stop the embedded S3 server.")


@store.callback()
def _group() -> None:
    """Makes ``stop`` a command of its own although it is the only one."""


@store.command()
def stop(as_json: JsonOption = False) -> None:
    """Stop the embedded S3 server now, not only after some minutes without use; its data is kept."""
    folder = load_settings().embedded_store
    server = SeaweedServer(folder)
    was_running = server.is_running()
    if was_running and not server.stop_if_idle(0):
        raise StoreError(
            f"the embedded S3 server in {folder} is in use by another command",
            remedy="Wait until that has ended, or end it (make dev: Ctrl-C), then run this again",
        )
    show(StopResult(ok=True, stopped=was_running, folder=str(folder)), _print, as_json=as_json)


def _print(result: StopResult) -> None:
    if result.stopped:
        print_line(f"Stopped the embedded S3 server in {result.folder}; its data is kept")
    else:
        print_line(f"No embedded S3 server is running in {result.folder}")
