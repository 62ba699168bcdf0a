"""The whole table: a site for every damage, and what every question is answered there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from signal_backups.core.base.days import last_complete_day
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import stored_days
from signal_backups_tests.damage.damages import DAMAGES, Damage
from signal_backups_tests.damage.questions import Answer, Question
from signal_backups_tests.damage.site import Site, fill_database

#: S3 tells times apart by the second.
_A_SECOND = 1.1

Answers = Mapping[Damage, Mapping[Question, Answer]]


@contextmanager
def damaged_sites(folder: Path, server: S3Server) -> Iterator[dict[Damage, Site]]:
    """A site for every damage, with the damage done."""
    day = last_complete_day() - timedelta(days=1)
    with ExitStack() as stack:
        sites: dict[Damage, Site] = {}
        for number, damage in enumerate(DAMAGES):
            own = folder / str(number)
            own.mkdir()
            sites[damage] = Site(stack.enter_context(stored_days(own, server)), day)
            fill_database(sites[damage])
            damage.prepare(sites[damage])
        time.sleep(_A_SECOND)
        for damage, site in sites.items():
            damage.inflict(site)
        time.sleep(_A_SECOND)
        yield sites
