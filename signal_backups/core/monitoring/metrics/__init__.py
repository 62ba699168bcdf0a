"""Figures for Prometheus, rebuilt from S3 whenever they are asked for.

Not here: figures of Dagster's instance (``orchestration.for_cli.metrics``), alert rules and dashboard (``deploy/``).

- ``measure``: taking all ``measurements``, each as often as its cost allows. ``event_counts``, ``lock_states``: two
  of them.
- ``families``: names, help texts and labels. ``exporter``: HTTP and the text file, also while S3 is out of reach.
"""
