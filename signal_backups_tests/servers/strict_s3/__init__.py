"""S3 in memory with a simulated clock, for tests of what years do to backups.

It does what AWS documents, or what real servers agree on where AWS says nothing: ``servers/contract`` proves that on
this S3, SeaweedFS and Ceph. Tests next to it are of what it alone can do: time, lifecycle rules, thaws and faults.
A real boto3 client talks to it, and no request leaves the process. Nothing here imports ``signal_backups``, so that it
is a second opinion on the product.

What it does not know (operations, parameters, checksum algorithms) it answers with 501 NotImplemented.
The caller is the account's root: policies and permissions are not part of it.
"""

from signal_backups_tests.servers.strict_s3.clock import SimulatedClock
from signal_backups_tests.servers.strict_s3.lifecycle import LifecycleEvent
from signal_backups_tests.servers.strict_s3.server import FaultPlan, LostAnswer, StrictS3

__all__ = ["FaultPlan", "LifecycleEvent", "LostAnswer", "SimulatedClock", "StrictS3"]
