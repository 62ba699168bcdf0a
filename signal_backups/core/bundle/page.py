"""``index.html`` of a bundle: says what it is to a person who opens the folder."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from signal_backups.core.base.html import render
from signal_backups.core.bundle.content import ANCHORS, EVENTS, REPLACED, SUMS, VERIFIER, BundleContent, BundleIndex
from signal_backups.core.integrity.anchors.anchors import Anchor
from signal_backups.core.integrity.anchors.tree_head import TreeHead
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.vault.manifest import Manifest

#: How many objects of an event the page names.
NAMED_OBJECTS = 3
#: What the page names events of: what was done to backups beyond making and checking them.
_NAMED = frozenset(Action) - {Action.BACKUP, Action.VERIFICATION, Action.DRILL}


def bundle_page(index: BundleIndex, content: BundleContent) -> str:
    """The page.

    Raises:
        VerificationError: a manifest, an event or an anchor cannot be read.
    """
    manifests = [Manifest.from_bytes(body, f"manifest {number}") for number, body in enumerate(content.manifests, 1)]
    events = [Event.from_bytes(body, f"event {number}") for number, body in enumerate(content.events, 1)]
    stored = [day for day in index.days if day.csv is not None]
    vouched = [(day.day, manifests[day.manifest - 1]) for day in index.days if day.manifest is not None]
    return render(
        "bundle/page.html.j2",
        title=f"Backups of {index.bucket}/{index.prefix}, {index.first} to {index.last}",
        verifier=VERIFIER,
        sums=SUMS,
        index=index,
        manifests=manifests,
        events=events,
        events_file=EVENTS,
        statement_sha256=sha256(index.statement.encode("ascii")).hexdigest(),
        days=[(day, manifests[day.manifest - 1]) for day in stored if day.manifest is not None],
        replacements=[(day, each) for day, manifest in vouched for each in manifest.replacements],
        replaced_folder=REPLACED,
        differences=[(day, manifest.differences) for day, manifest in vouched if manifest.differences],
        gaps=[day for day in index.days if day.missing is not None],
        named_events=[event for event in events if event.action in _NAMED],
        named_objects=NAMED_OBJECTS,
        anchors=list(_anchors(content)),
    )


def _anchors(content: BundleContent) -> Iterator[tuple[str, TreeHead, list[str]]]:
    """Each anchor's file, its tree head, and who stamped that."""
    for name, body in content.anchors.items():
        anchor = Anchor.from_bytes(body)
        tree_head = TreeHead.from_bytes(anchor.statement.encode("utf-8"))
        yield f"{ANCHORS}{name}", tree_head, [stamp.authority for stamp in anchor.timestamps]
