"""The command line's entry point: every command, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
import traceback

import typer

from signal_backups import __version__
from signal_backups.cli.commands.alert import alert
from signal_backups.cli.commands.audit import audit
from signal_backups.cli.commands.backup import backup
from signal_backups.cli.commands.bundle import bundle, verify_bundle
from signal_backups.cli.commands.cost import cost
from signal_backups.cli.commands.doctor import doctor
from signal_backups.cli.commands.drill import drill
from signal_backups.cli.commands.hold import hold
from signal_backups.cli.commands.iam_policy import iam_policy
from signal_backups.cli.commands.init import init
from signal_backups.cli.commands.lifecycle import lifecycle
from signal_backups.cli.commands.listing import list_backups, versions
from signal_backups.cli.commands.lock import lock
from signal_backups.cli.commands.metrics import metrics
from signal_backups.cli.commands.prove import prove, verify_proof
from signal_backups.cli.commands.reconcile import reconcile
from signal_backups.cli.commands.restore import restore
from signal_backups.cli.commands.simulate import simulate
from signal_backups.cli.commands.status import status
from signal_backups.cli.commands.store import store
from signal_backups.cli.commands.undelete import undelete
from signal_backups.cli.commands.verify import verify
from signal_backups.cli.output import print_error
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.logs import configure_logging
from signal_backups.core.config.settings import load_log_settings

_DEBUG = "SIGNAL_BACKUPS_DEBUG"
_INTERRUPTED = 130

app = typer.Typer(
    name="signal-backups",
    help="Daily, verifiable backups of trading signals.",
    epilog="Exit codes: 0 ok, 1 verification, backup or restore failed, 2 usage, 3 cannot reach or use database, store "
    "or target, 4 nothing found, 5 archived objects have to thaw first.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(backup)
app.command()(verify)
app.command()(prove)
app.command()(verify_proof)
app.command()(bundle)
app.command()(verify_bundle)
app.command()(restore)
app.command()(undelete)
app.command()(reconcile)
app.command()(drill)
app.command("list")(list_backups)
app.command()(versions)
app.command()(status)
app.command()(doctor)
app.command()(init)
app.add_typer(alert, name="alert")
app.add_typer(audit, name="audit")
app.add_typer(lifecycle, name="lifecycle")
app.add_typer(hold, name="hold")
app.add_typer(lock, name="lock")
app.add_typer(metrics, name="metrics")
app.add_typer(store, name="store")
app.command()(iam_policy)
app.command()(simulate)
app.command()(cost)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"signal-backups {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    del version
    logs = load_log_settings()
    configure_logging(logs.log_format, logs.log_level, logs.log_file)


def _is_interrupt(error: Exception) -> bool:
    """Whether it is DuckDB's word for a Ctrl-C that came while a query ran."""
    return isinstance(error, RuntimeError) and str(error) == "Query interrupted"


def main() -> None:
    """Run the command line; no error leaves it as a traceback."""
    try:
        app()
    except SignalBackupsError as error:
        print_error(error, as_json="--json" in sys.argv)
        raise SystemExit(int(error.exit_code)) from None
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - the last resort: one line, never a traceback at 3 a.m.
        if _is_interrupt(error):
            raise SystemExit(_INTERRUPTED) from None
        if os.environ.get(_DEBUG):
            traceback.print_exc()
        unexpected = SignalBackupsError(
            f"unexpected {type(error).__name__}: {error}",
            remedy=f"Run it again with {_DEBUG}=1 and report what it says",
        )
        print_error(unexpected, as_json="--json" in sys.argv)
        raise SystemExit(int(unexpected.exit_code)) from None
