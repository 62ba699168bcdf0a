"""``signal-backups connect``: what ordinary S3 tools need, and keys only when somebody asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from signal_backups_tests.cli.terminal import Terminal

KEYS = {"AWS_ACCESS_KEY_ID": "an-id", "AWS_SECRET_ACCESS_KEY": "a 'secret'", "AWS_SESSION_TOKEN": "a-token"}
STORE = {
    "BACKUP_BUCKET_NAME": "desk",
    "BACKUP_PREFIX": "fx/signals",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "SIGNALS_DATABASE_URL": "sqlite:////nowhere.db",
}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal whose store nobody reaches: the settings say all there is to say."""
    return Terminal(tmp_path, {**STORE, **KEYS})


def test_a_named_store_without_its_keys(terminal: Terminal) -> None:
    done = terminal.run("connect")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "endpoint  http://127.0.0.1:9",
        "bucket    desk",
        "prefix    fx/signals/",
        "region    eu-west-1",
        "For ordinary S3 tools, in a shell of their own:",
        "  export AWS_ENDPOINT_URL_S3=http://127.0.0.1:9",
        "  export AWS_DEFAULT_REGION=eu-west-1",
        "  # and the keys: signal-backups connect --show-secret",
        "  aws --endpoint-url http://127.0.0.1:9 s3 ls --recursive s3://desk/fx/signals/",
    ]
    document = terminal.run("connect", "--json")
    assert document.json["environment"] == {name: STORE[name] for name in ("AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION")}
    assert not any(secret in done.out + document.out for secret in KEYS.values())


def test_the_keys_are_shown_when_they_are_asked_for_and_can_be_pasted(terminal: Terminal) -> None:
    done = terminal.run("connect", "--show-secret")
    assert "export AWS_SECRET_ACCESS_KEY='a '\"'\"'secret'\"'\"''" in done.out
    assert "--show-secret" not in done.out
    shown = terminal.run("connect", "--show-secret", "--json").json
    assert {name: shown["environment"][name] for name in KEYS} == KEYS
    assert (shown["has_keys"], shown["stops_when_idle_seconds"]) == (True, None)


def test_amazon_with_the_keys_of_a_role(terminal: Terminal) -> None:
    unset = dict.fromkeys([*KEYS, "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"], "")
    done = terminal.run("connect", "--show-secret", **unset)
    assert done.code == 0
    assert "endpoint  Amazon S3's own\n" in done.out
    assert "region    as AWS is configured here\n" in done.out
    assert "  # the keys are those that AWS is configured with here\n  aws s3 ls --recursive s3://desk/" in done.out
    assert "export" not in done.out
