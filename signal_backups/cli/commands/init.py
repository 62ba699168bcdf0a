"""``signal-backups init``: make the bucket ready for backups, again and again with the same result."""

from __future__ import annotations

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_json, print_line
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.errors import StoreError


def init(as_json: JsonOption = False) -> None:
    """Create the bucket if it is missing and switch versioning on."""
    settings = settings_with_notice()
    with opened_vault(settings) as vault:
        store = vault.store
        created = store.create_bucket()
        was_versioned = store.is_versioned()
        if not was_versioned:
            store.enable_versioning()
        if not store.is_versioned():
            raise StoreError(f"bucket {store.bucket} does not keep versions", remedy="Use a store that has versioning")
    if as_json:
        print_json({"ok": True, "bucket": store.bucket, "created": created, "versioning_changed": not was_versioned})
        return
    print_line(f"Bucket {store.bucket}: {'created' if created else 'already there'}")
    print_line(f"Versioning: {'already on' if was_versioned else 'switched on'}")
