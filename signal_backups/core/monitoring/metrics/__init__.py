"""Metrics for Prometheus, measured from S3 alone.

Not here: metrics of Dagster's instance (``orchestration.for_cli.metrics``), alert rules and dashboard (``deploy/``).

- ``measure``: ``Measurer`` takes all ``measurements``, each as often as its cost allows. ``event_counts`` and
  ``lock_states`` take two of them.
- ``families``: names, help texts and labels. ``exporter``: serves them over HTTP or in a text file, also while S3
  cannot be reached.
"""
