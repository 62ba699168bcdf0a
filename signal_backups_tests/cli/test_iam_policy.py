"""``signal-backups iam-policy``: JSON that can be piped on; needs no server."""

from __future__ import annotations

from pathlib import Path

import pytest

from signal_backups.core.retention.iam import Role, policy
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.vault.layout import Layout
from signal_backups_tests.cli.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, {"SIGNAL_BACKUPS_HOME": str(tmp_path / "home")})


@pytest.mark.parametrize(
    ("role", "profile"),
    [*[(role, "recommended") for role in Role], (Role.WRITER, "documented")],
)
def test_the_policy_of_bucket_prefix_and_profile_is_all_that_is_printed(
    terminal: Terminal, role: Role, profile: str
) -> None:
    settings = {"BACKUP_BUCKET_NAME": "desk", "BACKUP_PREFIX": "fx/signals", "SIGNAL_BACKUPS_PROFILE": profile}
    done = terminal.run("iam-policy", role, **settings)
    assert (done.code, done.err) == (0, "")
    assert done.json == policy(role, "desk", Layout("fx/signals/"), load_profile(profile).lock_policy)
    locks = "s3:PutObjectRetention" in done.out
    assert locks == (profile == "recommended")  # every role adds events to the audit trail
    assert not (terminal.folder / "home").exists()


def test_a_bucket_named_on_the_line_counts(terminal: Terminal) -> None:
    done = terminal.run("iam-policy", "auditor", "--bucket", "other", BACKUP_BUCKET_NAME="desk")
    assert "arn:aws:s3:::other/signals/*" in done.out
    assert "arn:aws:s3:::desk" not in done.out


def test_without_a_bucket_or_with_a_wrong_role_it_is_code_2(terminal: Terminal) -> None:
    for arguments, said in ((("writer",), "--bucket"), (("owner", "--bucket", "desk"), "auditor"), ((), "ROLE")):
        done = terminal.run("iam-policy", *arguments)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
