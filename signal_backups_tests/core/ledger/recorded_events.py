"""Reading the events of a vault, and what else its bucket holds."""

from __future__ import annotations

from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.vault.vault import BackupVault

Named = tuple[str, str]


def recorded_events(vault: BackupVault, *actions: Action) -> list[Event]:
    """The events of some actions (default: all), in order."""
    return [event for event in vault.trail.events() if not actions or event.action in actions]


def objects(event: Event) -> set[Named]:
    """The versions that an event names."""
    assert len({(name.key, name.version_id) for name in event.objects}) == len(event.objects)
    return {(name.key, name.version_id) for name in event.objects}


def beside_the_trail(vault: BackupVault) -> set[Named]:
    """Every version in the bucket except those of the two logs and their anchors."""
    return {
        (version.key, version.version_id)
        for version in vault.store.list_versions("")
        if not version.key.startswith(vault.layout.audit_prefix)
    }
