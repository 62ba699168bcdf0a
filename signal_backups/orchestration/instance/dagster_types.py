"""Types that Dagster's functions return and that it does not export."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.partitions.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

#: What ``define_asset_job`` returns.
AssetJob = UnresolvedAssetJobDefinition
#: What ``build_schedule_from_partitioned_job`` returns.
PartitionedSchedule = UnresolvedPartitionedAssetScheduleDefinition | dg.ScheduleDefinition
