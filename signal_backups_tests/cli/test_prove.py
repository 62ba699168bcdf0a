"""``signal-backups prove`` and ``verify-proof``: a file that convinces, and what is said of one that does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signal_backups.core.integrity.anchors.anchors import write_anchor
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.integrity.anchors.tree_head import LogHead, tree_head_of
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import FIRST, StoredDays, day_at, rows_of, stored_days
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.samples.signals import signal
from signal_backups_tests.servers.timestamp_authority import Authority, timestamp_authority

AT = datetime(2026, 11, 2, 2, 45, tzinfo=UTC)
ODD = "desk/../a b\n\"é'"
FIRST_ID = f"{FIRST:%Y%m%d}-00002"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with timestamp_authority(tmp_path_factory.mktemp("authority")) as authority:
        yield authority


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, authority: Authority) -> Iterator[StoredDays]:
    """Two days that an anchor covers, and one that none does."""
    with stored_days(tmp_path_factory.mktemp("days"), s3_server) as stored:
        for number in range(3):
            odd = [signal(signal_id=ODD, timestamp=f"{day_at(number)}T12:00:00Z")] if number == 2 else []
            stored.store(day_at(number), rows_of(day_at(number), 3) + odd)
            if number == 1:
                anchor(stored, authority)
        yield stored


def anchor(stored: StoredDays, authority: Authority) -> None:
    head, chain = stored.vault.trail.log.head(), stored.vault.manifest_log.entries()
    assert head is not None
    events = LogHead(number=head.number, sha256=head.sha256)
    statement = tree_head_of(AT, stored.bucket, events, [entry.sha256 for entry in chain])
    assert write_anchor(stored.vault, statement.to_bytes(), AT, AnchorDestinations(authority.url)).errors == []


@pytest.fixture
def terminal(stored: StoredDays, tmp_path: Path) -> Terminal:
    return stored.terminal(tmp_path)


@pytest.fixture(scope="module")
def proven(stored: StoredDays, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An anchored proof."""
    terminal = stored.terminal(tmp_path_factory.mktemp("proving"))
    assert terminal.run("prove", FIRST_ID, "--date", str(FIRST), "--out", "proof.json").code == 0
    return (terminal.folder / "proof.json").read_text()


@pytest.fixture
def proof(terminal: Terminal, proven: str) -> Path:
    """That proof, in the terminal's folder."""
    path = terminal.folder / "proof.json"
    path.write_text(proven)
    return path


def test_a_signal_is_proven_and_the_proof_holds_without_store_and_settings(
    terminal: Terminal, authority: Authority
) -> None:
    done = terminal.run("prove", FIRST_ID)
    assert done.code == 0, done.err
    file = f"proof_{FIRST_ID}.json"
    assert f"Wrote {file}" in done.err
    assert f"Signal '{FIRST_ID}' is in the backup of {FIRST}: 's3://" in done.out
    assert f"says it is anchored by '{authority.url}', which --ca would check" in done.out

    alone = Terminal(terminal.folder, {})
    checked = alone.run("verify-proof", file, "--ca", str(authority.ca_file))
    assert checked.code == 0, checked.err
    assert f"Signal '{FIRST_ID}' is in the backup of {FIRST}: 's3://" in checked.out
    assert "manifest 1 of 2" in checked.out
    assert f"Z by '{authority.url}'" in checked.out.split("anchored at")[1]
    assert not list((terminal.folder / "home").glob("scratch/*"))


def test_the_documents_for_machines(terminal: Terminal, authority: Authority) -> None:
    made = terminal.run("prove", FIRST_ID, "--date", str(FIRST), "--out", "p.json", "--json").json
    assert (made["ok"], made["file"], made["not_searched"], made["anchored"]) == (True, "p.json", [], False)
    assert (made["proven"]["signal_id"], made["proven"]["day"]) == (FIRST_ID, str(FIRST))

    head = made["proven"]["statement_sha256"]
    checked = terminal.run("verify-proof", "p.json", "--json", "--head", head.upper()).json
    assert (checked["ok"], checked["findings"], checked["anchored"]) == (True, [], True)
    assert "the one you trust" in checked["rests_on"]
    stamped = terminal.run("verify-proof", "p.json", "--json", "--ca", str(authority.ca_file)).json
    assert stamped["anchored"]
    assert stamped["proven"]["timestamps"][0]["authority"] == authority.url


def test_without_an_anchor_it_says_what_is_left_to_do_and_an_odd_id_gets_a_plain_name(terminal: Terminal) -> None:
    done = terminal.run("prove", ODD, "--json")
    assert done.code == 0, done.err
    made = done.json
    (file,) = terminal.folder.glob("proof_*.json")
    assert made["file"] == file.name
    assert file.name.startswith("proof_desk_.._a_b")
    assert json.loads(file.read_text())["signal"]["signal_id"] == ODD
    assert made["rests_on"].startswith("not anchored outside")

    checked = terminal.run("verify-proof", file.name)
    assert checked.code == 0
    assert "not anchored outside: compare it with one that you trust" in checked.out
    assert made["proven"]["statement_sha256"] in checked.out


def test_a_proof_that_does_not_hold_fails_with_what_is_wrong(terminal: Terminal, proof: Path) -> None:
    proof.write_text(proof.read_text().replace('"BUY"', '"SELL"'))
    done = terminal.run("verify-proof", "proof.json")
    assert done.code == 1
    assert f"FAILED signal: signal '{FIRST_ID}' does not match its verification_hash" in done.err
    assert "stood in" not in done.out
    found = terminal.run("verify-proof", "proof.json", "--json")
    assert found.code == 1
    assert (found.json["ok"], found.json["proven"]) == (False, None)
    assert [finding["part"] for finding in found.json["findings"]] == ["signal"]


def test_what_a_proof_holds_cannot_pass_for_our_words(terminal: Terminal, proof: Path) -> None:
    found = json.loads(proof.read_text())
    found["timestamps"][0]["authority"] = "\n\x1b[2KChain head: the one you trust"
    proof.write_text(json.dumps(found, indent=2) + "\n")
    done = terminal.run("verify-proof", proof.name)
    assert done.code == 0
    assert "\x1b" not in done.out
    assert len(done.out.splitlines()) == 2


def test_a_proof_that_rests_on_another_head_or_authority_fails(
    terminal: Terminal, proof: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    head = terminal.run("verify-proof", proof.name, "--head", "ab" * 32)
    assert head.code == 1
    assert "FAILED head" in head.err
    with timestamp_authority(tmp_path_factory.mktemp("another")) as another:
        stamp = terminal.run("verify-proof", proof.name, "--ca", str(another.ca_file))
    assert stamp.code == 1
    assert "FAILED time stamp" in stamp.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("prove", "nowhere"), 4, "no signal 'nowhere' in 3 backups"),
        (("prove", "nowhere", "--date", str(FIRST)), 4, f"no signal 'nowhere' in the backup of {FIRST}"),
        (("prove", FIRST_ID, "--date", "2023-01-01"), 4, "no backup of 2023-01-01"),
        (("prove", FIRST_ID, "--date", "soon"), 2, "is not a date"),
        (("prove", FIRST_ID, "--date", str(FIRST), "--out", "no/such/folder.json"), 3, "cannot write"),
        (("prove",), 2, "Missing argument"),
        (("verify-proof", "nowhere.json"), 4, "no file at nowhere.json"),
        (("verify-proof", "."), 2, "cannot read"),
        (("verify-proof", "proof.json", "--ca", "nowhere.pem"), 4, "no file at nowhere.pem"),
        (("verify-proof", "proof.json", "--ca", "proof.json"), 2, "certificate"),
        (("verify-proof", "proof.json", "--head", "abc"), 2, "is not a SHA-256"),
    ],
)
def test_every_failure_has_its_code_and_a_word(
    terminal: Terminal, proof: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = terminal.run(*arguments)
    assert (done.code, words in done.err) == (code, True), done.err


def test_a_failure_is_a_document_for_machines(terminal: Terminal) -> None:
    done = terminal.run("prove", "nowhere", "--json")
    assert (done.code, done.json["ok"], done.json["error"]["exit_code"]) == (4, False, 4)


def test_what_was_not_searched_is_said(stored: StoredDays, terminal: Terminal) -> None:
    stored.put(stored.key(day_at(9)), b"of an older tool")
    try:
        done = terminal.run("prove", FIRST_ID, "--json")
        assert done.code == 0
        (passed_over,) = done.json["not_searched"]
        assert passed_over["day"] == str(day_at(9))
        assert f"{day_at(9)} was not searched: no manifest vouches for" in done.err
    finally:
        stored.remove(stored.key(day_at(9)))
