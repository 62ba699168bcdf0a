"""Where a restore writes: one contract, one module a target.

Not here: choosing and verifying what is imported (``restore``).

- ``contract``: ``RestoreTarget``. ``opening``: the target that a URL or path names.
- ``database``: the steps of an import in SQL, with what engines do differently in ``engine``, ``sqlite``,
  ``postgres``.
- ``csv_folder``: the stored bytes as files.
"""
