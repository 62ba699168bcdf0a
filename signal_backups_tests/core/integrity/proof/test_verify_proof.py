"""Any change of a proof is a finding; no input makes the verification itself fail."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp, request_timestamp
from signal_backups.core.integrity.anchors.tree_head import LogHead, tree_head_of
from signal_backups.core.integrity.proof.proof_file import PROVEN_FIELDS, Inclusion, Proof
from signal_backups.core.integrity.proof.verify_proof import Part, ProofReport, verify_proof
from signal_backups.core.signals.fields import CSV_COLUMNS
from signal_backups.core.signals.merkle import inclusion_path, leaf_hash, leaves
from signal_backups.core.vault.manifest import Manifest, SourceFingerprint, StoredFile, VerificationResult
from signal_backups_tests.core.integrity.proof_days import rows_of
from signal_backups_tests.core.signals.test_merkle import naive_root
from signal_backups_tests.samples.examples import examples
from signal_backups_tests.samples.signals import DAY, HASHED, NUMBERS, Row, signal
from signal_backups_tests.servers.timestamp_authority import Authority, timestamp_authority

AT = datetime(2026, 11, 2, 2, 45, tzinfo=UTC)
NONE = LogHead(number=0, sha256="0" * 64)
#: Hashes of the other manifests in the manifest log.
OTHERS = [sha256(str(number).encode()).digest() for number in range(4)]


def as_text(row: Row) -> dict[str, str]:
    return {name: repr(row[name]) if name in NUMBERS else str(row[name]) for name in PROVEN_FIELDS}


def manifest_of(rows: list[Row], number: int | None, **changes: object) -> Manifest:
    manifest = Manifest(
        code_version="1",
        day=DAY,
        bucket="signals",
        backup=StoredFile(key="signals/1.csv", version_id="v1", bytes=1, sha256="0" * 64),
        records=len(rows),
        columns=list(CSV_COLUMNS),
        integer_form_records=0,
        quarantined=0,
        quarantine=None,
        source=SourceFingerprint(
            engine="sqlite", location="x", table="t", hash_column="h", optional_columns=[], snapshot_id="1"
        ),
        run_id="run",
        started_at=AT,
        finished_at=AT,
        verification=VerificationResult(verified_at=AT, records=1, rows_hashed=1, integer_form_rows=0),
        merkle_root=naive_root([bytes.fromhex(str(row["verification_hash"])) for row in rows]).hex(),
        number=number,
        previous="0" * 64,
    )
    return manifest.model_copy(update=changes)


def made(rows: list[Row], index: int = 0, number: int = 3, **of_manifest: object) -> Proof:
    """A proof of one of the rows; its manifest is one of five in the log."""
    manifest = manifest_of(rows, number, **of_manifest).to_bytes()
    log = [*OTHERS[: number - 1], sha256(manifest).digest(), *OTHERS[number - 1 :]]
    tree_head = tree_head_of(AT, "signals", NONE, [one.hex() for one in log])
    hashes = leaves(bytes.fromhex(str(row["verification_hash"])) for row in rows)
    return Proof(
        signal=as_text(rows[index]),
        row=inclusion(hashes, index),
        manifest=manifest.decode(),
        log=inclusion(leaves(log), number - 1),
        statement=tree_head.to_bytes().decode(),
        timestamps=[],
    )


def inclusion(hashes: bytes, index: int) -> Inclusion:
    path = [node.hex() for node in inclusion_path(hashes, index)]
    return Inclusion(index=index, size=len(hashes) // 32, path=path)


def head_of(proof: Proof) -> str:
    return sha256(proof.statement.encode()).hexdigest()


def parts(report: ProofReport) -> list[Part]:
    assert (report.proven is None) == bool(report.findings)
    return [finding.part for finding in report.findings]


def changed(proof: Proof, **changes: object) -> bytes:
    return proof.model_copy(update=changes).to_bytes()


def test_a_valid_proof_states_what_it_proves() -> None:
    proof = made(rows_of(DAY, 5), 2)
    report = verify_proof(proof.to_bytes())
    assert report.ok
    assert report.proven is not None
    assert report.proven.model_dump() == {
        "signal_id": f"{DAY:%Y%m%d}-002",
        "day": date(2026, 11, 1),
        "bucket": "signals",
        "key": "signals/1.csv",
        "version_id": "v1",
        "manifest": 3,
        "manifests": 5,
        "statement_at": AT,
        "statement_sha256": head_of(proof),
        "is_trusted_head": False,
        "timestamps": [],
    }
    assert not report.proven.is_anchored


def test_a_trusted_head_anchors_a_proof() -> None:
    proof = made(rows_of(DAY))
    trusted = verify_proof(proof.to_bytes(), head=head_of(proof)).proven
    assert trusted is not None
    assert trusted.is_anchored
    assert parts(verify_proof(proof.to_bytes(), head="ab" * 32)) == [Part.HEAD]


SMALL = made(rows_of(DAY, 3), 1)
OTHER = {**dict.fromkeys("0123456789", "7"), **dict.fromkeys("abcdef", "e"), "7": "8", "e": "f"}


def flips(text: str) -> list[str]:
    """Copies of the text with one character replaced each: a digit by a digit, a hex letter by a hex letter."""
    return [
        text[:at] + OTHER.get(letter, "x" if letter != "x" else "y") + text[at + 1 :] for at, letter in enumerate(text)
    ]


def test_any_changed_character_is_found_with_a_trusted_head() -> None:
    body = SMALL.to_bytes().decode()
    assert verify_proof(body.encode(), head=head_of(SMALL)).ok
    unfound = [text for text in flips(body) if verify_proof(text.encode(), head=head_of(SMALL)).ok]
    assert unfound == []


def test_without_a_trusted_head_only_changes_of_the_tree_head_are_not_found() -> None:
    body = SMALL.to_bytes().decode()
    begin = body.index('"statement": "')
    end = body.index("\n", begin)
    unfound = [at for at, text in enumerate(flips(body)) if verify_proof(text.encode()).ok]
    assert unfound
    assert all(begin < at < end for at in unfound)
    # The root in the tree head is compared with the path, so a change of it is found.
    root = begin + body[begin:end].index('root\\":\\"') + len('root\\":\\"')
    assert not set(unfound) & set(range(root, root + 64))


@given(st.data())
@examples(200)
def test_changed_removed_and_added_characters_are_found(drawn: st.DataObject) -> None:
    body = SMALL.to_bytes()
    at = drawn.draw(st.integers(0, len(body)))
    cut = drawn.draw(st.integers(0, 3))
    put = drawn.draw(st.binary(max_size=3))
    damaged = body[:at] + put + body[at + cut :]
    assert verify_proof(damaged, head=head_of(SMALL)).ok == (damaged == body)


def with_signal(**values: str) -> bytes:
    return changed(SMALL, signal={**SMALL.signal, **values})


def with_place(name: str, **values: object) -> bytes:
    return changed(SMALL, **{name: getattr(SMALL, name).model_copy(update=values)})


def with_huge_number(name: str) -> str:
    """The manifest with a number of more digits than Python converts."""
    return SMALL.manifest.replace(f'"{name}": 3', f'"{name}": {"3" * 5000}', 1)


TAMPERED: list[tuple[Callable[[], bytes], list[Part]]] = [
    *((lambda name=name: with_signal(**{name: SMALL.signal[name] + "1"}), [Part.SIGNAL]) for name in HASHED),
    (lambda: with_signal(verification_hash="ab" * 32), [Part.SIGNAL, Part.ROW_TREE]),
    (lambda: changed(SMALL, signal=as_text(signal(1))), [Part.ROW_TREE]),
    (lambda: with_place("row", index=0), [Part.ROW_TREE]),
    (lambda: with_place("row", index=2), [Part.ROW_TREE]),
    (lambda: with_place("row", index=3), [Part.ROW_TREE]),
    (lambda: with_place("row", size=4), [Part.ROW_TREE]),
    (lambda: with_place("row", size=2**63 - 1), [Part.ROW_TREE]),
    (lambda: with_place("row", path=[]), [Part.ROW_TREE]),
    (lambda: with_place("row", path=SMALL.row.path[::-1]), [Part.ROW_TREE]),
    (lambda: with_place("row", path=[*SMALL.row.path, "ab" * 32]), [Part.ROW_TREE]),
    (lambda: with_place("log", index=3), [Part.LOG_TREE]),
    (lambda: with_place("log", size=6), [Part.LOG_TREE]),
    (lambda: with_place("log", path=SMALL.log.path[1:]), [Part.LOG_TREE]),
    (lambda: with_place("log", path=["ab" * 32, *SMALL.log.path[1:]]), [Part.LOG_TREE]),
    (lambda: changed(SMALL, manifest=SMALL.manifest.replace('"run"', '"fun"')), [Part.LOG_TREE]),
    (lambda: changed(SMALL, manifest=SMALL.manifest + " "), [Part.LOG_TREE]),
    (lambda: changed(SMALL, manifest=SMALL.manifest.replace('"number": 3', '"number": 4')), [Part.LOG_TREE]),
    (lambda: changed(SMALL, manifest=made(rows_of(DAY, 4)).manifest), [Part.ROW_TREE, Part.LOG_TREE]),
    (lambda: changed(SMALL, manifest="{}"), [Part.MANIFEST]),
    *(
        (lambda name=name: changed(SMALL, manifest=with_huge_number(name)), [Part.MANIFEST])
        for name in ("records", "number")
    ),
    (lambda: changed(SMALL, manifest="[" * 10_000), [Part.MANIFEST]),
    (lambda: changed(SMALL, statement=SMALL.statement + "\n"), [Part.TREE_HEAD]),
    (lambda: changed(SMALL, statement=""), [Part.TREE_HEAD]),
    (lambda: changed(SMALL, statement=SMALL.statement.replace(":5,", ":6,")), [Part.LOG_TREE]),
    (lambda: changed(SMALL, manifest="", statement=""), [Part.MANIFEST, Part.TREE_HEAD]),
]


@pytest.mark.parametrize(("tampered", "expected"), TAMPERED)
def test_the_finding_names_the_part_that_was_changed(tampered: Callable[[], bytes], expected: list[Part]) -> None:
    assert parts(verify_proof(tampered())) == expected


def test_an_index_in_a_tree_of_another_size_is_found_although_the_path_fits() -> None:
    three, four = made(rows_of(DAY, 3)), made(rows_of(DAY, 4))
    assert len(three.row.path) == len(four.row.path)
    assert parts(verify_proof(changed(three, row=three.row.model_copy(update={"size": 4})))) == [Part.ROW_TREE]
    another_size = made(rows_of(DAY, 3), records=4)
    assert parts(verify_proof(another_size.to_bytes())) == [Part.ROW_TREE]


@pytest.mark.parametrize("lacking", [{"merkle_root": None}, {"merkle_root": ""}, {"merkle_root": "xyz"}])
def test_a_manifest_without_a_root_proves_nothing(lacking: dict[str, object]) -> None:
    assert parts(verify_proof(made(rows_of(DAY), **lacking).to_bytes())) == [Part.ROW_TREE]


def test_a_manifest_with_another_number_than_its_log_path_proves_nothing() -> None:
    for number in (None, 4, 0):
        manifest = manifest_of(rows_of(DAY), number).to_bytes()
        log = [*OTHERS[:2], sha256(manifest).digest(), *OTHERS[2:]]
        tree_head = tree_head_of(AT, "signals", NONE, [one.hex() for one in log]).to_bytes().decode()
        proof = made(rows_of(DAY))
        forged = changed(proof, manifest=manifest.decode(), log=inclusion(leaves(log), 2), statement=tree_head)
        assert parts(verify_proof(forged)) == [Part.LOG_TREE]


def test_a_manifest_from_before_the_bucket_was_renamed_is_accepted() -> None:
    assert parts(verify_proof(made(rows_of(DAY), bucket="another").to_bytes())) == []


@pytest.mark.parametrize(
    ("text", "is_accepted"),
    [
        ("87.0", True),
        ("87", True),
        ("87.00", False),
        ("087.0", False),
        ("+87.0", False),
        (" 87.0", False),
        ("8_7.0", False),
        ("8.7e1", False),
        ("\uff18\uff17", False),
        ("eighty-seven", False),
        ("", False),
        ("nan", False),
        ("inf", False),
        ("1e400", False),
        ("9" * 6000, False),
    ],
)
def test_a_number_is_written_as_in_a_backup(text: str, is_accepted: bool) -> None:
    proof = made([signal(1, ["confidence"], confidence=87.0)])
    body = changed(proof, signal={**proof.signal, "confidence": text})
    assert parts(verify_proof(body)) == ([] if is_accepted else [Part.SIGNAL])


def document() -> dict[str, Any]:
    loaded = json.loads(SMALL.to_bytes())
    assert isinstance(loaded, dict)
    return loaded


def without(*names: str) -> bytes:
    whole = document()
    inner = whole
    for name in names[:-1]:
        inner = inner[name]
    del inner[names[-1]]
    return as_file(whole)


def as_file(found: object) -> bytes:
    return (json.dumps(found, indent=2) + "\n").encode()


TEXT = SMALL.to_bytes().decode()
NOT_PROOFS = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"\xff\xfe\x00",
    b"[" * 200_000,
    b'{"format":' * 100_000,
    TEXT.rstrip().encode(),
    TEXT.replace("\n", "\r\n").encode(),
    ("\ufeff" + TEXT).encode(),
    json.dumps(document()).encode(),
    TEXT.replace('"format": 1', '"format": 2').encode(),
    TEXT.replace('"format": 1', '"format": 1.0').encode(),
    TEXT.replace('"format": 1', '"format": true').encode(),
    TEXT.replace('"format": 1', '"format": 1,\n  "format": 1').encode(),
    TEXT.replace('"index": 1', '"index": "1"').encode(),
    TEXT.replace('"index": 1', '"index": -1').encode(),
    TEXT.replace('"index": 1', '"index": 1e0').encode(),
    TEXT.replace('"index": 1', '"index": ' + "9" * 30).encode(),
    TEXT.replace('"index": 1', '"index": ' + "9" * 10_000).encode(),
    TEXT.replace('"BUY"', "null").encode(),
    TEXT.replace('"BUY"', '"\\ud800"').encode(),
    TEXT.replace(SMALL.row.path[0], SMALL.row.path[0].upper()).encode(),
    TEXT.replace(SMALL.row.path[0], SMALL.row.path[0][:-2]).encode(),
    TEXT.replace(SMALL.row.path[0], "zz" * 32).encode(),
    TEXT.replace(SMALL.signal["verification_hash"], "zz" * 32).encode(),
    *(without(name) for name in document()),
    *(without("signal", name) for name in PROVEN_FIELDS),
    *(without("row", name) for name in ("index", "size", "path")),
    as_file({**document(), "more": 1}),
    as_file({**document(), "signal": {**document()["signal"], "more": "1"}}),
    as_file({**document(), "signal": dict(reversed(document()["signal"].items()))}),
    as_file({**document(), "timestamps": [{"authority": "x"}]}),
]


@pytest.mark.parametrize("body", NOT_PROOFS, ids=range(len(NOT_PROOFS)))
def test_a_file_that_is_not_a_proof_is_a_finding(body: bytes) -> None:
    assert as_file(document()).decode() == TEXT
    assert parts(verify_proof(body)) == [Part.FILE]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([*document(), "row.path", "row.index", "signal.action", "log.size"]), json_values)
@examples(200)
def test_any_other_value_is_a_finding_and_no_failure(where: str, value: object) -> None:
    whole = document()
    inner, (*outer, name) = whole, where.split(".")
    for step in outer:
        inner = inner[step]
    before, inner[name] = inner[name], value
    same = json.dumps(before) == json.dumps(value)
    assert verify_proof(as_file(whole)).ok == same


@given(st.binary(max_size=200))
@examples(100)
def test_any_bytes_are_a_finding_and_no_failure(body: bytes) -> None:
    assert parts(verify_proof(body)) == [Part.FILE]


@given(st.lists(st.integers(1, 59), min_size=1, max_size=20, unique=True), st.integers(1, 5), st.data())
@examples(50)
def test_a_proof_of_any_row_of_any_day_verifies(numbers: list[int], place: int, drawn: st.DataObject) -> None:
    rows = [rows_of(DAY, 60)[number] for number in numbers]
    index = drawn.draw(st.integers(0, len(rows) - 1))
    assert verify_proof(made(rows, index, place).to_bytes()).ok
    assert leaf_hash(bytes.fromhex(str(rows[index]["verification_hash"]))).hex() not in made(rows, index).row.path


@pytest.fixture(scope="module")
def stamped(authority: Authority) -> Proof:
    token = base64.b64encode(request_timestamp(authority.url, SMALL.statement.encode())).decode()
    return SMALL.model_copy(update={"timestamps": [Timestamp(authority=authority.url, token=token)]})


def test_time_stamps_are_verified_when_a_ca_is_given(stamped: Proof, authority: Authority) -> None:
    unchecked = verify_proof(stamped.to_bytes()).proven
    assert unchecked is not None
    assert [stamp.at for stamp in unchecked.timestamps] == [None]
    assert not unchecked.is_anchored

    checked = verify_proof(stamped.to_bytes(), authority.ca_pem).proven
    assert checked is not None
    assert checked.is_anchored
    (stamp,) = checked.timestamps
    assert stamp.authority == authority.url
    assert stamp.at is not None
    assert stamp.at.tzinfo is UTC


def test_a_time_stamp_that_does_not_verify_is_a_finding(
    stamped: Proof, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with timestamp_authority(tmp_path_factory.mktemp("another")) as another:
        assert parts(verify_proof(stamped.to_bytes(), another.ca_pem)) == [Part.TIMESTAMP]
    of_another = made(rows_of(DAY, 4)).model_copy(update={"timestamps": stamped.timestamps})
    assert parts(verify_proof(of_another.to_bytes(), authority.ca_pem)) == [Part.TIMESTAMP]
    for token in ("no Base64!", "", base64.b64encode(b"no stamp").decode(), "é"):
        broken = stamped.timestamps[0].model_copy(update={"token": token})
        # A good time stamp does not make up for a bad one.
        body = changed(stamped, timestamps=[stamped.timestamps[0], broken])
        assert parts(verify_proof(body, authority.ca_pem)) == [Part.TIMESTAMP]
        assert verify_proof(body).ok


def test_with_a_ca_a_proof_without_a_time_stamp_fails(authority: Authority) -> None:
    assert parts(verify_proof(SMALL.to_bytes(), authority.ca_pem)) == [Part.TIMESTAMP]
