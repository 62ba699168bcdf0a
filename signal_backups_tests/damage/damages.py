"""Every damage: what somebody, or something, does to a stored day or to its database.

Each has two steps. All sites are prepared before the first is damaged, so that what is put on top of something is
newer by more than the second that S3 tells apart, as it is in life.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from unittest.mock import patch

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import ConflictError, StoreError, VerificationError
from signal_backups.core.ledger.chained_log import Entry, Link
from signal_backups.core.ledger.event import Action
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.findings import Examination, Findings, record_findings
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.adversary.attacks import Intruder, edit_a_row_and_its_hash
from signal_backups_tests.cli.stored_days import rows_of
from signal_backups_tests.damage.site import SIGNALS_A_DAY, Site
from signal_backups_tests.samples.signals import signal

GARBAGE = b"this was a backup once\n"
#: The time in the keys of an older tool.
OLDER_TIME = time(4, 30)

Step = Callable[[Site], None]


class Harm(StrEnum):
    """What a damage harms: it decides which questions can say anything of it."""

    NOTHING = "nothing"
    OBJECT = "the current object, the verified version is still there"
    LOST = "the verified version, a worse one is still there"
    DESTROYED = "the object, no version is left"
    MANIFEST = "the manifest alone"
    FORGED = "object and manifest, which agree with each other"
    QUARANTINE = "the quarantined rows"
    STRAY = "nothing, but there is an object more"
    TRAIL = "the audit trail"
    BAD_ROW = "a row that was bad when it was backed up"
    UNDATED = "a row that belongs to no day"
    SOURCE = "the database"
    DIFFERS = "the database, and the backup says so"
    ACCEPTED = "nothing any more: somebody took the database as it is"
    REPEATED_ID = "nothing: two days have a signal of the same id"
    NEVER_STORED = "a day that has no backup"
    OTHER_OBJECT = "nothing, but there is another object of the day, with other content"
    VERIFICATION = "nothing that is left: a verification failed"
    FAILED_BACKUP = "nothing that is stored: a backup failed"
    FINDING = "something that an examination found"
    FORGED_FINDING = "the record of what an examination found"
    LOG_ENTRY = "the manifest log, the manifest is still there"

    @property
    def is_none(self) -> bool:
        """Whether all is well, and must be said to be."""
        return self is Harm.NOTHING


class Overwriter(Intruder):
    """Somebody who may write into the bucket and may destroy nothing."""

    def _remove(self, version: ObjectVersion) -> None:
        del version


# Steps of preparation: how the days are stored.


def store_days(site: Site) -> None:
    for day in site.days:
        site.back_up(day)


def store_days_with_a_bad_row(site: Site) -> None:
    site.change_source("UPDATE signals SET entry_price = -1 WHERE signal_id = ?", site.signal_id(SIGNALS_A_DAY))
    store_days(site)


def store_the_day_twice(site: Site) -> None:
    store_days(site)
    add_a_row(site)
    site.back_up()


def store_the_neighbours(site: Site) -> None:
    site.back_up(site.first)
    site.back_up(site.last)


def store_days_that_share_an_id(site: Site) -> None:
    site.add_to_source(signal(9, (), signal_id=site.signal_id(1), timestamp=f"{site.last}T09:00:00Z"))
    store_days(site)


# What is done to them then.


def do_nothing(_site: Site) -> None:
    """All stays as it is."""


def overwrite_with_garbage(site: Site) -> None:
    site.put(site.key, GARBAGE)


def truncate(site: Site) -> None:
    site.put(site.key, site.stored.body(site.day)[:-30])


def edit_a_row(site: Site) -> None:
    _overwriter(site).alter(edit_a_row_and_its_hash)


def put_a_delete_marker(site: Site) -> None:
    site.stored.delete(site.key)


def destroy_the_current_version(site: Site) -> None:
    site.destroy(site.versions(site.key)[0])


def destroy_the_object(site: Site) -> None:
    site.stored.remove(site.key)


def destroy_object_and_manifest(site: Site) -> None:
    site.stored.remove(site.key)
    site.stored.remove(site.manifest_key)


def destroy_the_object_and_put_a_decoy(site: Site) -> None:
    destroy_the_object(site)
    slot = BackupSlot(site.day, OLDER_TIME)
    site.put(_older_key(site), site.stored.body(site.last))
    site.put(site.vault.layout.manifest_key(slot), b"{}")


def destroy_the_log_entry(site: Site) -> None:
    site.stored.remove(site.vault.manifest_log.key_of(site.days.index(site.day) + 1))


def forge_a_finding(site: Site) -> None:
    """A drill found something; whoever may write records says that it is over."""
    find_something(site)
    forged = Findings(examination=Examination.DRILL, at=utc_now())
    site.put(site.vault.layout.finding_key(Examination.DRILL, 9), forged.model_dump_json().encode())


def truncate_and_destroy_the_good_version(site: Site) -> None:
    good = site.versions(site.key)[0]
    truncate(site)
    site.destroy(good)


def put_a_delete_marker_on_the_manifest(site: Site) -> None:
    site.stored.delete(site.manifest_key)


def destroy_the_manifest(site: Site) -> None:
    site.stored.remove(site.manifest_key)


def roll_the_manifest_back(site: Site) -> None:
    oldest = site.versions(site.manifest_key)[-1]
    body, _ = site.vault.store.get_bytes(oldest.key, oldest.version_id)
    site.put(site.manifest_key, body)


def rewrite_object_and_manifest(site: Site) -> None:
    edit_a_row(site)
    _overwriter(site).rewrite_manifest()


def rewrite_object_and_manifest_and_destroy_what_was(site: Site) -> None:
    intruder = Intruder(site.vault, BackupSlot(site.day))
    intruder.alter(edit_a_row_and_its_hash)
    intruder.rewrite_manifest()


def destroy_the_quarantine(site: Site) -> None:
    site.stored.remove(site.quarantine_key)


def replace_the_quarantine(site: Site) -> None:
    site.stored.remove(site.quarantine_key)
    site.put(site.quarantine_key, GARBAGE)


def put_a_foreign_object(site: Site) -> None:
    site.put(f"{site.vault.layout.prefix}{site.day:%Y/%m}/notes.txt", GARBAGE)


def put_the_same_backup_under_another_key(site: Site) -> None:
    site.put(_older_key(site), site.stored.body(site.day))


def put_garbage_under_another_key(site: Site) -> None:
    site.put(_older_key(site), GARBAGE)


def destroy_the_audit_event(site: Site) -> None:
    keys = sorted({version.key for version in site.versions(site.vault.layout.event_prefix)})
    site.stored.remove(keys[site.days.index(site.day)])


def add_a_row(site: Site) -> None:
    _add_rows(site, SIGNALS_A_DAY + 1)


def find_an_undated_row(site: Site) -> None:
    site.add_to_source(signal(99, (), timestamp="yesterday"))
    assert site.terminal.run("quarantine", "--refresh").code == 0


def alter_a_row(site: Site) -> None:
    delete_a_row(site)
    changed = {"signal_id": site.signal_id(1), "timestamp": f"{site.day}T00:00:01Z", "action": "SELL"}
    site.add_to_source(signal(1, (), **changed))


def delete_a_row(site: Site) -> None:
    site.change_source("DELETE FROM signals WHERE signal_id = ?", site.signal_id(1))


def alter_a_row_and_back_up(site: Site) -> None:
    alter_a_row(site)
    site.back_up()


def destroy_the_manifest_and_back_up_less(site: Site) -> None:
    destroy_the_manifest(site)
    delete_a_row(site)
    site.back_up()


def alter_a_row_and_accept(site: Site) -> None:
    alter_a_row(site)
    site.back_up(accept="the desk corrected it")


def overtake_a_backup(site: Site) -> None:
    """A slow run has stored its CSV; before it writes its manifest, another run stores the day whole."""
    add_a_row(site)
    slow, folder = BackupVault(site.vault.store, site.vault.layout), site.extract()
    append = slow.manifest_log.append

    def append_later(body_of: Callable[[Link], bytes]) -> Entry:
        if len(site.versions(site.key)) == 2:
            _add_rows(site, SIGNALS_A_DAY + 2)
            site.back_up()
        return append(body_of)

    with patch.object(slow.manifest_log, "append", append_later), pytest.raises(ConflictError, match="was overtaken"):
        store_backup(slow, folder, BackupRun("slow"))


def fail_a_verification(site: Site) -> None:
    """A verification met other bytes; they are gone by now, as after a fault on the way."""
    about = {"day": site.day.isoformat(), "key": site.key}
    with pytest.raises(VerificationError), site.vault.trail.recording_failure(Action.VERIFICATION, about):
        raise VerificationError("the file is not what the manifest says", remedy="Verify it again")


def fail_a_backup(site: Site) -> None:
    """A backup failed; what was stored before still stands."""
    with pytest.raises(StoreError), site.vault.trail.recording_failure(Action.BACKUP, {"day": site.day.isoformat()}):
        raise StoreError("refused", remedy="Run it again")


def find_something(site: Site) -> None:
    """A drill found something."""
    record_findings(site.vault, Examination.DRILL, days={site.day: "it was not restored"})


def _overwriter(site: Site) -> Overwriter:
    return Overwriter(site.vault, BackupSlot(site.day))


def _older_key(site: Site) -> str:
    return site.vault.layout.backup_key(BackupSlot(site.day, OLDER_TIME))


def _add_rows(site: Site, number: int) -> None:
    site.add_to_source(rows_of(site.day, number)[-1])


@dataclass(frozen=True)
class Damage:
    """One damage.

    Attributes:
        key: its short name.
        name: what happened, for people.
        harm: what it harms.
        inflict: does it.
        prepare: stores the days, before any site is damaged.
    """

    key: str
    name: str
    harm: Harm
    inflict: Step
    prepare: Step = store_days


HEALTHY = Damage("healthy", "Nothing: all is well", Harm.NOTHING, do_nothing)

DAMAGES = (
    HEALTHY,
    Damage("garbage", "Overwritten with garbage", Harm.OBJECT, overwrite_with_garbage),
    Damage("truncated", "Overwritten with a truncated copy", Harm.OBJECT, truncate),
    Damage("edited", "Overwritten: a row and its hash edited", Harm.OBJECT, edit_a_row),
    Damage("deleted", "Deleted: a delete marker hides it", Harm.OBJECT, put_a_delete_marker),
    Damage(
        *("older-left", "Current version destroyed, an older verified one left", Harm.LOST),
        *(destroy_the_current_version, store_the_day_twice),
    ),
    Damage(
        *("truncated-left", "Overwritten with a truncated copy, the good version destroyed", Harm.LOST),
        truncate_and_destroy_the_good_version,
    ),
    Damage("destroyed", "All versions destroyed", Harm.DESTROYED, destroy_the_object),
    Damage(
        "all-destroyed", "All versions of object and manifest destroyed", Harm.DESTROYED, destroy_object_and_manifest
    ),
    Damage(
        *("destroyed-decoy", "All versions destroyed, another object of the day put beside it", Harm.DESTROYED),
        destroy_the_object_and_put_a_decoy,
    ),
    Damage(
        *("manifest-deleted", "Manifest deleted: a delete marker hides it", Harm.MANIFEST),
        put_a_delete_marker_on_the_manifest,
    ),
    Damage("manifest-destroyed", "Manifest destroyed", Harm.MANIFEST, destroy_the_manifest),
    Damage(
        *("manifest-rolled-back", "Manifest of the backup before put back on top", Harm.MANIFEST),
        *(roll_the_manifest_back, store_the_day_twice),
    ),
    Damage("forged", "Row, hash and manifest edited", Harm.FORGED, rewrite_object_and_manifest),
    Damage(
        *("forged-alone", "Row, hash and manifest edited, the genuine versions destroyed", Harm.FORGED),
        rewrite_object_and_manifest_and_destroy_what_was,
    ),
    Damage("bad-row", "A row is in quarantine", Harm.BAD_ROW, do_nothing, store_days_with_a_bad_row),
    Damage(
        *("quarantine-destroyed", "Quarantined rows destroyed", Harm.QUARANTINE),
        *(destroy_the_quarantine, store_days_with_a_bad_row),
    ),
    Damage(
        *("quarantine-replaced", "Quarantined rows replaced by other bytes", Harm.QUARANTINE),
        *(replace_the_quarantine, store_days_with_a_bad_row),
    ),
    Damage("foreign", "A foreign object beside the backup", Harm.STRAY, put_a_foreign_object),
    Damage(*("second-key", "A second key of the day, same content", Harm.STRAY), put_the_same_backup_under_another_key),
    Damage("other-key", "A second key of the day, other content", Harm.OTHER_OBJECT, put_garbage_under_another_key),
    Damage("event-destroyed", "Audit event of the backup destroyed", Harm.TRAIL, destroy_the_audit_event),
    Damage("log-entry-destroyed", "Entry of the manifest log destroyed", Harm.LOG_ENTRY, destroy_the_log_entry),
    Damage("late", "Database: a signal came late", Harm.SOURCE, add_a_row),
    Damage("undated", "Database: a row belongs to no day, and was found", Harm.UNDATED, find_an_undated_row),
    Damage("altered", "Database: a signal was altered", Harm.SOURCE, alter_a_row),
    Damage("vanished", "Database: a signal vanished", Harm.SOURCE, delete_a_row),
    Damage(*("differs", "Database: a signal was altered, then backed up again", Harm.DIFFERS), alter_a_row_and_back_up),
    Damage(
        *(
            "manifest-destroyed-then-less",
            "Manifest destroyed, a signal vanished from the database, then backed up again",
        ),
        *(Harm.DIFFERS, destroy_the_manifest_and_back_up_less),
    ),
    Damage("accepted", "Database: a signal was altered, and that accepted", Harm.ACCEPTED, alter_a_row_and_accept),
    Damage("repeated-id", "Two days share a signal id", Harm.REPEATED_ID, do_nothing, store_days_that_share_an_id),
    Damage("overtaken", "Two backups at once, the slower one overtaken", Harm.NOTHING, overtake_a_backup),
    Damage("never-stored", "Never backed up", Harm.NEVER_STORED, do_nothing, store_the_neighbours),
    Damage("failed-verification", "A verification failed lately", Harm.VERIFICATION, fail_a_verification),
    Damage("failed-backup", "The last backup failed", Harm.FAILED_BACKUP, fail_a_backup),
    Damage("finding", "A drill could not restore it lately", Harm.FINDING, find_something),
    Damage("forged-finding", "The same, and somebody forged that it is over", Harm.FORGED_FINDING, forge_a_finding),
)
