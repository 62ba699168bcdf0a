"""Examining the chained logs: each by itself, and both against the days that are stored.

Not here: appending to a log (``ledger``).

- ``examine_log``: edited, removed, reordered, inserted and forked entries. ``cross_checks``: events, manifests and
  days.
- ``segments``, ``write_segments``: a thousand entries in one object, so that a long log takes few requests.
- ``findings``: every kind of ``LogFinding``. ``entries``: what is kept of an entry in memory.
"""
