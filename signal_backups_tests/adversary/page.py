"""The page that says which layer sees which attack, made from what the attacks came to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from signal_backups_tests.adversary.layers import Layer

PAGE = Path(__file__).parents[2] / "docs" / "tamper_evidence.md"

_BEFORE = """\
# Who would notice? Attacks on the backups, and the layer that shows each

The tests write this page (`make tamper-evidence`). Each attack is carried out on backups in an in-memory S3 by
somebody who has every right on the bucket, knows our formats and removes the old versions. Then each layer is asked.
A test fails when the table below no longer says what happens.

"""

_AFTER = """
## The layers

- **Row hash**: the SHA-256 that the producer stored with each signal. Whoever can edit a row can edit its hash.
- **Manifest**: size, SHA-256, number of signals and Merkle root (RFC 6962) of the day's CSV, in `manifests/`. Whoever
  can edit the CSV can usually write the manifest too.
- **Logs**: the manifest log (every manifest ever written) and the audit trail (every event), in `audit/`. Entries are
  numbered, and each carries the SHA-256 of the one before. To get past this layer, somebody has to rewrite every
  later entry and leave no noncurrent version behind.
- **Lock or anchor**: Object Lock keeps every version for seven years. An anchor keeps the newest entries of both logs
  in a second bucket, or under the time stamp of an outside authority (RFC 3161). While one genuine anchor that covers
  an entry is left, nobody can change that entry unnoticed: not the bucket's administrator, not us, not the authority.

Row hash, manifest and logs are always on. The lock comes with the retention profile `recommended` (`signal-backups
init --profile recommended`). Anchors come with `SIGNAL_BACKUPS_TSA_URL` or `SIGNAL_BACKUPS_ANCHOR_BUCKET`:
`audit_trail` makes one every day at 02:45 UTC, `signal-backups audit anchor` makes one at once.

## What this does not show

- **The newest entries.** In a bucket without lock, an attack on entries that were not anchored yet. The lock closes
  this gap.
- **A truncated end of the audit trail**, in a bucket without lock and without anchors: an event that nothing else names
  is not missed. The event of a backup that wrote a manifest is missed, because every manifest must have its event;
  that of a backup which found its day "unchanged" is not. A missing manifest is noticed, because its day and its
  event name it.
- **The exact place of a change**, when the later entries were made to fit: `audit verify` names the first entry that
  does not fit its neighbour. The change is there or before. Only the lock or an anchor shows which entries differ.
- **All of `audit/` erased**, and the numbers removed from all manifests, in a bucket without lock and without anchors
  elsewhere: it looks like a bucket whose backups are older than the manifest log. `audit verify` warns of such days
  and `audit_trail` counts them as `days_from_before_the_chain`; in a bucket that has had the log from its first day
  there are none. A single day made up like this is noticed, because it was stored after the log began.
- **A time stamp in the same, unlocked bucket as what it stamps**: an administrator can remove it and have a rewritten
  log stamped again, with today's time. Keep anchors in a second bucket, in a locked one, or in bundles that you hand
  out.
- **Both logs, and the anchors in both buckets, rewritten** by somebody who may erase in both. An anchor that nothing
  outside confirms does not count, and `audit verify` warns of it; but when all anchors are gone, the next one is
  taken for the first.
- **A signal that was wrong or left out before the first backup of its day**: a backup proves what was stored, not
  what should have been stored. `signal-backups reconcile` compares backups with the database.
- **A forged segment**: it is trusted while S3 shows the MD5 (ETag) of the entries in it. `audit verify --full` trusts
  no segment. `status` and `list` trust rolling segments no further either.

## How to check

```sh
signal-backups audit verify --full   # both logs against each other, the days' manifests and the anchors
signal-backups verify --last 30      # CSVs against their manifests, and the hash of every row
signal-backups bundle --from 2026-11-20 --to 2026-11-22 --out handed_out/   # for others, with a verifier of its own
```
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
