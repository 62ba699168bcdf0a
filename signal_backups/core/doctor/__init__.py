"""Checks of a whole installation: settings, database, bucket, permissions, backups, machine; each with its remedy.

Not here: checks of Dagster (``orchestration.for_cli.doctor``), changing the set-up (``retention.setup``).

- ``finding``: the checks by name, ``DoctorFinding``, ``DoctorReport``. ``checks``: ``Doctor``, which lists all steps.
  ``examination``: ``examine``, which runs them.
- ``database``, ``bucket``, ``backups``, ``machine``, ``probes``, ``store_answer``: the checks themselves.
- ``weekly_probes``: two of the probes, repeated every week and recorded.
"""
