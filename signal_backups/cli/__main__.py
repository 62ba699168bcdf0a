"""``python -m signal_backups.cli`` is ``signal-backups``."""

from signal_backups.cli.entry import main

if __name__ == "__main__":
    main()
