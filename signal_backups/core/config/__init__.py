"""Every setting of the project, from the environment and ``.env``.

No other room of the domain reads a setting, except ``doctor``: values are handed down. Not here: connections
(``signal_backups.connect``).

- ``settings``: ``load_settings()`` returns ``Settings``, validated before anything is touched.
- ``observed``: the one rule for which day should be the first.
"""
