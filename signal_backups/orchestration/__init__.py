"""Dagster: the assets, checks, jobs, schedules, sensors and resources of the backups.

Domain reports become Dagster events here. Not here: any rule about backups (``core``), printing (``cli``).

- ``build``: ``build_defs()`` puts all definitions together. ``names``: asset keys, groups, jobs and sensors.
- ``resources``: the settings, the signals table and the bucket. ``partitions``: the days.
- ``jobs``, ``schedules``: those of the daily backup. ``failures``: failed days as a Dagster failure, and back.
- ``assets``, ``sensors``: what Dagster runs. ``instance``: what Dagster's instance knows. ``for_cli``: what the
  command line needs of Dagster.
"""
