"""What a signal is: its fields, timestamp, verification hash and Merkle leaf, and the CSV file of a day.

Not here: where signals come from (``source``) and where they go (``backup``, ``restore``). Nothing here uses S3.

- ``fields``: the columns, their order and kinds. A new column starts here. ``extra_columns``: the other columns of a
  table, and which are kept.
- ``timestamps``: which UTC day a row belongs to. ``row_hash``: the producer's verification hash, in SQL and Python.
- ``merkle``, ``row_tree``: the Merkle tree of RFC 6962, and the one over the rows of a day.
- ``csv_file``, ``verify_csv``, ``compare_rows``: writing and reading the CSV of a day, verifying one, comparing a
  backup with a database. ``verify_report``: the result of a verification; imports no DuckDB.
- ``duckdb_engine``: the DuckDB database that does all bulk work.
"""
