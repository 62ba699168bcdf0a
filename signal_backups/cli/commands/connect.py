"""``signal-backups connect``: what ordinary S3 tools need to look at the backups."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_line
from signal_backups.cli.results import CommandResult, show
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.connect import store_connection
from signal_backups.core.s3.connection import S3Connection
from signal_backups.embedded.seaweedfs import IDLE_S

_AMAZON = "Amazon S3's own"


class Connection(CommandResult, frozen=True):
    """How to reach the backups; ``environment`` has keys only if somebody asked for them and the settings name any.

    Attributes:
        endpoint_url: None for Amazon S3.
        region: None where AWS's own configuration names it.
        has_keys: whether the settings name keys; if not, S3 tools find theirs as AWS's own do.
        example: a command that lists the backups.
        stops_when_idle_seconds: the embedded server is stopped when no command used it so long; None: another store.
    """

    endpoint_url: str | None
    bucket: str
    prefix: str
    region: str | None
    has_keys: bool
    environment: dict[str, str]
    example: str
    stops_when_idle_seconds: float | None


def connect(
    show_secret: Annotated[bool, typer.Option("--show-secret", help="Print the keys too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print endpoint, bucket and prefix, and how ordinary S3 tools reach them."""
    settings = settings_with_notice()
    with opened_vault(settings) as vault:
        connection, bucket = store_connection(settings), vault.store.bucket
    endpoint = f"--endpoint-url {connection.endpoint_url} " if connection.endpoint_url else ""
    found = Connection(
        ok=True,
        endpoint_url=connection.endpoint_url,
        bucket=bucket,
        prefix=settings.prefix,
        region=connection.region,
        has_keys=connection.access_key_id is not None,
        environment=_environment(connection, show_secret=show_secret),
        example=f"aws {endpoint}s3 ls --recursive {shlex.quote(f's3://{bucket}/{settings.prefix}')}",
        stops_when_idle_seconds=IDLE_S if settings.uses_embedded_store else None,
    )
    show(found, lambda result: _print(result, has_shown=show_secret), as_json=as_json)


def _environment(connection: S3Connection, *, show_secret: bool) -> dict[str, str]:
    named = {"AWS_ENDPOINT_URL_S3": connection.endpoint_url, "AWS_DEFAULT_REGION": connection.region}
    if show_secret:
        named |= {
            "AWS_ACCESS_KEY_ID": connection.access_key_id,
            "AWS_SECRET_ACCESS_KEY": connection.secret_access_key,
            "AWS_SESSION_TOKEN": connection.session_token,
        }
    return {name: value for name, value in named.items() if value}


def _print(result: Connection, *, has_shown: bool) -> None:
    print_line(f"endpoint  {result.endpoint_url or _AMAZON}")
    print_line(f"bucket    {result.bucket}")
    print_line(f"prefix    {result.prefix}")
    print_line(f"region    {result.region or 'as AWS is configured here'}")
    print_line("For ordinary S3 tools, in a shell of their own:")
    for name, value in result.environment.items():
        print_line(f"  export {name}={shlex.quote(value)}")
    if not result.has_keys:
        print_line("  # the keys are those that AWS is configured with here")
    elif not has_shown:
        print_line("  # and the keys: signal-backups connect --show-secret")
    print_line(f"  {result.example}")
    if result.stops_when_idle_seconds is not None:
        print_line(
            f"The embedded server stops {result.stops_when_idle_seconds / 60:.0f} minutes after the last command of "
            "signal-backups: run this again to keep it, or let make dev run"
        )
