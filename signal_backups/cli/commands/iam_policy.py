"""``signal-backups iam-policy``: the least-privilege IAM policy of a role."""

from __future__ import annotations

from typing import Annotated

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_json
from signal_backups.core.base.errors import SettingsError
from signal_backups.core.config.settings import load_settings
from signal_backups.core.retention.iam import Role, policy
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.vault.layout import Layout


def iam_policy(
    role: Annotated[Role, typer.Argument(metavar="ROLE", help="writer, verifier, restorer or auditor.")],
    bucket: Annotated[str | None, typer.Option("--bucket", help="Bucket; default: BACKUP_BUCKET_NAME.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the IAM policy (JSON) that gives a role exactly the rights it needs."""
    settings = load_settings()
    name = bucket or settings.bucket
    if not name:
        raise SettingsError("no bucket is named", remedy="Name it with --bucket, or set BACKUP_BUCKET_NAME")
    rights = policy(role, name, Layout(settings.prefix), load_profile(settings.profile).lock_policy)
    # The policy itself is JSON already, as IAM takes it.
    print_json({"ok": True, "role": role, "bucket": name, "policy": rights} if as_json else rights)
