"""The fixtures of the ledger's tests."""

from __future__ import annotations

from signal_backups_tests.core.ledger.fixtures import admin, client, layout, s3, shared_bucket, vault

__all__ = ["admin", "client", "layout", "s3", "shared_bucket", "vault"]
