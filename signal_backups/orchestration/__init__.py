"""The Dagster layer: assets, checks, schedules and resources over ``signal_backups.core``.

What belongs here: turning domain reports into Dagster events and back. What does not: any rule about backups.
"""
