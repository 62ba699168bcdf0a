"""The ``signal-backups`` command: reads arguments, calls the domain, prints, and exits with a code that means it.

What belongs here: words and tables. What does not: rules about backups.
"""
