"""Checks of a whole installation: settings, database, bucket, permissions, backups, machine; each with its remedy.

Not here: checks of Dagster (``orchestration.for_cli.doctor``), setting things right (``retention.setup``).

- ``finding``: the checks by name, ``DoctorFinding``, ``DoctorReport``. ``checks``: the list of steps.
  ``examination``: their order.
- ``database``, ``bucket``, ``backups``, ``machine``, ``probes``, ``store_answer``: the checks themselves.
"""
