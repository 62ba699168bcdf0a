"""What a signal is: its fields, its timestamp, its verification hash, its Merkle leaf, and the CSV file of a day.

Not here: where signals come from (``source``) and where they go (``backup``, ``restore``). Nothing here knows S3.

- ``fields``: the columns, their order and kinds. A new column starts here.
- ``timestamps``: which UTC day a row belongs to. ``row_hash``: the producer's verification hash, in SQL and Python.
- ``merkle``, ``row_tree``: the tree of RFC 6962 and the one over a day's rows.
- ``csv_file``, ``verify_csv``, ``compare_rows``: writing and reading a day's CSV, checking one, comparing two sets of
  rows. ``verify_report``: what a check expects and reports, without DuckDB.
- ``duckdb_engine``: the DuckDB database that all bulk work runs in.
"""
