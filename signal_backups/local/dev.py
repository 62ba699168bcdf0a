"""``make dev``: the embedded S3 server and ``dagster dev`` together, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from signal_backups.cli.output import print_notice
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.days import last_complete_day
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.embedded.seaweedfs import IDLE_S
from signal_backups.local.sample_signals import extend_sample_database
from signal_backups.orchestration.instance.home import prepare_home

HOST, DEFAULT_PORT = "127.0.0.1", "3000"
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
    home = prepare_home(settings.dagster_home)
    os.environ.setdefault("DAGSTER_HOME", str(home))
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    if settings.uses_embedded_database:
        extend_sample_database(settings.embedded_database, last_complete_day())
    port = os.environ.get(PORT_VARIABLE, DEFAULT_PORT)
    with opened_vault(settings, creates=True):
        print_notice(f"Dagster UI: http://{HOST}:{port}  (Ctrl-C stops it)")
        print_notice(f"The S3 server stops when it was not used for {IDLE_S / 60:.0f} minutes")
        return _run_until_interrupted([sys.executable, "-m", "dagster", "dev", "-h", HOST, "-p", port])


def _run_until_interrupted(command: list[str]) -> int:
    """Run a command in the foreground; Ctrl-C and SIGTERM reach it once, and it is waited for."""
    # A session of its own: the terminal's Ctrl-C would otherwise reach every child of Dagster at the same time.
    process = subprocess.Popen(command, start_new_session=True)

    def pass_on(_number: int, _frame: object) -> None:
        process.send_signal(signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    code = process.wait()
    return 0 if code in (0, -signal.SIGINT, -signal.SIGTERM) else code


if __name__ == "__main__":
    main()
