"""What goes into a bundle of a real store, what is said of the rest, and what is never left half done."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.errors import ArchivedError, NotFoundError, SettingsError, StoreError, VerificationError
from signal_backups.core.bundle.check import check_bundle
from signal_backups.core.bundle.content import BundleContent, BundleDay, BundleFile, DayEntry
from signal_backups.core.bundle.fetch import bundle_content
from signal_backups.core.bundle.write import WrittenBundle, write_bundle
from signal_backups.core.integrity.anchors.anchors import write_anchor
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.integrity.anchors.tree_head import LogHead, tree_head_of
from signal_backups.core.ledger.event import Action
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.bundle.made import csv_bytes, files_of, made_bundle, sha
from signal_backups_tests.core.bundle.standalone import as_program
from signal_backups_tests.core.restore.backups import delete, destroy, overwrite, rows_of
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import DAY, Row, signal
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3
from signal_backups_tests.servers.strict_s3.helpers import put_rules
from signal_backups_tests.servers.timestamp_authority import timestamp_authority

NEXT = DAY + timedelta(days=1)
NOW = datetime(2026, 11, 20, 2, 45, tzinfo=UTC)

BackUp = Callable[..., Manifest]
Bundled = Callable[..., WrittenBundle]


@pytest.fixture
def back_up(run_day: RunDay, vault: BackupVault) -> BackUp:
    """Backs a day up that has these rows."""
    made = iter(range(1000))

    def back_up(day: date = DAY, rows: list[Row] | None = None, into: BackupVault = vault) -> Manifest:
        found = rows_of(day, 3) if rows is None else rows
        folder = run_day(found, day=day, file=f"table-{next(made)}.db").folder
        return store_backup(into, folder, BackupRun("run")).manifest

    return back_up


@pytest.fixture
def bundled(vault: BackupVault, tmp_path: Path) -> Bundled:
    """Makes a bundle of a range of days."""

    def bundled(first: date = DAY, last: date = DAY, name: str = "bundle") -> WrittenBundle:
        content = bundle_content(vault, first, last, tmp_path / "scratch", clock=lambda: NOW)
        return write_bundle(content, tmp_path / name)

    return bundled


def passes(bundle: WrittenBundle) -> bool:
    """Whether its check passes it."""
    return check_bundle(bundle.path).ok


def body(vault: BackupVault, manifest: Manifest) -> bytes:
    return vault.store.get_bytes(manifest.backup.key, manifest.backup.version_id)[0]


def test_the_versions_go_in_that_the_newest_manifests_name(
    back_up: BackUp, bundled: Bundled, vault: BackupVault
) -> None:
    back_up()
    newest = back_up(rows=[*rows_of(DAY, 4), signal(5, symbol="WRONG HASH", verification_hash="0" * 64)])
    hidden = back_up(NEXT)
    in_bucket = body(vault, newest)
    overwrite(vault, b"foreign", newest.backup.key)
    delete(vault, hidden.backup.key)
    bundle = bundled(DAY, NEXT)
    assert (bundle.path / newest.backup.key).read_bytes() == in_bucket
    assert (bundle.path / hidden.backup.key).read_bytes() == body(vault, hidden)
    assert newest.quarantine is not None
    assert b"WRONG HASH" in (bundle.path / newest.quarantine.key).read_bytes()
    chain = [entry.body for entry in vault.manifest_log.entries()]
    assert [(bundle.path / f"manifests/{number:010d}.json").read_bytes() for number in (1, 2, 3)] == chain
    events = b"".join(entry.body for entry in vault.trail.log.entries())
    assert (bundle.path / "events.jsonl").read_bytes() == events
    assert [entry.model_dump(exclude_none=True) for entry in bundle.index.days] == [
        {"day": DAY, "csv": newest.backup.key, "quarantine": newest.quarantine.key, "manifest": 2, "records": 4},
        {"day": NEXT, "csv": hidden.backup.key, "manifest": 3, "records": 3},
    ]
    assert passes(bundle)


def test_a_replaced_day_has_every_version_that_was_vouched_for(
    back_up: BackUp, bundled: Bundled, vault: BackupVault, run_day: RunDay
) -> None:
    first = back_up(rows=rows_of(DAY, 4))
    second = back_up(rows=rows_of(DAY, 5))
    accepted = BackupRun("run", lambda: NOW, accept_changes="ticket <17>")
    newest = store_backup(vault, run_day(rows_of(DAY, 2), file="less.db").folder, accepted).manifest
    bundle = bundled()
    assert (bundle.path / newest.backup.key).read_bytes() == body(vault, newest)
    for number, manifest in ((1, first), (2, second)):
        assert (bundle.path / f"replaced/{number:010d}/{manifest.backup.key}").read_bytes() == body(vault, manifest)
    assert passes(bundle)
    said = as_program(bundle.path).stdout
    assert f"{DAY}: replaced on 2026-11-20, 0 signals altered, 3 removed. ticket <17>" in said
    assert "ticket &lt;17&gt;" in (bundle.path / "index.html").read_text()


def test_of_a_replaced_day_a_changed_older_version_fails_and_a_missing_one_is_named(
    back_up: BackUp, bundled: Bundled, vault: BackupVault, run_day: RunDay
) -> None:
    first = back_up(rows=rows_of(DAY, 4))
    accepted = BackupRun("run", lambda: NOW, accept_changes="x")
    store_backup(vault, run_day(rows_of(DAY, 2), file="less.db").folder, accepted)
    bundle = bundled()
    older = bundle.path / f"replaced/{1:010d}/{first.backup.key}"
    good = older.read_bytes()
    older.write_bytes(good.replace(b"BUY", b"SEL", 1))
    assert not passes(bundle)
    older.write_bytes(good)
    file = first.backup
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=file.key, VersionId=file.version_id)
    without = bundled(name="without")
    assert passes(without)
    assert f"{DAY}: the version of manifest 1 is not here" in as_program(without.path).stdout


def test_a_damaged_older_version_of_a_replaced_day_stops_no_bundle(
    back_up: BackUp, bundled: Bundled, vault: BackupVault, run_day: RunDay, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = back_up(rows=rows_of(DAY, 4))
    accepted = BackupRun("run", lambda: NOW, accept_changes="x")
    newest = store_backup(vault, run_day(rows_of(DAY, 2), file="less.db").folder, accepted).manifest
    get_file = vault.store.get_file

    def damaged(key: str, version_id: str, target: Path) -> None:
        get_file(key, version_id, target)
        if version_id == first.backup.version_id:
            target.write_bytes(b"damaged")

    monkeypatch.setattr(vault.store, "get_file", damaged)
    bundle = bundled()
    assert passes(bundle)
    assert (bundle.path / newest.backup.key).exists()
    assert f"{DAY}: the version of manifest 1 is not here" in as_program(bundle.path).stdout


def test_what_the_database_altered_or_lost_is_on_the_page(back_up: BackUp, bundled: Bundled) -> None:
    back_up(rows=rows_of(DAY, 4))
    back_up(rows=rows_of(DAY, 3))
    bundle = bundled()
    assert passes(bundle)
    assert "1 vanished (" in (bundle.path / "index.html").read_text()


def test_a_day_without_a_backup_is_a_gap_and_no_fault(back_up: BackUp, bundled: Bundled) -> None:
    back_up(NEXT)
    bundle = bundled(DAY, NEXT)
    assert bundle.index.days[0] == DayEntry(day=DAY, missing="there is no backup")
    assert not bundle.index.days[0].is_lost
    assert passes(bundle)
    assert f"{DAY}: no manifest of the log vouches for a backup" in as_program(bundle.path).stdout
    assert "there is no backup" in (bundle.path / "index.html").read_text()


def test_a_backup_of_an_older_tool_is_in_and_named_as_such(
    bundled: Bundled, vault: BackupVault, back_up: BackUp
) -> None:
    back_up(NEXT)
    old = csv_bytes([signal(1)], tuple(signal(1)))
    overwrite(vault, old, "signals/2026/11/signals_backup_20261101_030000.csv")
    bundle = bundled(DAY, NEXT)
    (name,) = bundle.index.days[0].unvouched or []
    assert name == "unvouched/signals/2026/11/signals_backup_20261101_030000.csv"
    assert (bundle.path / name).read_bytes() == old
    assert (bundle.index.totals.backed_up, bundle.index.totals.records) == (1, 3)
    assert passes(bundle)
    overwrite(vault, old.replace(b"EURUSD", b"USDJPY"), "signals/2026/11/signals_backup_20261101_030000.csv")
    assert not passes(bundled(DAY, NEXT, "edited"))


def test_a_vouched_day_that_is_gone_is_named_and_the_bundle_fails(
    back_up: BackUp, bundled: Bundled, vault: BackupVault
) -> None:
    lost, there = back_up(), back_up(NEXT)
    destroy(vault, lost.backup.key)
    bundle = bundled(DAY, NEXT)
    assert bundle.index.days[0].is_lost
    assert "is not in S3 any more" in (bundle.index.days[0].missing or "")
    assert (bundle.path / there.backup.key).exists()
    assert lost.backup.key in {finding.file for finding in check_bundle(bundle.path).findings}


def test_bytes_that_are_not_the_vouched_ones_do_not_go_in(
    back_up: BackUp, bundled: Bundled, vault: BackupVault
) -> None:
    manifest = back_up()
    claimed = manifest.model_copy(update={"backup": manifest.backup.model_copy(update={"sha256": "0" * 64})})
    vault.manifest_log.append(
        lambda link: claimed.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()
    )
    bundle = bundled()
    assert not (bundle.path / manifest.backup.key).exists()
    assert "is not what its manifest says" in (bundle.index.days[0].missing or "")


def anchored_statement(vault: BackupVault) -> bytes:
    """The tree head of what is in the vault now."""
    events, chain = list(vault.trail.log.entries()), list(vault.manifest_log.entries())
    head = LogHead(number=len(events), sha256=events[-1].sha256)
    return tree_head_of(NOW, vault.store.bucket, head, [entry.sha256 for entry in chain]).to_bytes()


def test_anchors_lie_beside_what_openssl_needs(back_up: BackUp, bundled: Bundled, vault: BackupVault) -> None:
    back_up()
    statement = anchored_statement(vault)
    key = write_anchor(vault, statement, NOW).key
    back_up(NEXT)
    bundle = bundled(DAY, NEXT)
    name = key.rpartition("/")[2]
    assert (bundle.path / "anchors" / name).read_bytes() == vault.store.get_bytes(key)[0]
    beside = bundle.path / "anchors" / f"{name.removesuffix('.json')}.statement.json"
    assert beside.read_bytes() == statement
    assert passes(bundle)
    covered = bundled(name="covered")
    heads = ((covered, sha(statement), 0), (bundle, sha(statement), 1), (bundle, bundle.statement_sha256, 0))
    for one, head_given, code in (*heads, (bundle, "0" * 64, 1)):
        assert as_program(one.path, "--head", head_given).returncode == code
        assert check_bundle(one.path, head=head_given).ok == (code == 0)


@pytest.mark.needs("openssl")
def test_openssl_and_we_check_the_signatures_of_time_stamps(
    back_up: BackUp, bundled: Bundled, vault: BackupVault, tmp_path: Path
) -> None:
    back_up()
    statement = anchored_statement(vault)
    with timestamp_authority(tmp_path / "one") as one, timestamp_authority(tmp_path / "other") as other:
        write_anchor(vault, statement, NOW, AnchorDestinations(one.url))
    bundle = bundled()
    (stamp,) = (bundle.path / "anchors").glob("*.1.tsr")
    said = next(line for line in as_program(bundle.path).stdout.splitlines() if "openssl ts -verify" in line)
    command = said[said.index("openssl") :].split()
    for authority, is_right in ((one, True), (other, False)):
        done = subprocess.run([*command[:-1], authority.ca_file], cwd=bundle.path, capture_output=True, check=False)
        assert (done.returncode == 0) == is_right
        assert check_bundle(bundle.path, authority.ca_pem).ok == is_right
    unsigned = [finding.file for finding in check_bundle(bundle.path, other.ca_pem).findings]
    assert unsigned == [f"anchors/{stamp.name}", "bundle.json"]
    (found,) = check_bundle(bundle.path, one.ca_pem).stamps
    assert (found.file, found.authority) == (f"anchors/{stamp.name}", one.url)
    assert found.at is not None
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert check_bundle(bundle.path).stamps[0].at is None
    back_up(NEXT)
    later = check_bundle(bundled(DAY, NEXT, "later").path, one.ca_pem)
    assert [finding.file for finding in later.findings] == [f"bundle.json, {NEXT}"]
    assert check_bundle(bundled(name="covered").path, one.ca_pem).ok


def test_the_page_tells_of_days_events_and_gaps(back_up: BackUp, bundled: Bundled, vault: BackupVault) -> None:
    manifest = back_up()
    vault.trail.record(Action.HOLD_PUT, "held <b>", details={"case": "1"})
    page = (bundled(DAY, NEXT).path / "index.html").read_text()
    for expected in (manifest.backup.sha256, "python3 verify.py", "hold_put", "held &lt;b&gt;", str(NEXT)):
        assert expected in page
    assert "http" not in page.replace("http-equiv", "")


def test_nothing_in_a_bundle_is_taken_for_html(tmp_path: Path) -> None:
    hostile, escaped = "<i>&'", "&lt;i&gt;&amp;&#39;"
    days = [BundleDay(DayEntry(day=DAY, missing=hostile, unvouched=[f"unvouched/{hostile}"]))]
    content = replace(small(*days), bucket=hostile, prefix=hostile)
    page = (write_bundle(content, tmp_path / "bundle").path / "index.html").read_text()
    assert "<i>" not in page
    # Bucket and prefix in title and heading, why a day is missing, and what is there instead.
    assert page.count(escaped) == 4 + 2


def test_an_archived_version_has_to_thaw_before_anything_is_written(back_up: BackUp, tmp_path: Path) -> None:
    clock = SimulatedClock(datetime(2026, 11, 3, 2, tzinfo=UTC))
    s3 = StrictS3(clock)
    client = s3.client()
    client.create_bucket(Bucket="archive")
    client.put_bucket_versioning(Bucket="archive", VersioningConfiguration={"Status": "Enabled"})
    vault = BackupVault(S3ObjectStore(client, "archive"), Layout())
    manifest = back_up(into=vault)
    put_rules(
        client,
        "archive",
        {"Filter": {"Prefix": "signals/"}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]},
        TransitionDefaultMinimumObjectSize="varies_by_storage_class",
    )
    s3.advance(days=3)
    with pytest.raises(ArchivedError, match=f"restore --from {DAY} --to {DAY}") as caught:
        bundle_content(vault, DAY, DAY, tmp_path / "scratch", clock=clock)
    assert manifest.backup.key in str(caught.value)


def test_a_chain_with_a_gap_is_no_bundle(back_up: BackUp, bundled: Bundled, vault: BackupVault, tmp_path: Path) -> None:
    back_up()
    back_up(NEXT)
    destroy(vault, vault.manifest_log.key_of(1))
    with pytest.raises(NotFoundError, match="is missing"):
        bundled()
    assert not (tmp_path / "bundle").exists()


def small(*days: BundleDay) -> BundleContent:
    """Content without chains."""
    return BundleContent("b", "signals/", DAY, DAY, NOW, b"{}\n", (), (), {}, days)


class Torn(BaseException):
    """Whatever ends a run."""


def torn_days() -> Iterator[BundleDay]:
    yield BundleDay(DayEntry(day=DAY), [BundleFile("signals/a.csv", b"a")])
    raise Torn


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_nothing_is_left_of_a_bundle_that_was_not_finished(tmp_path: Path, name: str) -> None:
    content = replace(small(), days=torn_days())
    with pytest.raises(Torn):
        write_bundle(content, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_what_is_there_is_not_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(SettingsError, match="is there already"):
        write_bundle(small(), tmp_path / name)
    assert (tmp_path / name).read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out", "a\nb", "bundle.json", "a//b", ""])  # noqa: S108
def test_no_key_of_the_bucket_leads_out_of_the_bundle(tmp_path: Path, name: str) -> None:
    days = [BundleDay(DayEntry(day=DAY), [BundleFile(name, b"")])]
    with pytest.raises(VerificationError, match="cannot be the name"):
        write_bundle(small(*days), tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_a_zip_is_the_same_every_time_and_has_its_sum_beside_it(
    back_up: BackUp, bundled: Bundled, tmp_path: Path
) -> None:
    back_up()
    one, other, folder = bundled(name="one.zip"), bundled(name="other.zip"), bundled()
    assert one.path.read_bytes() == other.path.read_bytes()
    assert (tmp_path / "one.zip.sha256").read_text() == f"{one.zip_sha256}  one.zip\n"
    with zipfile.ZipFile(one.path) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {
        path.relative_to(folder.path).as_posix(): path.read_bytes() for path in folder.path.rglob("*.*")
    } | {"SHA256SUMS": (folder.path / "SHA256SUMS").read_bytes()}
    assert check_bundle(one.path).findings == []
    assert as_program(one.path).returncode == 2
    assert "unpacked first" in as_program(one.path).stderr


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_in_which_a_file_stands_twice_is_refused(tmp_path: Path) -> None:
    folder, path = made_bundle(0, tmp_path), tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in [*files_of(folder).items(), ("events.jsonl", (folder / "events.jsonl").read_bytes())]:
            archive.writestr(name, content)
    assert check_bundle(path).findings


def test_an_empty_store_gives_an_honest_bundle(bundled: Bundled) -> None:
    bundle = bundled(DAY, NEXT)
    assert bundle.index.totals.model_dump() == {"days": 2, "backed_up": 0, "records": 0}
    assert passes(bundle)


def test_a_store_that_cannot_be_read_is_an_error(back_up: BackUp, tmp_path: Path, vault: BackupVault) -> None:
    back_up()
    gone = BackupVault(S3ObjectStore(vault.store._client, "no-such-bucket"), Layout())
    with pytest.raises((StoreError, NotFoundError)):
        bundle_content(gone, DAY, DAY, tmp_path)


def test_no_damaged_json_ends_the_verifier(tmp_path: Path) -> None:
    """Every value of every JSON file replaced by every kind of value: a finding, or nothing, but never a traceback."""
    bundle = made_bundle(SEED_WITH_EVERYTHING, tmp_path)
    for path in sorted(bundle.rglob("*.json")):
        original = path.read_bytes()
        document = json.loads(original)
        for changed in _replaced(document):
            path.write_text(json.dumps(changed, indent=2) + "\n")
            assert check_bundle(bundle).findings, (path.name, changed)
        for broken in (b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b"1" * 5000, b'{"a":1e999}', b"\0"):
            path.write_bytes(broken)
            assert check_bundle(bundle).findings, (path.name, broken[:20])
        path.write_bytes(original)
    assert check_bundle(bundle).findings == []
    assert as_program(bundle).returncode == 0


SEED_WITH_EVERYTHING = 4


def _replaced(document: object) -> list[object]:
    """The document with one value at a time replaced."""
    found: list[object] = [None, [], {}, "x", -1, 1.5, True, 10**30]
    if isinstance(document, dict):
        for name, value in document.items():
            found += [{**document, name: changed} for changed in _replaced(value) if changed != value]
    elif isinstance(document, list):
        for place, value in enumerate(document):
            found += [
                [*document[:place], changed, *document[place + 1 :]] for changed in _replaced(value) if changed != value
            ]
    return found
