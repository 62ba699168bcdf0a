"""Programs of the system that some tests call: without one of them these tests are left out, and the summary says so.

A test says what it needs with ``@pytest.mark.needs("openssl")``, or by a fixture named in ``NEEDED_BY_FIXTURE``.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """What tests of a kind call, and how to get it on Debian."""

    tests: str
    programs: tuple[str, ...]
    install: str

    @property
    def missing(self) -> list[str]:
        """The programs that this machine does not have."""
        return [program for program in self.programs if shutil.which(program) is None]


NEEDS = {
    "alertmanager": Need(
        "the tests with Alertmanager",
        ("prometheus-alertmanager", "amtool"),
        "apt-get install -y prometheus-alertmanager",
    ),
    "ceph": Need(
        "the tests on a Ceph cluster",
        ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin"),
        "apt-get install -y --no-install-recommends ceph-mon ceph-osd radosgw",
    ),
    "chromium": Need("the browser tests", ("chromium",), "apt-get install -y chromium"),
    "openssl": Need("the tests with a time-stamp authority", ("openssl",), "apt-get install -y openssl"),
    "prometheus": Need("the tests with Prometheus", ("prometheus", "promtool"), "apt-get install -y prometheus"),
}
NEEDED_BY_FIXTURE = {"authority": "openssl", "browser": "chromium", "ceph_server": "ceph"}


def left_out() -> list[str]:
    """A line for each kind of tests that this machine cannot run."""
    return [
        f"{need.tests}: no {', '.join(need.missing)} here. Get what they need with: {need.install}"
        for need in NEEDS.values()
        if need.missing
    ]
