"""A strict S3 in memory, with a simulated clock, for tests of what years do to backups.

What belongs here: S3 as AWS documents it, written from its documentation alone, so that it is a second opinion on the
product: nothing here imports ``signal_backups``. A real boto3 client talks to it; no request leaves the process.

What it does not know (operations, parameters, checksum algorithms) it answers with 501 NotImplemented, never silently.
The caller is the account's root: policies and permissions are not part of it.
"""

from signal_backups_tests.servers.strict_s3.clock import SimulatedClock
from signal_backups_tests.servers.strict_s3.lifecycle import LifecycleEvent
from signal_backups_tests.servers.strict_s3.server import FaultPlan, LostAnswer, StrictS3

__all__ = ["FaultPlan", "LifecycleEvent", "LostAnswer", "SimulatedClock", "StrictS3"]
