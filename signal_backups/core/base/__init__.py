"""What every room may use, and nothing that only one of them needs.

Not here: anything that knows of signals, S3 or Dagster.

- ``errors``: every expected error, with its exit code and the code under which it is stored.
- ``days``, ``day_ranges``: UTC days, the clock that tests replace, how days are read and written.
- ``objectives``: by when things must be done: the thresholds of monitoring.
- ``parallel``: bounded work in threads. ``file_locks``: keeping processes apart. ``digest``: hashing a file.
- ``local_files``: what this machine cannot write.
- ``logs``: log output. ``html``: pages made of templates.
"""
