"""Names that the UI shows and other modules refer to: asset keys, groups, owners."""

from __future__ import annotations

import dagster as dg

OWNERS = ["team:signal-operations"]

#: The daily backup.
GROUP = "signal_backups"
#: What looks after the bucket as a whole.
BUCKET_GROUP = "bucket_watch"

SIGNALS_TABLE = dg.AssetKey("signals_table")
SIGNAL_EXTRACT = dg.AssetKey("signal_extract")
HASHED_CSV = dg.AssetKey("hashed_csv")
BACKUP_OBJECT = dg.AssetKey("backup_object")
#: The assets of one day, in the order in which they are made.
CHAIN = (SIGNAL_EXTRACT, HASHED_CSV, BACKUP_OBJECT)

BUCKET_POLICY = dg.AssetKey("bucket_policy")
AUDIT_TRAIL = dg.AssetKey("audit_trail")
RESTORE_DRILL = dg.AssetKey("restore_drill")
RETENTION_AUDIT = dg.AssetKey("retention_audit")
STORAGE_COST = dg.AssetKey("storage_cost")
