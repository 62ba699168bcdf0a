"""The command line's entry point, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
import traceback

import typer

from signal_backups import __version__
from signal_backups.cli.lazy_group import LazyGroup
from signal_backups.core.base.errors import SettingsError, SignalBackupsError, is_interrupt

_DEBUG = "SIGNAL_BACKUPS_DEBUG"
_INTERRUPTED = 130
_PROGRAM = "signal-backups"
_JSON = "--json"

app = typer.Typer(
    name=_PROGRAM,
    cls=LazyGroup,
    help="Daily, verifiable backups of trading signals.",
    epilog="Exit codes: 0 ok, 1 verification, backup or restore failed, 2 usage, 3 cannot reach or use database, store "
    "or target, 4 nothing found, 5 archived objects have to thaw first.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"signal-backups {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    del version
    # Not for --version and --help, which need no settings.
    from signal_backups.core.base.logs import configure_logging  # noqa: PLC0415
    from signal_backups.core.config.settings import load_log_settings  # noqa: PLC0415

    logs = load_log_settings()
    configure_logging(logs.log_format, logs.log_level, logs.log_file)


def _run() -> None:
    """Run a command to its exit code.

    Raises:
        SettingsError: wrong usage, when JSON is wanted; Typer explains it to people by itself.
    """
    if _JSON not in sys.argv:
        app(prog_name=_PROGRAM)
    try:
        code = app(prog_name=_PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        remedy = f"See: {context.command_path} --help" if context else ""
        raise SettingsError(error.format_message().rstrip("."), remedy=remedy) from error
    # An exit code if a command raised typer.Exit, else what the command returned.
    raise SystemExit(code or 0)


def main() -> None:
    """Run the command line; no error leaves it as a traceback."""
    try:
        _run()
    except SignalBackupsError as error:
        raise _ended_by(error) from None
    except KeyboardInterrupt:
        raise _interrupted() from None
    except SystemExit as ended:
        # Typer turns an interrupt of a command into this.
        raise _interrupted() if ended.code == _INTERRUPTED else ended from None
    except Exception as error:  # noqa: BLE001 - the last resort: one line, never a traceback at 3 a.m.
        if is_interrupt(error):
            raise _interrupted() from None
        if os.environ.get(_DEBUG):
            traceback.print_exc()
        unexpected = SignalBackupsError(
            f"unexpected {type(error).__name__}: {error}",
            remedy=f"Run it again with {_DEBUG}=1 and report what it says",
        )
        raise _ended_by(unexpected) from None


def _interrupted() -> SystemExit:
    # A connection that was interrupted while it was made fails to close, and Python would print that as a traceback.
    sys.unraisablehook = lambda _unraisable: None
    return SystemExit(_INTERRUPTED)


def _ended_by(error: SignalBackupsError) -> SystemExit:
    from signal_backups.cli.output import print_error  # noqa: PLC0415  rich takes longer to load than the help page

    print_error(error, as_json=_JSON in sys.argv)
    return SystemExit(int(error.exit_code))
