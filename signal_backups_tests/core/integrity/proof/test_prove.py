"""Proofs made from a bucket: anybody can check them, they reveal one signal only, and each failure has its error."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import utc_now
from signal_backups.core.base.digest import digest as file_digest
from signal_backups.core.base.errors import ArchivedError, ExitCode, NotFoundError, VerificationError
from signal_backups.core.integrity.anchors.anchors import write_anchor
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.integrity.anchors.tree_head import LogHead, TreeHead, tree_head_of
from signal_backups.core.integrity.proof.proof_file import Proof
from signal_backups.core.integrity.proof.prove import SearchResult, backed_up_days, prove, search
from signal_backups.core.integrity.proof.verify_proof import verify_proof
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.signals.merkle import leaf_hash
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.core.integrity.proof_days import BackUp, later, rows_of
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import DAY, HASHED, Row, signal
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3
from signal_backups_tests.servers.timestamp_authority import Authority

NOW = datetime(2026, 11, 9, 3, tzinfo=UTC)
CONTENT = "text/csv"


def digest(data: bytes) -> bytes:
    return sha256(data).digest()


def root_of(data: bytes, place: dict[str, Any]) -> str:
    """The root that an inclusion path leads to (RFC 9162, section 2.1.3.2)."""
    node, fn, sn = digest(b"\x00" + data), place["index"], place["size"] - 1
    assert fn <= sn
    for sibling in map(bytes.fromhex, place["path"]):
        assert sn > 0
        if fn % 2 or fn == sn:
            node = digest(b"\x01" + sibling + node)
            while fn % 2 == 0 and fn:
                fn, sn = fn // 2, sn // 2
        else:
            node = digest(b"\x01" + node + sibling)
        fn, sn = fn // 2, sn // 2
    assert sn == 0
    return node.hex()


def check_without_us(body: bytes) -> dict[str, Any]:
    """Check a proof with nothing but JSON and SHA-256; returns its tree head."""
    proof = json.loads(body)
    hashed = {
        name: float(text) if name.endswith("price") or name == "confidence" else text
        for name, text in proof["signal"].items()
        if name in HASHED
    }
    row = sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
    assert row == proof["signal"]["verification_hash"]
    manifest, tree_head = json.loads(proof["manifest"]), json.loads(proof["statement"])
    assert manifest["records"] == proof["row"]["size"]
    assert root_of(bytes.fromhex(row), proof["row"]) == manifest["merkle_root"]
    assert (proof["log"]["index"] + 1, proof["log"]["size"]) == (manifest["number"], tree_head["manifests"]["number"])
    assert root_of(digest(proof["manifest"].encode()), proof["log"]) == tree_head["manifests"]["root"]
    assert isinstance(tree_head, dict)
    return tree_head


def test_anybody_can_check_a_proof_with_json_and_sha256(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    manifests = [back_up(later(number), rows_of(later(number), 7)) for number in range(3)]
    head, before = vault.trail.log.head(), utc_now().replace(microsecond=0)
    assert head is not None
    for place in range(7):
        body = prove(vault, f"{later(1):%Y%m%d}-{place:03}", later(1), scratch).to_bytes()
        tree_head = check_without_us(body)
        assert tree_head["events"] == {"number": head.number, "sha256": head.sha256}
        assert tree_head["bucket"] == vault.store.bucket
        assert before <= datetime.fromisoformat(tree_head["at"]) <= utc_now()
        assert tree_head["manifests"]["number"] == 3

        report = verify_proof(body)
        assert report.findings == []
        assert report.proven is not None
        assert report.proven.day == later(1)
        assert (report.proven.bucket, report.proven.key) == (vault.store.bucket, manifests[1].backup.key)
        assert report.proven.version_id == manifests[1].backup.version_id
        assert (report.proven.manifest, report.proven.manifests) == (2, 3)
        assert not report.proven.is_anchored
    assert not list(scratch.iterdir())


def test_a_proof_reveals_nothing_of_other_signals(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    rows = rows_of(DAY, 6)
    back_up(DAY, rows)
    text = prove(vault, str(rows[2]["signal_id"]), DAY, scratch).to_bytes().decode()

    others = [str(row[name]) for row in rows if row is not rows[2] for name in (*HASHED, "verification_hash")]
    assert {value for value in others if value in text} == {"BUY"}  # its own action, and only that
    assert all(str(rows[2][name]) in text for name in HASHED)
    beside = leaf_hash(bytes.fromhex(str(rows[3]["verification_hash"]))).hex()
    assert json.loads(text)["row"]["path"][0] == beside
    assert sum(leaf_hash(bytes.fromhex(str(row["verification_hash"]))).hex() in text for row in rows) == 1


@pytest.mark.parametrize("signal_id", ["a'b\"c", "l1\nl2\r\n,", "x' OR '1'='1", "é😀\u2028", "%_*?/../"])
def test_an_id_may_be_anything(vault: BackupVault, back_up: BackUp, scratch: Path, signal_id: str) -> None:
    back_up(DAY, [signal(1), signal(2, signal_id=signal_id, strategy="two\nlines"), signal(3)])
    body = prove(vault, signal_id, DAY, scratch).to_bytes()
    check_without_us(body)
    assert json.loads(body)["signal"]["signal_id"] == signal_id
    assert json.loads(body)["row"]["index"] == 1


def test_a_row_in_integer_form_is_proven(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    back_up(DAY, [signal(1, ["confidence"], confidence=87.0)])
    assert verify_proof(prove(vault, "signal-00001", DAY, scratch).to_bytes()).ok


def test_the_newest_backup_of_a_day_is_proven(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    back_up(DAY, [signal(1)])
    back_up(later(1), rows_of(later(1)))
    newest = back_up(DAY, [signal(1), signal(2)])
    report = verify_proof(prove(vault, "signal-00001", DAY, scratch).to_bytes())
    assert report.proven is not None
    assert (report.proven.manifest, report.proven.manifests) == (3, 3)
    assert report.proven.version_id == newest.backup.version_id


def searched(vault: BackupVault, signal_id: str, scratch: Path) -> tuple[SearchResult, int]:
    calls: list[None] = []
    found = search(vault, signal_id, backed_up_days(vault), scratch, on_day_searched=lambda: calls.append(None))
    return found, len(calls)


def test_days_are_searched_newest_first(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    for number in range(4):
        back_up(later(number), rows_of(later(number)))
    found, days_searched = searched(vault, f"{later(1):%Y%m%d}-002", scratch)
    assert days_searched == 3
    assert found.not_searched == {}
    assert found.proof.signal["timestamp"].startswith(later(1).isoformat())
    check_without_us(found.proof.to_bytes())


def test_days_that_cannot_be_searched_are_skipped_and_named(
    vault: BackupVault, back_up: BackUp, scratch: Path, tmp_path: Path
) -> None:
    for number in range(3):
        back_up(later(number), rows_of(later(number)))
    foreign = tmp_path / "foreign.csv"
    foreign.write_text("nothing")
    unvouched = vault.layout.backup_key(BackupSlot(later(5)))
    vault.store.put_file(unvouched, foreign, {}, CONTENT, digest=file_digest(foreign), replaces=None)
    change_csv(vault, later(2), b"x")

    found, days_searched = searched(vault, f"{DAY:%Y%m%d}-000", scratch)
    assert days_searched == 4
    assert list(found.not_searched) == [later(5), later(2)]
    assert "no manifest vouches for" in found.not_searched[later(5)]
    assert "not what its manifest says" in found.not_searched[later(2)]

    with pytest.raises(NotFoundError, match=r"no signal 'nowhere' in 2 backups") as raised:
        searched(vault, "nowhere", scratch)
    assert raised.value.exit_code == ExitCode.NOT_FOUND
    assert f"{later(5)} was not searched: no manifest vouches" in raised.value.what


def change_csv(vault: BackupVault, day: date, body: bytes, **promised: object) -> None:
    """Store other bytes for a day, and a logged manifest that names them; ``promised`` changes its other claims."""
    manifest = vault.find(day).manifest
    assert manifest is not None
    version_id = vault.store.put_bytes(manifest.backup.key, body, CONTENT)
    stored = manifest.backup.model_copy(update={"version_id": version_id, **promised})
    write_manifest(vault, BackupSlot(day), manifest.model_copy(update={"backup": stored}))


def test_no_such_signal_and_no_such_day(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    back_up(DAY, rows_of(DAY))
    for signal_id, day in (("nowhere", DAY), (f"{DAY:%Y%m%d}-000", later(1))):
        with pytest.raises(NotFoundError) as raised:
            prove(vault, signal_id, day, scratch)
        assert raised.value.exit_code == ExitCode.NOT_FOUND


def test_a_file_that_differs_from_its_manifest_proves_nothing(
    vault: BackupVault, back_up: BackUp, scratch: Path
) -> None:
    back_up(DAY, [signal(1), signal(2)])
    body, _ = vault.store.get_bytes(vault.layout.backup_key(BackupSlot(DAY)))
    change_csv(vault, DAY, body.replace(b"signal-00002", b"signal-00003"))
    with pytest.raises(VerificationError, match="not what its manifest says"):
        prove(vault, "signal-00001", DAY, scratch)


def test_rows_that_do_not_fit_the_manifest_prove_nothing(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    manifest = back_up(DAY, [signal(1), signal(2)])
    write_manifest(vault, BackupSlot(DAY), manifest.model_copy(update={"records": 1}))
    with pytest.raises(VerificationError, match="cannot be proven"):
        prove(vault, "signal-00001", DAY, scratch)
    with pytest.raises(VerificationError, match="row 2 of"):
        prove(vault, "signal-00002", DAY, scratch)
    body, _ = vault.store.get_bytes(vault.layout.backup_key(BackupSlot(DAY)))
    lacking = body.replace(b"trend", b"")
    change_csv(vault, DAY, lacking, sha256=sha256(lacking).hexdigest())
    with pytest.raises(VerificationError, match="row 1 of"):
        prove(vault, "signal-00001", DAY, scratch)


@pytest.mark.parametrize("missing", ["merkle_root", "number"])
def test_a_backup_of_a_release_without_proofs_has_a_remedy(
    vault: BackupVault, back_up: BackUp, scratch: Path, missing: str
) -> None:
    manifest = back_up(DAY, rows_of(DAY))
    put_manifest(vault, manifest.model_copy(update={missing: None}))
    for proving in (
        lambda: prove(vault, f"{DAY:%Y%m%d}-000", DAY, scratch),
        lambda: searched(vault, f"{DAY:%Y%m%d}-000", scratch),
    ):
        with pytest.raises(VerificationError) as raised:
            proving()
        assert f"signal-backups backup {DAY}" in raised.value.remedy
        assert raised.value.exit_code == ExitCode.FAILED


def put_manifest(vault: BackupVault, manifest: Manifest) -> None:
    vault.store.put_bytes(vault.layout.manifest_key(BackupSlot(manifest.day)), manifest.to_bytes(), "application/json")


@pytest.mark.parametrize("change", [{"run_id": "another"}, {"number": 1}, {"number": 7}])
def test_a_manifest_that_is_not_in_the_manifest_log_proves_nothing(
    vault: BackupVault, back_up: BackUp, scratch: Path, change: dict[str, object]
) -> None:
    back_up(later(1), rows_of(later(1)))
    put_manifest(vault, back_up(DAY, rows_of(DAY)).model_copy(update=change))
    with pytest.raises(VerificationError, match="of the manifest log"):
        prove(vault, f"{DAY:%Y%m%d}-000", DAY, scratch)


def test_a_manifest_with_another_root_proves_nothing(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    manifest = back_up(DAY, rows_of(DAY))
    write_manifest(vault, BackupSlot(DAY), manifest.model_copy(update={"merkle_root": "ab" * 32}))
    with pytest.raises(VerificationError, match="cannot be proven"):
        prove(vault, f"{DAY:%Y%m%d}-000", DAY, scratch)


def anchored(vault: BackupVault, minute: int, authority: Authority | None) -> TreeHead:
    """Anchor the logs as they are now, and return the tree head."""
    head = vault.trail.log.head()
    events = LogHead(number=head.number, sha256=head.sha256) if head else LogHead(number=0, sha256="0" * 64)
    at = NOW + timedelta(minutes=minute)
    tree_head = tree_head_of(at, vault.store.bucket, events, [one.sha256 for one in vault.manifest_log.entries()])
    result = write_anchor(vault, tree_head.to_bytes(), at, AnchorDestinations(authority.url if authority else None))
    assert result.errors == []
    return tree_head


def test_the_newest_stamped_anchor_that_covers_the_backup_is_used(
    vault: BackupVault, back_up: BackUp, scratch: Path, authority: Authority
) -> None:
    for number in range(4):
        back_up(later(number), rows_of(later(number)))
        if number == 1:
            anchored(vault, 1, authority)
        if number == 2:
            stamped = anchored(vault, 2, authority)
            unstamped = anchored(vault, 3, None)
    vault.store.put_bytes(vault.layout.anchor_key(NOW + timedelta(hours=1), 99), b"{}", "application/json")

    covered = prove(vault, f"{later(1):%Y%m%d}-000", later(1), scratch)
    assert covered.statement == stamped.to_bytes().decode()
    assert covered.log.size == 3
    report = verify_proof(covered.to_bytes(), authority.ca_pem)
    assert report.proven is not None
    assert report.proven.is_anchored
    assert [stamp.authority for stamp in report.proven.timestamps] == [authority.url]
    check_without_us(covered.to_bytes())
    assert unstamped != stamped

    uncovered = prove(vault, f"{later(3):%Y%m%d}-000", later(3), scratch)
    assert (uncovered.timestamps, uncovered.log.size) == ([], 4)


def test_an_anchor_without_a_time_stamp_is_better_than_none(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    back_up(DAY, rows_of(DAY))
    anchored(vault, 1, None)
    newer = anchored(vault, 2, None)
    back_up(later(1), rows_of(later(1)))
    assert prove(vault, f"{DAY:%Y%m%d}-000", DAY, scratch).statement == newer.to_bytes().decode()


def test_an_anchor_that_contradicts_the_manifest_log_is_an_error(
    vault: BackupVault, back_up: BackUp, scratch: Path
) -> None:
    back_up(DAY, rows_of(DAY))
    of_another = tree_head_of(NOW, vault.store.bucket, LogHead(number=0, sha256="0" * 64), ["ab" * 32])
    write_anchor(vault, of_another.to_bytes(), NOW)
    with pytest.raises(VerificationError, match="not at that place in the manifest log") as raised:
        prove(vault, f"{DAY:%Y%m%d}-000", DAY, scratch)
    assert "audit verify" in raised.value.remedy


def test_an_archived_day_has_to_be_thawed_or_is_skipped(run_day: RunDay, scratch: Path) -> None:
    clock = SimulatedClock(datetime(2026, 11, 2, 2, tzinfo=UTC))
    s3 = StrictS3(clock)
    client = s3.client()
    client.create_bucket(Bucket="archived")
    client.put_bucket_versioning(Bucket="archived", VersioningConfiguration={"Status": "Enabled"})
    vault = BackupVault(S3ObjectStore(client, "archived", clock=clock), Layout())
    for number in (0, 40):
        rows = rows_of(later(number))
        store_backup(vault, run_day(rows, later(number), file=f"{number}.db").folder, BackupRun("tests"))
    key = vault.layout.backup_key(BackupSlot(later(40)))
    archiving: Any = {"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}
    rule: Any = {"ID": "archive", "Status": "Enabled", "Filter": {"Prefix": key}, **archiving}
    client.put_bucket_lifecycle_configuration(
        Bucket="archived",
        LifecycleConfiguration={"Rules": [rule]},
        TransitionDefaultMinimumObjectSize="varies_by_storage_class",
    )
    s3.advance(days=40)

    with pytest.raises(ArchivedError):
        prove(vault, f"{later(40):%Y%m%d}-000", later(40), scratch)
    found, _ = searched(vault, f"{DAY:%Y%m%d}-003", scratch)
    assert list(found.not_searched) == [later(40)]
    assert verify_proof(found.proof.to_bytes()).ok


def test_a_proof_is_read_as_it_was_written(vault: BackupVault, back_up: BackUp, scratch: Path) -> None:
    rows: list[Row] = [signal(1, strategy="é\n\"'😀")]
    back_up(DAY, rows)
    proof = prove(vault, "signal-00001", DAY, scratch)
    assert Proof.from_bytes(proof.to_bytes()) == proof
    assert proof.to_bytes().isascii()
