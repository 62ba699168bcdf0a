"""The page that says which layer sees which attack, made from what the attacks came to.

What belongs here: its words. What does not: the results (``test_adversary_table``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from signal_backups_tests.adversary.layers import Layer

PAGE = Path(__file__).parents[2] / "docs" / "tamper_evidence.md"

_BEFORE = """\
# Who would notice? Attacks on the records, and the layer that shows each

This page is written by the tests (`make tamper-evidence`): each attack is carried out on backups in a real S3 server by
somebody with every right on the bucket, who knows our formats and removes the old versions; then each layer is asked.
A test fails when the table below is no longer what happens.

"""

_AFTER = """
## The layers

- **Row hash**: the SHA-256 that the producer stored with each row. Whoever can edit the row can edit its hash.
- **Manifest**: size, SHA-256, number of records and Merkle root (RFC 6962) of the day's CSV, in `manifests/`. Whoever
  can edit the CSV can usually write the manifest too.
- **Chain**: all manifests ever written and all events, numbered, each with the SHA-256 of the one before, in `audit/`.
  To get past it takes rewriting all that came after, without leaving an old version behind.
- **Lock or anchor**: Object Lock keeps every version for seven years; an anchor fixes the newest entries of both chains
  in a second bucket, or under the time stamp of an outside authority (RFC 3161). While one genuine anchor is left that
  covers an entry, nobody changes that entry unseen: not the bucket's administrator, not us, not the authority.

Which layers are on: row hash, manifest and chain always. The lock with the retention profile `recommended`
(`signal-backups init --profile recommended`). Anchors with `SIGNAL_BACKUPS_TSA_URL` or `SIGNAL_BACKUPS_ANCHOR_BUCKET`,
made every day at 02:45 UTC by `audit_trail`, or at once by `signal-backups audit anchor`.

## What this does not show

- An attack on the newest entries, made before they were anchored, in a bucket without lock. The lock closes this gap.
- A cut-off tail of the trail in a bucket without lock and without anchors: what nothing else speaks of is not missed.
  (A manifest is: its day and its event speak of it. So is the event of a backup that wrote a manifest, which speaks of
  it; that of one that found its day "unchanged" is not.)
- The place of a change, when the entries after it were made to fit: `audit verify` names where the two no longer fit.
  The change is there or before. Which entries are others than they were, only the lock or an anchor shows.
- A whole `audit/` erased, and the numbers taken out of all manifests, in a bucket without lock and without anchors
  elsewhere: it looks like one whose backups are from before the chain. `audit verify` warns of such days,
  `audit_trail` counts them as `days_from_before_the_chain`; nobody who began with a chain has any. A single day made
  up like this is found: it was stored after the chain began.
- A time stamp in the same, unlocked bucket as what it stamps: an administrator can remove it and have what he rewrote
  stamped anew, with the time of today. Keep anchors in a second bucket, in a locked one, or in bundles you hand out.
- Both chains and the anchors in both buckets rewritten by somebody who may erase in both. An anchor that nothing
  outside confirms does not count, and `audit verify` warns of it; but when all are gone, the next one is the first.
- A signal that was wrong, or left out, before the first backup of its day: the records prove what was stored, not what
  should have been. `signal-backups reconcile` holds them against the database.

- A checkpoint is believed while the store shows the MD5 (ETag) of the entries in it: `--full` believes none.

## How to look

    signal-backups audit verify --full     # both chains, what they say of each other, the days' manifests, the anchors
    signal-backups verify --from D --to D  # the CSVs against their manifests, and every row's hash
    signal-backups bundle --from D --to D --out FOLDER   # all of it for somebody who trusts none of our software
"""


def page(table: Mapping[str, set[Layer]]) -> str:
    """The page.

    Args:
        table: the layers that catch it, for each attack.
    """
    head = f"| attack | {' | '.join(Layer)} |\n|---|{'---|' * len(Layer)}\n"
    rows = "".join(
        f"| {attack} | {' | '.join('caught' if layer in caught else '-' for layer in Layer)} |\n"
        for attack, caught in table.items()
    )
    totals = [f"{sum(layer in caught for caught in table.values())} of {len(table)}" for layer in Layer]
    return f"{_BEFORE}{head}{rows}| **caught** | {' | '.join(totals)} |\n{_AFTER}"
