"""``index.html`` of a bundle: says what it is to a person who opens the folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape

from signal_backups.core.base.html import page, paragraph, section, table
from signal_backups.core.bundle.content import ANCHORS, EVENTS, SUMS, VERIFIER, BundleContent, BundleIndex, DayEntry
from signal_backups.core.integrity.anchors.anchors import Anchor
from signal_backups.core.integrity.anchors.tree_head import TreeHead
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.vault.manifest import Manifest

_WHAT = (
    "Backups of trading signals as they were stored in S3, one CSV a day (UTC), with everything that proves them: the "
    "manifests that were written when each backup had been read back and verified, chained by their SHA-256; the audit "
    "trail of all that was done to the backups, chained in the same way; and anchors, statements of both chains that "
    "an outside authority stamped or that were kept elsewhere."
)
_PROVES = (
    "It shows that nothing was changed since it was written, down to single rows. Who can write everything could make "
    "up all of it, though: hold it against what was out of reach, a time stamp or the SHA-256 of a statement that you "
    f"were given earlier. And take {VERIFIER} from somebody you trust; it is short enough to be read first. "
    "No check looks at this page."
)
_LEFT_OUT = (
    "Other days than those of the range (but every manifest and event is here, so that the chains are whole); older "
    "versions of a day that was backed up again; backups that are not there any more, named below as missing; reports "
    "of drills and audits; the certificates of the time-stamp authorities; proof that the producer of the signals "
    "recorded them truthfully. The columns generation_latency_ms and server_timestamp are not part of a row's own "
    "hash; the SHA-256 of the file covers them."
)
#: How many objects of an event the page names.
NAMED_OBJECTS = 3
#: Events that the page tells of: what was done to backups beyond making and checking them.
_TOLD = frozenset(Action) - {Action.BACKUP, Action.VERIFICATION, Action.DRILL}


def bundle_page(index: BundleIndex, content: BundleContent) -> str:
    """The page.

    Raises:
        VerificationError: a manifest, an event or an anchor cannot be read.
    """
    manifests = [Manifest.from_bytes(body, f"manifest {number}") for number, body in enumerate(content.manifests, 1)]
    events = [Event.from_bytes(body, f"event {number}") for number, body in enumerate(content.events, 1)]
    anchors = {name: Anchor.from_bytes(body) for name, body in content.anchors.items()}
    return page(
        f"Backups of {index.bucket}/{index.prefix}, {index.first} to {index.last}",
        [
            paragraph(_WHAT),
            section("How to verify", _commands(), paragraph(_PROVES)),
            section("What is in it", _facts(index, manifests, events)),
            section("Days", _days(index.days, manifests)),
            section("Gaps", _gaps(index.days)),
            section("Restores, holds, deletions, changed rules", _told(events)),
            section("Anchors", _anchors(anchors)),
            section("What is not in it", paragraph(_LEFT_OUT)),
        ],
    )


def _commands() -> str:
    lines = (
        f"python3 {VERIFIER}          # Python 3.8 or newer, nothing else\nsha256sum -c {SUMS}       # the files alone"
    )
    return f"<pre>{escape(lines)}</pre>"


def _facts(index: BundleIndex, manifests: Sequence[Manifest], events: Sequence[Event]) -> str:
    totals = index.totals
    return table(
        ["", ""],
        [
            ("Made", f"{index.made_at} by {index.by}"),
            ("Days", f"{totals.days:,}, of them {totals.backed_up:,} backed up and vouched for"),
            ("Records", f"{totals.records:,}"),
            ("Chain of manifests", f"{len(manifests):,}"),
            ("Events of the audit trail", f"{len(events):,}, in {EVENTS}"),
            ("SHA-256 of the statement of both", sha256(index.statement.encode("ascii")).hexdigest()),
        ],
    )


def _days(days: Sequence[DayEntry], manifests: Sequence[Manifest]) -> str:
    rows = [_day(day, manifests[day.manifest - 1]) for day in days if day.manifest is not None and day.csv is not None]
    header = ["@day", "#records", "#quarantined", "$SHA-256", "#manifest", "@verified at (UTC)", "file"]
    return table(header, rows) if rows else paragraph("None.")


def _day(day: DayEntry, manifest: Manifest) -> tuple[str, ...]:
    return (
        str(day.day),
        f"{manifest.records:,}",
        f"{manifest.quarantined:,}",
        manifest.backup.sha256,
        str(manifest.number),
        f"{manifest.verification.verified_at:%Y-%m-%d %H:%M:%SZ}",
        manifest.backup.key,
    )


def _gaps(days: Sequence[DayEntry]) -> str:
    rows = [(str(day.day), day.missing, ", ".join(day.unvouched or [])) for day in days if day.missing is not None]
    return table(["@day", "why", "instead"], rows) if rows else paragraph("None.")


def _told(events: Sequence[Event]) -> str:
    rows = [
        (str(event.number), f"{event.at:%Y-%m-%d %H:%M:%SZ}", event.action, event.result, event.actor.user, _of(event))
        for event in events
        if event.action in _TOLD
    ]
    return table(["#event", "@at (UTC)", "what", "result", "who", "objects"], rows) if rows else paragraph("None.")


def _of(event: Event) -> str:
    named = [f"{item.key} version {item.version_id}" for item in event.objects[:NAMED_OBJECTS]]
    more = len(event.objects) - len(named)
    return ", ".join(named) + (f" and {more:,} more, see {EVENTS}" if more else "")


def _anchors(anchors: dict[str, Anchor]) -> str:
    rows = list(_anchor_rows(anchors))
    header = ["file", "@made at (UTC)", "#events", "#manifests", "stamped by", "$SHA-256 of its statement"]
    return table(header, rows) if rows else paragraph("None.")


def _anchor_rows(anchors: dict[str, Anchor]) -> Iterator[tuple[str, ...]]:
    for name, anchor in anchors.items():
        statement = TreeHead.from_bytes(anchor.statement.encode("utf-8"))
        yield (
            f"{ANCHORS}{name}",
            f"{statement.at:%Y-%m-%d %H:%M:%SZ}",
            f"{statement.events.number:,}",
            f"{statement.manifests.number:,}",
            ", ".join(stamp.authority for stamp in anchor.timestamps) or "nobody",
            statement.sha256,
        )
