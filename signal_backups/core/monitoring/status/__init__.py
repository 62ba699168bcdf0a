"""Is everything backed up? One answer, as text and as a page.

Not here: reading and judging single days for alerts and repair (``monitoring.observation``).

- ``backup_status`` (``status``) finds what is missing, hidden, unverified or failing; ``words`` says it.
- ``calendar`` and ``page``: the days as a calendar, and the HTML page.
"""
