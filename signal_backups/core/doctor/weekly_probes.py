"""The probes that every backup relies on, repeated every week and recorded: deleting a locked version, and a race."""

from __future__ import annotations

from signal_backups.core.doctor.examination import Step, examine
from signal_backups.core.doctor.finding import DoctorCheck, DoctorFinding, State
from signal_backups.core.doctor.probes import OpenStore, Probes
from signal_backups.core.ledger.event import Action, Result

#: What is recorded; a version has to be locked before it says anything that it cannot be deleted.
PROBED = (DoctorCheck.LOCKED, DoctorCheck.DELETE, DoctorCheck.CONDITIONAL_WRITES)
#: A store may lack what it never promised; the check was not made when one before it failed.
_BROKEN = {State.FAILED, State.NOT_CHECKED}


def probe_store(opened: OpenStore) -> dict[DoctorCheck, DoctorFinding]:
    """Try to delete a locked version, let several writers race, and record the outcome in an event.

    Args:
        opened: the store, with the credentials of the daily backups.

    Raises:
        StoreError: the store cannot be reached, or does not take the probe; nothing is recorded.
    """
    probes = Probes(opened)
    probes.can_put()
    report = examine(
        [
            Step(DoctorCheck.LOCKED, probes.is_locked),
            Step(DoctorCheck.DELETE, probes.is_delete_denied, (DoctorCheck.LOCKED,)),
            Step(DoctorCheck.CONDITIONAL_WRITES, probes.allows_one_writer),
        ]
    )
    findings = {finding.check: finding for finding in report.findings}
    result = Result.FAILED if any(is_broken(finding) for finding in report.findings) else Result.PASSED
    details = {check.value: {"state": found.state.value, "found": found.found} for check, found in findings.items()}
    opened.vault.trail.record(Action.PROBE, result, [probes.probe], details)
    return findings


def is_broken(finding: DoctorFinding) -> bool:
    """Whether the store does not do, or nobody knows whether it does, what backups rely on."""
    return finding.state in _BROKEN
