"""The configuration (``ceph.conf``) of a Ceph cluster of one node without authentication between its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
GATEWAY = "client.gateway"
MONITOR = "a"
NOTHING_IS_WRITTEN_TO = ""


def configuration(
    folder: Path, *, cluster_id: str, monitor_port: int, gateway_port: int, day_seconds: int
) -> dict[str, dict[str, object]]:
    """The sections of ``ceph.conf`` and the options in each.

    Args:
        folder: where the cluster keeps what it keeps.
        cluster_id: a fresh UUID.
        monitor_port: where the parts find each other.
        gateway_port: where S3 answers.
        day_seconds: how long a day lasts for lifecycle rules.
    """
    return {
        "global": {
            "fsid": cluster_id,
            "mon host": f"v2:{HOST}:{monitor_port}",
            "public addr": HOST,
            "cluster addr": HOST,
            "ms bind ipv6": False,
            **dict.fromkeys(("auth cluster required", "auth service required", "auth client required"), "none"),
            # The gateway's default is encryption, which needs the authentication just switched off: it would hang.
            "ms mon client mode": "crc",
            "auth allow insecure global id reclaim": False,
            "keyring": "/dev/null",
            # Everything goes to stderr and so into the file each part is started with.
            **dict.fromkeys(("log file", "mon cluster log file", "admin socket", "pid file"), NOTHING_IS_WRITTEN_TO),
            "log to file": False,
            "run dir": folder,
            "crash dir": folder,
            # One copy of everything: there is one disk.
            "osd pool default size": 1,
            "osd pool default min size": 1,
            "osd pool default pg num": 4,
            "osd pool default pgp num": 4,
            "osd pool default pg autoscale mode": "off",
            "osd crush chooseleaf type": 0,
        },
        "mon": {
            "mon data": folder / "mon",
            "mon initial members": MONITOR,
            "mon allow pool size one": True,
            # A developer's disk may be nearly full; the cluster's data are in memory.
            "mon data avail crit": 1,
            # Nobody else has a say, so decisions need not wait to be taken together.
            "paxos propose interval": 0.05,
            "paxos min wait": 0.01,
        },
        "osd": {
            "osd data": folder / "osd",
            "osd objectstore": "memstore",
            "memstore device bytes": 4 * 1024**3,
            "osd op num shards": 2,
            "osd op num threads per shard": 1,
        },
        GATEWAY: {
            "rgw frontends": f"beast endpoint={HOST}:{gateway_port}",
            "rgw thread pool size": 32,
            "rgw lc debug interval": day_seconds,
            # A bucket takes longer with more helpers, and a worker that takes longer than a day begins the same bucket
            # again for ever: few helpers and many workers, so that no bucket waits for another.
            "rgw lc max wp worker": 1,
            "rgw lc max worker": 8,
        },
    }


def as_text(sections: dict[str, dict[str, object]]) -> str:
    """The sections as ``ceph.conf`` spells them."""
    lines = []
    for section, options in sections.items():
        lines += [f"[{section}]", *(f"{name} = {value}" for name, value in options.items())]
    return "\n".join([*lines, ""])
