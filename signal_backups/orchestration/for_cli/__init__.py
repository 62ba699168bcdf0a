"""What the command line needs of Dagster.

Not here: printing (``cli``), checks and metrics that do not need Dagster (``core.doctor``, ``core.monitoring``).

- ``launch``: ``run_backup()`` runs the backup job in this process.
- ``doctor``: checks of the instance. ``metrics``: metrics of the instance.
"""
