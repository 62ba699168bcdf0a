"""What Dagster's instance knows, behind small types of our own.

Apart from ``assets.partition_events``, only this folder imports private modules of Dagster. A test pins each name, so
that an upgrade which moves one fails there first. Not here: what follows from the facts.

- ``home``: the persistent instance. ``day_status``: days that failed or are in progress.
- ``run_life``: runs without signs of life.
- ``ticks``: schedules and sensors, on or off, and their ticks. ``stored_answers``: results of asset checks.
- ``last_comparison``: what the last rolling reconciliation found.
- ``dagster_types``: types that Dagster does not export.
"""
