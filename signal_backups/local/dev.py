"""``make dev``: the embedded S3 server and ``dagster dev`` together, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from dotenv import dotenv_values

from signal_backups.cli.interrupts import hand_over
from signal_backups.cli.output import print_notice
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.days import last_complete_day
from signal_backups.core.base.errors import SettingsError, SignalBackupsError
from signal_backups.core.config.settings import ENV_FILE
from signal_backups.embedded.ports import HOST, is_free
from signal_backups.embedded.seaweedfs import IDLE_S
from signal_backups.local.sample_signals import extend_sample_database
from signal_backups.orchestration.instance.home import prepare_home

DEFAULT_PORT = "3000"
PORT_VARIABLE = "SIGNAL_BACKUPS_UI_PORT"


def main() -> None:
    """Serve until interrupted."""
    try:
        raise SystemExit(_serve())
    except SignalBackupsError as error:
        print_notice(f"Error: {error}")
        raise SystemExit(int(error.exit_code)) from None


def _serve() -> int:
    settings = settings_with_notice(creates=True)
    port = free_ui_port(wanted_ui_port())
    home = prepare_home(settings.dagster_home)
    os.environ.setdefault("DAGSTER_HOME", str(home))
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    if settings.uses_embedded_database:
        extend_sample_database(settings.embedded_database, last_complete_day())
    with opened_vault(settings, creates=True):
        print_notice(f"Dagster UI: http://{HOST}:{port}  (Ctrl-C stops it)")
        print_notice(f"The S3 server stops when it was not used for {IDLE_S / 60:.0f} minutes")
        return run_until_stopped([sys.executable, "-m", "dagster", "dev", "-h", HOST, "-p", str(port)])


def wanted_ui_port() -> str:
    """What the environment, or else ``.env``, says of the port."""
    return os.environ.get(PORT_VARIABLE) or dotenv_values(ENV_FILE).get(PORT_VARIABLE) or DEFAULT_PORT


def free_ui_port(text: str) -> int:
    """The port that a setting names.

    Raises:
        SettingsError: it is no port, or somebody listens there: Dagster would go on without a UI.
    """
    remedy = f"Name a free one, for example: {PORT_VARIABLE}=3001 make dev"
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise SettingsError(f"{text!r} in {PORT_VARIABLE} is no port", remedy=remedy)
    if not is_free(int(text)):
        raise SettingsError(f"port {text} is taken: another program listens on {HOST}:{text}", remedy=remedy)
    return int(text)


def run_until_stopped(command: list[str]) -> int:
    """Run a command; the first Ctrl-C or SIGTERM stops it and waits for it, the second ends it at once.

    Returns:
        its exit code; 0 when it was stopped, and what a shell says when a signal killed it.
    """
    process: subprocess.Popen[bytes] | None = None
    received: list[int] = []

    def stop(number: int, _frame: object = None) -> None:
        received.append(number)
        if process is not None:
            _stop(process, at_once=len(received) > 1)

    # Before it starts, so that it does not inherit a SIGINT that a shell has what runs in the background ignore.
    hand_over(stop)
    # A session of its own: the terminal's Ctrl-C would otherwise reach every child of Dagster at the same time.
    process = subprocess.Popen(command, start_new_session=True)
    if received:
        _stop(process, at_once=False)
    code = process.wait()
    if code in (-signal.SIGINT, -signal.SIGTERM):
        return 0
    return code if code >= 0 else 128 - code


def _stop(process: subprocess.Popen[bytes], *, at_once: bool) -> None:
    if at_once:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.send_signal(signal.SIGINT)
