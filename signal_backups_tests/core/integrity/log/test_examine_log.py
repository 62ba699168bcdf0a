"""Whatever an administrator of the bucket does to a log, the examination finds it and names the first entry."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from signal_backups.core.integrity.log.examine_log import LogExamination, examine_log
from signal_backups.core.integrity.log.findings import Fault, LogName
from signal_backups.core.integrity.log.segments import Segments
from signal_backups.core.integrity.log.write_segments import write_segments
from signal_backups.core.ledger.chained_log import Entry, Link
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.trails import Admin, bodies_of, edited, failed, occurrence

COUNT = 25
Named = list[tuple[Fault, int | None]]
Tampering = Callable[[Admin], None]


def examine(vault: BackupVault, *, full: bool = False) -> LogExamination:
    return examine_log(Segments(vault, LogName.EVENTS), full=full)


def named(examined: LogExamination) -> Named:
    return [(finding.kind, finding.number) for finding in examined.findings]


def link_to(admin: Admin, number: int) -> Link:
    """The number and previous hash of an entry."""
    return Link(number, Entry(0, "", "", admin.body(number - 1)).sha256)


def destroy(admin: Admin, *numbers: int) -> None:
    for number in numbers:
        admin.erase(admin.log.key_of(number))


def swap(admin: Admin, one: int, other: int, put: Callable[[str, bytes], object]) -> None:
    bodies = admin.body(one), admin.body(other)
    put(admin.log.key_of(other), bodies[0])
    put(admin.log.key_of(one), bodies[1])


def fork(admin: Admin, number: int) -> None:
    admin.put(admin.log.key_of(number), occurrence(number, id="f" * 32).to_bytes(link_to(admin, number)))


def rewrite(admin: Admin, first: int, result: str) -> None:
    """Rewrite the log from a number on, with intact links."""
    numbers = range(first, COUNT + 1)
    bodies = bodies_of(len(numbers), link_to(admin, first), result=result)
    for number, body in zip(numbers, bodies, strict=True):
        admin.replace(admin.log.key_of(number), body)


def unlink(document: dict[str, object]) -> None:
    document["previous"] = "1" * 64


TAMPERINGS: dict[str, tuple[Tampering, Named]] = {
    "overwritten by an edited version": (lambda admin: admin.put_over(12, failed), [(Fault.EDITED, 12)]),
    "edited, the original deleted": (lambda admin: admin.edit(12, failed), [(Fault.EDITED, 12)]),
    "first edited": (lambda admin: admin.edit(1, failed), [(Fault.EDITED, 1)]),
    "last but one edited": (lambda admin: admin.edit(24, failed), [(Fault.EDITED, 24)]),
    "link edited": (lambda admin: admin.edit(12, unlink), [(Fault.EDITED, 12)]),
    "first link edited": (lambda admin: admin.edit(1, unlink), [(Fault.EDITED, 1)]),
    "last of a folder edited": (lambda admin: admin.edit(19, failed), [(Fault.EDITED, 19)]),
    "reformatted": (
        lambda admin: admin.replace(admin.log.key_of(12), json.dumps(json.loads(admin.body(12)), indent=1).encode()),
        [(Fault.EDITED, 12)],
    ),
    "overwritten by garbage": (lambda admin: admin.put_over(12, dict.clear), [(Fault.EDITED, 12)]),
    "garbage": (lambda admin: admin.edit(12, dict.clear), [(Fault.UNREADABLE, 12)]),
    "hidden": (lambda admin: admin.hide(admin.log.key_of(12)), [(Fault.REMOVED, 12)]),
    "last hidden": (lambda admin: admin.hide(admin.log.key_of(25)), [(Fault.REMOVED, 25)]),
    "one removed": (lambda admin: destroy(admin, 12), [(Fault.REMOVED, 12)]),
    "first removed": (lambda admin: destroy(admin, 1), [(Fault.REMOVED, 1)]),
    "a run removed": (lambda admin: destroy(admin, 8, 9, 10, 11), [(Fault.REMOVED, 8)]),
    "two places removed": (lambda admin: destroy(admin, 5, 15), [(Fault.REMOVED, 5), (Fault.REMOVED, 15)]),
    "swapped by overwriting": (
        lambda admin: swap(admin, 12, 15, admin.put),
        [(Fault.REORDERED, 12), (Fault.REORDERED, 15)],
    ),
    "swapped, the originals deleted": (
        lambda admin: swap(admin, 12, 15, admin.replace),
        [(Fault.REORDERED, 12), (Fault.REORDERED, 15)],
    ),
    "forked": (lambda admin: fork(admin, 12), [(Fault.FORKED, 12)]),
    "inserted after the end": (
        lambda admin: admin.put(admin.log.key_of(30), occurrence(30).to_bytes(Link(30, link_to(admin, 26).previous))),
        [(Fault.INSERTED, 30)],
    ),
    "copied after the end": (
        lambda admin: admin.put(admin.log.key_of(9_999_999), admin.body(12)),
        [(Fault.REORDERED, 9_999_999)],
    ),
    "inserted in another folder": (
        lambda admin: admin.put(f"{admin.log.prefix}0000002/0000000012.json", admin.body(12)),
        [(Fault.INSERTED, None)],
    ),
    "inserted as number 0": (
        lambda admin: admin.put(f"{admin.log.prefix}0000000/0000000000.json", admin.body(12)),
        [(Fault.INSERTED, None)],
    ),
}


@pytest.mark.parametrize("with_segments", [False, True])
@pytest.mark.parametrize(("tampering", "expected"), TAMPERINGS.values(), ids=list(TAMPERINGS))
def test_each_tampering_is_found(
    vault: BackupVault, admin: Admin, tampering: Tampering, expected: Named, *, with_segments: bool
) -> None:
    admin.put_events(COUNT)
    if with_segments:
        assert len(write_segments(vault)) == 2
    untouched = examine(vault)
    assert (named(untouched), len(untouched.entries)) == ([], COUNT)
    tampering(admin)
    for full in (False, True):
        examined = examine(vault, full=full)
        assert named(examined) == expected
        assert examined.last == max(number or 0 for _, number in [*expected, (None, COUNT)])


def test_the_finding_names_the_original_and_the_version_that_overwrote_it(vault: BackupVault, admin: Admin) -> None:
    admin.put_events(COUNT)
    admin.put_over(12, failed)
    newer, original = admin.versions(12)
    (finding,) = examine(vault).findings
    assert (finding.key, finding.version_id) == (admin.log.key_of(12), newer.version_id)
    assert original.version_id in finding.words
    assert examine(vault).entries[12].stored == original


def test_the_same_bytes_twice_are_no_finding(vault: BackupVault, admin: Admin) -> None:
    # Without conditional writes, a request that is repeated after a lost response creates a second version.
    admin.put_events(COUNT)
    write_segments(vault)
    admin.put(admin.log.key_of(12), admin.body(12))
    assert named(examine(vault)) == []
    assert named(examine(vault, full=True)) == []


def test_two_entries_changed_next_to_each_other(vault: BackupVault, admin: Admin) -> None:
    admin.put_events(COUNT)
    admin.edit(12, failed)
    admin.edit(13, failed)
    # This looks the same as if only 13 was changed, including its link.
    assert named(examine(vault)) == [(Fault.EDITED, 13)]


def test_a_change_is_found_where_the_following_entry_does_not_fit(vault: BackupVault, admin: Admin) -> None:
    admin.put_events(COUNT)
    admin.edit(5, failed)
    for number in range(6, 12):
        previous = link_to(admin, number).previous
        admin.edit(number, lambda document, previous=previous: document.update(previous=previous))
    (finding,) = examine(vault).findings
    assert (finding.kind, finding.number) == (Fault.EDITED, 11)
    assert finding.words == "entry 11, or one before it, was changed: it does not fit entry 12"


def test_an_entry_inserted_and_the_rest_renumbered(vault: BackupVault, admin: Admin) -> None:
    admin.put_events(10)
    bodies = [admin.body(number) for number in range(5, 11)]
    admin.replace(admin.log.key_of(5), occurrence(5, id="f" * 32).to_bytes(link_to(admin, 5)))
    for number, body in enumerate(bodies, 6):
        renumbered = edited(body, lambda document, number=number: document.update(number=number))
        admin.replace(admin.log.key_of(number), renumbered)
    findings = examine(vault).findings
    assert [finding.number for finding in findings] == [6, 8, 10]
    for finding in findings:
        assert finding.words.startswith(f"entry {finding.number}, or one before it, was changed")


def test_only_a_segment_protects_the_end_of_a_log(vault: BackupVault, admin: Admin) -> None:
    admin.put_events(COUNT)
    destroy(admin, 25)
    assert named(examine(vault)) == []
    write_segments(vault)
    destroy(admin, *range(13, 25))
    examined = examine(vault)
    assert named(examined) == [(Fault.REMOVED, 13)]
    assert (
        f"entries 13 to 19 are missing; segment {Segments(vault, LogName.EVENTS).key_of(1)}"
        in examined.findings[0].words
    )
    assert examined.last == 19


def test_a_rewritten_log_contradicts_a_segment(vault: BackupVault, admin: Admin) -> None:
    admin.put_events(COUNT)
    rewrite(admin, 12, "failed")
    assert named(examine(vault)) == []
    write_segments(vault)
    rewrite(admin, 14, "passed")
    assert named(examine(vault)) == [(Fault.EDITED, 14)]
    assert named(examine(vault, full=True)) == [(Fault.EDITED, 14)]


class TestSegments:
    """Segments that were tampered with."""

    @pytest.fixture(autouse=True)
    def trail(self, vault: BackupVault, admin: Admin) -> None:
        admin.put_events(COUNT)
        write_segments(vault)

    @pytest.fixture
    def key(self, vault: BackupVault) -> str:
        return Segments(vault, LogName.EVENTS).key_of(1)

    @staticmethod
    def changed(admin: Admin, key: str, line: int, **changes: object) -> bytes:
        lines = admin.log.store.get_bytes(key)[0].splitlines(keepends=True)
        lines[line] = (json.dumps(json.loads(lines[line]) | changes) + "\n").encode()
        return b"".join(lines)

    def test_folders_are_taken_from_segments_and_read_in_full_when_asked(self, vault: BackupVault) -> None:
        with vault.store.counted_requests() as requests:
            assert examine(vault).folders_by_segment == 2
        # Two listings, two segments, six entries after them.
        assert sorted(requests) == ["GetObject"] * 8 + ["ListObjectVersions"] * 2
        with vault.store.counted_requests() as requests:
            assert examine(vault, full=True).folders_by_segment == 0
        assert requests.count("GetObject") == COUNT + 2

    @pytest.mark.parametrize("full", [False, True])
    def test_edited_bytes(self, vault: BackupVault, admin: Admin, key: str, *, full: bool) -> None:
        body = edited(admin.body(13), failed).decode()
        admin.replace(key, self.changed(admin, key, 3, body=body, size=len(body)))
        examined = examine(vault, full=full)
        assert named(examined) == [(Fault.SEGMENT, 13)]
        assert (examined.findings[0].key, len(examined.entries)) == (key, COUNT)
        # The segment of the other folder is still used.
        assert examined.folders_by_segment == (0 if full else 1)

    @pytest.mark.parametrize("full", [False, True])
    def test_edited_bytes_of_the_last_line(self, vault: BackupVault, admin: Admin, key: str, *, full: bool) -> None:
        # An intact hash chain in itself, but entry 20 does not follow it.
        body = edited(admin.body(19), failed).decode()
        admin.replace(key, self.changed(admin, key, 9, body=body, size=len(body)))
        assert named(examine(vault, full=full)) == [(Fault.SEGMENT, 19)]

    @pytest.mark.parametrize("changes", [{"etag": '"0"'}, {"version_id": "another"}, {"size": 1}])
    def test_edited_listing(self, vault: BackupVault, admin: Admin, key: str, changes: dict[str, object]) -> None:
        admin.replace(key, self.changed(admin, key, 3, **changes))
        assert named(examine(vault)) == [(Fault.SEGMENT, 13)]

    @pytest.mark.parametrize("full", [False, True])
    def test_forged_for_an_edited_entry(self, vault: BackupVault, admin: Admin, key: str, *, full: bool) -> None:
        # The segment has the original bytes, whose hash chain is intact, with the version id of the edited entry.
        admin.edit(13, failed)
        (stored,) = admin.versions(13)
        forged = self.changed(admin, key, 3, version_id=stored.version_id, etag=stored.etag, size=stored.size)
        assert stored.size == len(json.loads(forged.splitlines()[3])["body"])
        admin.replace(key, forged)
        assert named(examine(vault, full=full)) == [(Fault.SEGMENT, 13), (Fault.EDITED, 13)]

    def test_overwritten(self, vault: BackupVault, admin: Admin, key: str) -> None:
        admin.put(key, b"{}\n")
        examined = examine(vault)
        assert named(examined) == [(Fault.SEGMENT, None)]
        assert "overwritten" in examined.findings[0].words

    def test_hidden(self, vault: BackupVault, admin: Admin, key: str) -> None:
        admin.hide(key)
        examined = examine(vault)
        assert named(examined) == [(Fault.SEGMENT, None)]
        assert "deleted" in examined.findings[0].words

    @pytest.mark.parametrize("body", [b"", b"{}\n", b"\xff\n"])
    def test_garbage(self, vault: BackupVault, admin: Admin, key: str, body: bytes) -> None:
        admin.replace(key, body)
        examined = examine(vault)
        assert named(examined) == [(Fault.SEGMENT, None)]
        assert len(examined.entries) == COUNT

    def test_of_another_folder(self, vault: BackupVault, admin: Admin, key: str) -> None:
        admin.replace(key, admin.log.store.get_bytes(Segments(vault, LogName.EVENTS).key_of(0))[0])
        assert named(examine(vault)) == [(Fault.SEGMENT, None)]

    def test_a_missing_segment_costs_only_requests(self, vault: BackupVault, admin: Admin, key: str) -> None:
        admin.erase(key)
        assert named(examine(vault)) == []
        assert write_segments(vault) == [key]
        assert examine(vault).folders_by_segment == 2

    def test_an_entry_deleted_and_stored_again(self, vault: BackupVault, admin: Admin) -> None:
        admin.replace(admin.log.key_of(13), admin.body(13))
        assert named(examine(vault)) == [(Fault.SEGMENT, 13)]

    def test_both_edited_alike(self, vault: BackupVault, admin: Admin, key: str) -> None:
        admin.edit(13, failed)
        (stored,) = admin.versions(13)
        body = admin.body(13).decode()
        line = {"body": body, "size": len(body), "version_id": stored.version_id, "etag": stored.etag}
        admin.replace(key, self.changed(admin, key, 3, **line))
        assert named(examine(vault)) == [(Fault.EDITED, 13)]
