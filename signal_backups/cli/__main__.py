"""``python -m signal_backups.cli`` is ``signal-backups``."""

from signal_backups.cli.app import main

if __name__ == "__main__":
    main()
