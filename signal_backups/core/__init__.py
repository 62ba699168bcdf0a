"""The domain: every rule about signals and their backups. Imports no Dagster and no terminal.

Rooms on floors; a room imports only rooms of lower floors. ``CONTRIBUTING.md`` has the picture.
"""
