"""Restore drills: sample days are restored into a scratch database, compared with the source, and timed.

Not here: restoring and comparing as such (``restore``).

- ``choose_days``: which days. ``scratch_database``: where to. ``rto``: what the measured time means for everything.
- ``drill`` (``run``) does it and returns a ``DrillReport``.
"""
