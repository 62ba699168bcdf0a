"""The fixtures of the ledger's tests."""

from __future__ import annotations

from signal_backups_tests.core.ledger.fixtures import admin, client, s3, vault

__all__ = ["admin", "client", "s3", "vault"]
