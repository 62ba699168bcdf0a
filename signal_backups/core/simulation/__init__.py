"""What lifecycle rules and locks do to years of backups, simulated without a store.

Nothing here reads S3 or the clock. Not here: what rules do to a single object (``s3.lifecycle_timeline``).

- ``outcomes``: how each backup ends in each scenario. ``by_size``: storage classes and cost by backup size.
- ``figures``: everything that is counted. ``findings``: what the figures mean.
- ``run``: ``simulate`` returns the ``SimulationReport``.
"""
