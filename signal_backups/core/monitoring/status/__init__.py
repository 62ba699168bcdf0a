"""Is everything backed up? One answer, as text and as an HTML page.

Not here: the state of single days for alerts and repair (``monitoring.observation``).

- ``status``: ``backup_status`` finds what is missing, hidden, unverified or failing. ``text``: the same as sentences.
- ``calendar``: the last weeks as a calendar. ``page``: the HTML page.
"""
