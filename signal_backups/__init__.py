"""Daily, verifiable, seven-year backups of trading signals.

Two layers live here. ``core`` holds every rule and imports no Dagster; ``orchestration`` (Dagster) and
``cli`` are thin users of it. ``embedded`` runs the local S3 server and the demo.
"""

__version__ = "0.1.0"
