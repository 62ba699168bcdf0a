"""What the audit trail tells, and what stands in a bucket beside it.

What belongs here: reading both. What does not: assertions on results.
"""

from __future__ import annotations

from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.vault.vault import BackupVault

Named = tuple[str, str]


def recorded_events(vault: BackupVault, *actions: Action) -> list[Event]:
    """The events of some actions (default: all), in order."""
    return [event for event in vault.trail.events() if not actions or event.action in actions]


def objects(event: Event) -> set[Named]:
    """The versions an event is about."""
    assert len({(name.key, name.version_id) for name in event.objects}) == len(event.objects)
    return {(name.key, name.version_id) for name in event.objects}


def beside_the_trail(vault: BackupVault) -> set[Named]:
    """Every version in the bucket but those of the trail and the chain."""
    return {
        (version.key, version.version_id)
        for version in vault.store.list_versions("")
        if not version.key.startswith(vault.layout.audit_prefix)
    }
