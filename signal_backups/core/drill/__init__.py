"""Restore drills: sample days are restored into a scratch database, compared with the source, and timed.

Not here: restoring and comparing a day (``restore``).

- ``choose_days``: which days are restored. ``scratch_database``: where. ``table_definition``: into a table like the
  source's (``table_parts``, read by ``sqlite_definition`` and ``postgres_definition``).
- ``rto``: the forecast for restoring everything.
- ``run``: ``drill`` runs a drill and returns its ``DrillReport``.
"""
