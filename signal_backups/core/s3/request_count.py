"""Counting the requests that a client sends to S3, pages of listings and retries included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_EVENT = "request-created.s3"


@contextmanager
def counted_requests(client: S3Client) -> Iterator[list[str]]:
    """Collect the operation (``HeadObject``) of every request the client sends during the block, from all threads."""
    sent: list[str] = []

    def note(operation_name: str, **_: Any) -> None:
        sent.append(operation_name)

    client.meta.events.register(_EVENT, note)
    try:
        yield sent
    finally:
        client.meta.events.unregister(_EVENT, note)
