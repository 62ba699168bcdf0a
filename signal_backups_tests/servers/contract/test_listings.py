"""Listings: their order, their pages, and folders of keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.servers import outcome

if TYPE_CHECKING:
    from signal_backups_tests.servers.contract.servers import ServerUnderTest

#: One more than fits on a page.
MANY = 1001
LISTINGS = pytest.mark.parametrize(
    ("listing", "entries"), [("list_objects_v2", "Contents"), ("list_object_versions", "Versions")]
)


def _put(s3: ServerUnderTest, key: str, body: bytes = b"") -> str:
    return s3.client.put_object(Bucket=s3.versioned, Key=key, Body=body)["VersionId"]


def _pages(s3: ServerUnderTest, listing: Any, prefix: str, size: int, **more: Any) -> list[Any]:
    paginator = s3.client.get_paginator(listing)
    return list(paginator.paginate(Bucket=s3.versioned, Prefix=prefix, PaginationConfig={"PageSize": size}, **more))


@pytest.fixture(scope="module")
def many(s3: ServerUnderTest) -> list[str]:
    """Keys below ``many/``, in the order of a listing."""
    keys = [f"many/{number:04}" for number in range(MANY)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: _put(s3, key), keys))
    return keys


@LISTINGS
def test_a_page_holds_a_thousand_entries_unless_asked_otherwise(
    s3: ServerUnderTest, many: list[str], listing: Any, entries: str
) -> None:
    pages = list(s3.client.get_paginator(listing).paginate(Bucket=s3.versioned, Prefix="many/"))
    assert [[item["Key"] for item in page[entries]] for page in pages] == [many[:1000], many[1000:]]


@pytest.mark.usefixtures("many")
def test_a_page_of_objects_holds_a_thousand_entries_at_most(s3: ServerUnderTest) -> None:
    listed = s3.client.list_objects_v2(Bucket=s3.versioned, Prefix="many/", MaxKeys=5000)
    assert str(len(listed["Contents"])) == s3.does(differences.LARGEST_PAGE_OF_OBJECTS)


@pytest.mark.usefixtures("many")
def test_a_page_of_versions_holds_a_thousand_entries_at_most(s3: ServerUnderTest) -> None:
    listed = s3.client.list_object_versions(Bucket=s3.versioned, Prefix="many/", MaxKeys=5000)
    assert len(listed["Versions"]) == 1000


@pytest.mark.parametrize(
    ("listing", "entries", "order"),
    [
        ("list_objects_v2", "Contents", differences.ORDER_OF_OBJECTS),
        ("list_object_versions", "Versions", differences.ORDER_OF_VERSIONS),
    ],
    ids=["objects", "versions"],
)
def test_keys_are_listed_in_the_order_of_their_bytes(
    s3: ServerUnderTest, key: str, listing: Any, entries: str, order: differences.Difference
) -> None:
    for end in differences.BYTE_ORDER.split():
        _put(s3, f"{key}{end}")
    pages = _pages(s3, listing, key, 2)
    assert " ".join(item["Key"].removeprefix(key) for page in pages for item in page[entries]) == s3.does(order)


def test_deleted_objects_are_not_listed(s3: ServerUnderTest, key: str) -> None:
    for number in range(5):
        _put(s3, f"{key}{number}")
    s3.client.delete_object(Bucket=s3.versioned, Key=f"{key}2")
    pages = _pages(s3, "list_objects_v2", key, 2)
    assert [item["Key"][-1] for page in pages for item in page.get("Contents", [])] == ["0", "1", "3", "4"]


def test_a_listing_starts_after_a_key(s3: ServerUnderTest, key: str) -> None:
    for number in range(4):
        _put(s3, f"{key}{number}")
    listed = s3.client.list_objects_v2(Bucket=s3.versioned, Prefix=key, StartAfter=f"{key}1")
    assert [item["Key"] for item in listed["Contents"]] == [f"{key}2", f"{key}3"]


def test_versions_are_listed_newest_first_with_the_latest_marked(s3: ServerUnderTest, key: str) -> None:
    ids = [_put(s3, key) for _ in range(3)]
    listed = s3.client.list_object_versions(Bucket=s3.versioned, Prefix=key)["Versions"]
    assert [(item["VersionId"], item["IsLatest"]) for item in listed] == [
        (ids[2], True),
        (ids[1], False),
        (ids[0], False),
    ]


def test_a_delete_marker_is_the_latest_version_until_the_next_write(s3: ServerUnderTest, key: str) -> None:
    version = _put(s3, key)
    marker = s3.client.delete_object(Bucket=s3.versioned, Key=key)["VersionId"]
    listed = s3.client.list_object_versions(Bucket=s3.versioned, Prefix=key)
    assert [(item["VersionId"], item["IsLatest"]) for item in listed["DeleteMarkers"]] == [(marker, True)]
    assert [(item["VersionId"], item["IsLatest"]) for item in listed["Versions"]] == [(version, False)]
    _put(s3, key)
    listed = s3.client.list_object_versions(Bucket=s3.versioned, Prefix=key)
    assert [item["IsLatest"] for item in listed["DeleteMarkers"]] == [False]
    assert [item["IsLatest"] for item in listed["Versions"]] == [True, False]


def test_a_page_may_end_between_two_versions_of_a_key(s3: ServerUnderTest, key: str) -> None:
    ids = [_put(s3, key) for _ in range(5)]
    pages = _pages(s3, "list_object_versions", key, 2)
    assert [[item["VersionId"] for item in page["Versions"]] for page in pages] == [
        [ids[4], ids[3]],
        [ids[2], ids[1]],
        [ids[0]],
    ]


def test_a_page_counts_delete_markers(s3: ServerUnderTest, key: str) -> None:
    for number in range(3):
        _put(s3, f"{key}{number}")
        s3.client.delete_object(Bucket=s3.versioned, Key=f"{key}{number}")
    pages = _pages(s3, "list_object_versions", key, 2)
    assert [(len(page.get("Versions", [])), len(page.get("DeleteMarkers", []))) for page in pages] == [(1, 1)] * 3


@LISTINGS
def test_a_delimiter_makes_folders_of_keys(s3: ServerUnderTest, key: str, listing: Any, entries: str) -> None:
    for name in ("a", "b/1", "b/2", "c/1", "d"):
        _put(s3, f"{key}/{name}")
    pages = _pages(s3, listing, f"{key}/", 2, Delimiter="/")
    assert [item["Key"] for page in pages for item in page.get(entries, [])] == [f"{key}/a", f"{key}/d"]
    folders = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
    assert folders == [f"{key}/b/", f"{key}/c/"]


@pytest.mark.parametrize("listing", ["list_objects_v2", "list_object_versions"])
def test_a_bucket_that_is_not_there_is_not_listed(s3: ServerUnderTest, listing: str) -> None:
    assert outcome(getattr(s3.client, listing), Bucket="no-such-bucket-of-the-contract") == "404 NoSuchBucket"
