"""Reading everything that is stored again, a part each night.

Not here: judging one stored backup (``vault.verify_stored``), when a day was read last (``monitoring.last_reads``).

- ``choose_days``: the days of a night. ``night``: ``scrub`` reads them and records what it found.
"""
