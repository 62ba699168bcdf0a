"""What lifecycle rules and locks do to years of backups, simulated without a store.

Nothing here asks S3 or the clock. Not here: what rules do to a single object (``s3.lifecycle_timeline``).

- ``outcomes``: what becomes of each backup in each scenario. ``by_size``: storage classes and money by size of object.
- ``play``: all figures. ``findings``: what they mean. ``simulate`` (``run``) returns the ``SimulationReport``.
"""
