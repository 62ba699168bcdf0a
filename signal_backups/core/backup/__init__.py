"""Backing up one day of rows as a verified object, in three stages: extract, hashed CSV, stored backup.

Not here: reading the database (``source``), keys and manifests (``vault``), running days in Dagster
(``orchestration``).

- ``extract_day`` -> ``write_hashed_csv`` -> ``store_backup``; each returns a report and leaves its files in a
  ``DayFolder``.
- ``new_backup``: what a day's new backup holds, given the one before: ``vouched_backup`` reads that back,
  ``source_changes`` compares, ``merge_rows`` merges.
- ``missing_events``: events of the day that a killed run could not write any more.
- ``examine_rows``, ``schema``, ``quarantine``: what is wrong with a row, and which rows are backed up.
- ``large_values``: values that are too long for a row, which the quarantine keeps in pieces.
- ``fingerprint``: shows whether a day has changed since its backup. ``changed_days``: which days have, a part of all
  each night. ``plausibility``, ``row_counts``: whether a day has about as many signals as usual.
"""
