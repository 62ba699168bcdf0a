"""The table of differences holds differences alone, and says where each of them comes from."""

from __future__ import annotations

import pytest

from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.differences import Difference

DIFFERENCES = {name: difference for name, difference in vars(differences).items() if isinstance(difference, Difference)}
NOT_IN_MEMORY = "501 NotImplemented"


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_a_difference_is_one_and_has_a_source(difference: Difference) -> None:
    assert len({difference.memory, difference.seaweedfs, difference.ceph}) > 1
    assert difference.source


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_where_no_real_server_does_the_same_aws_documents_what_the_in_memory_s3_does(difference: Difference) -> None:
    assert (
        difference.memory in {difference.seaweedfs, difference.ceph, NOT_IN_MEMORY}
        or differences.API in difference.source
        or differences.USER_GUIDE in difference.source
    )
