"""All checks except those of Dagster, and the checks that each depends on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cached_property

from signal_backups.core.base.days import Clock, last_complete_day, utc_now
from signal_backups.core.config.settings import Settings
from signal_backups.core.doctor import backups, bucket, store_answer
from signal_backups.core.doctor.database import SignalsTable
from signal_backups.core.doctor.examination import Step
from signal_backups.core.doctor.finding import DoctorCheck, DoctorResult, ok
from signal_backups.core.doctor.machine import has_free_space
from signal_backups.core.doctor.probes import OpenStore, Probes
from signal_backups.core.ledger.outbox import Outbox
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.source.database_url import database_address
from signal_backups.core.vault.vault import BackupVault


class Doctor:
    """One examination; settings, database and store are opened by the first check that needs them.

    Args:
        load: reads the settings.
        open_store: opens the store for some settings and a profile; sends no request.
        clock: the present (UTC).
    """

    def __init__(
        self,
        load: Callable[[], Settings],
        open_store: Callable[[Settings, Profile], OpenStore],
        clock: Clock = utc_now,
    ) -> None:
        self._load = load
        self._open_store = open_store
        self._clock = clock
        self._largest_day = 0

    @cached_property
    def settings(self) -> Settings:
        """The settings; loading them is part of ``DoctorCheck.SETTINGS``."""
        return self._load()

    def steps(self) -> list[Step]:
        """Return every check, each after those it depends on."""
        return [
            Step(DoctorCheck.SETTINGS, self._settings_are_valid),
            self._of_table(DoctorCheck.DATABASE, SignalsTable.can_be_read, DoctorCheck.SETTINGS),
            self._of_table(DoctorCheck.COLUMNS, SignalsTable.has_columns, DoctorCheck.DATABASE),
            self._of_table(DoctorCheck.EXTRA_COLUMNS, SignalsTable.leaves_no_column_out, DoctorCheck.COLUMNS),
            self._of_table(DoctorCheck.INDEX, SignalsTable.has_index, DoctorCheck.COLUMNS),
            self._of_answer(DoctorCheck.STORE, store_answer.check_store, DoctorCheck.SETTINGS),
            self._of_answer(DoctorCheck.CLOCK, store_answer.check_clock, DoctorCheck.STORE),
            self._of_answer(DoctorCheck.CREDENTIALS, store_answer.check_credentials, DoctorCheck.STORE),
            self._of_answer(DoctorCheck.BUCKET, store_answer.check_bucket, DoctorCheck.CREDENTIALS),
            self._of_vault(DoctorCheck.VERSIONING, bucket.versioning),
            self._of_vault(DoctorCheck.PUBLIC_ACCESS, bucket.public_access),
            self._of_vault(DoctorCheck.LIFECYCLE, bucket.lifecycle),
            self._of_vault(DoctorCheck.OBJECT_LOCK, bucket.object_lock),
            Step(
                DoctorCheck.ANCHOR_BUCKET,
                lambda: bucket.anchor_bucket(self._store.anchors),
                (DoctorCheck.CREDENTIALS,),
            ),
            self._of_probes(DoctorCheck.LIST_VERSIONS, Probes.can_list_versions, DoctorCheck.BUCKET),
            self._of_probes(DoctorCheck.PUT, Probes.can_put, DoctorCheck.OBJECT_LOCK),
            self._of_probes(DoctorCheck.GET, Probes.can_get, DoctorCheck.PUT),
            self._of_probes(DoctorCheck.LOCKED, Probes.is_locked, DoctorCheck.PUT),
            self._of_probes(DoctorCheck.DELETE, Probes.is_delete_denied, DoctorCheck.LOCKED),
            self._of_probes(DoctorCheck.CONDITIONAL_WRITES, Probes.allows_one_writer, DoctorCheck.PUT),
            self._of_probes(DoctorCheck.CHECKSUMS, Probes.rejects_wrong_checksum, DoctorCheck.PUT),
            Step(DoctorCheck.LATEST_BACKUP, self._is_backed_up, (DoctorCheck.LIST_VERSIONS,)),
            Step(DoctorCheck.ALL_DAYS, self._are_safe, (DoctorCheck.LATEST_BACKUP,)),
            Step(DoctorCheck.UNDATED_ROWS, self._have_days, (DoctorCheck.LIST_VERSIONS,)),
            Step(DoctorCheck.AUDIT_EVENTS, self._events_are_written, (DoctorCheck.SETTINGS,)),
            Step(DoctorCheck.DISK, self._has_free_space, (DoctorCheck.SETTINGS,)),
        ]

    @property
    def written(self) -> list[int]:
        """The size in bytes of each probe object that was written."""
        return self._probes.written if "_probes" in self.__dict__ else []

    def _of_table(self, check: DoctorCheck, run: Callable[[SignalsTable], DoctorResult], *needs: DoctorCheck) -> Step:
        return Step(check, lambda: run(self._table), needs)

    def _of_answer(
        self, check: DoctorCheck, run: Callable[[store_answer.FirstAnswer], DoctorResult], *needs: DoctorCheck
    ) -> Step:
        return Step(check, lambda: run(self._answer), needs)

    def _of_vault(self, check: DoctorCheck, run: Callable[[BackupVault, Profile], DoctorResult]) -> Step:
        return Step(check, lambda: run(self._store.vault, self._profile), (DoctorCheck.BUCKET,))

    def _of_probes(self, check: DoctorCheck, run: Callable[[Probes], DoctorResult], *needs: DoctorCheck) -> Step:
        return Step(check, lambda: run(self._probes), needs)

    def _settings_are_valid(self) -> DoctorResult:
        settings = self.settings
        database_address(settings.source_url)
        if settings.drill_url is not None:
            database_address(settings.drill_url, "SIGNAL_BACKUPS_DRILL_DATABASE_URL")
        where = f"bucket {settings.bucket}" if settings.bucket else "embedded store"
        return ok(f"{where}, prefix {settings.prefix}, profile {self._profile.name}, home {settings.home.absolute()}")

    def _is_backed_up(self) -> DoctorResult:
        self._largest_day = backups.largest_day(self._store.vault)
        return backups.is_recent(self._store.vault, self._start, self._clock)

    def _are_safe(self) -> DoctorResult:
        return backups.are_safe(self._store.vault, self._start, self._clock, self._profile.retention_years)

    def _have_days(self) -> DoctorResult:
        return backups.have_days(self._store.vault)

    def _has_free_space(self) -> DoctorResult:
        return has_free_space(self.settings.home, self._largest_day)

    def _events_are_written(self) -> DoctorResult:
        return backups.events_are_written(Outbox(self.settings.unwritten_events))

    @property
    def _start(self) -> date | None:
        return self.settings.start_date if self.settings.start_date_is_set else None

    @cached_property
    def _profile(self) -> Profile:
        return load_profile(self.settings.profile)

    @cached_property
    def _table(self) -> SignalsTable:
        return SignalsTable(
            self.settings.source_url, self.settings.table, last_complete_day(self._clock), self.settings.extra_columns
        )

    @cached_property
    def _store(self) -> OpenStore:
        return self._open_store(self.settings, self._profile)

    @cached_property
    def _answer(self) -> store_answer.FirstAnswer:
        vault = self._store.vault
        return store_answer.ask(self._store.client, vault.store.bucket, vault.layout.prefix, self._clock)

    @cached_property
    def _probes(self) -> Probes:
        return Probes(self._store)
