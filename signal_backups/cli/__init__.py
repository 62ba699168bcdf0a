"""The ``signal-backups`` command: reads arguments, calls the domain, prints, and exits with a code that means it."""
