"""The targets of a restore: databases and folders.

Not here: choosing and verifying what is imported (``restore``).

- ``contract``: ``RestoreTarget``. ``open_target``: the target for a URL or path.
- ``database``: the steps of an import into a table. ``engine``: what differs between database engines, with ``sqlite``
  and ``postgres``.
- ``csv_folder``: the CSV files as they were stored.
"""
