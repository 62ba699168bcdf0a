"""All settings, from the environment and ``.env``.

No other room of ``core`` but ``doctor`` reads settings: values are passed as arguments. Not here: connections
(``signal_backups.connect``).

- ``settings``: ``load_settings()`` returns the validated ``Settings``.
- ``names``: names that are misspelt, and malformed lines of ``.env``.
- ``expected_days``: which day should be the first that is backed up.
"""
