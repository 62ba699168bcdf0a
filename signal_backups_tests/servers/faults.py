"""The ways in which the network between a client and a server can fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Way = Literal["up", "down"]
"""Up is from client to server, down is back. Offsets count the bytes of one connection, HTTP headers included."""


@dataclass(frozen=True)
class Refuse:
    """Reset the connection at once."""


@dataclass(frozen=True)
class Hang:
    """Take the connection and whatever is sent, and never answer."""


@dataclass(frozen=True)
class Answer:
    """Answer the request with an S3 error, without asking the server."""

    status: int
    code: str


@dataclass(frozen=True)
class Cut:
    """End the connection in an orderly way after so many bytes down: a truncated answer."""

    after: int


@dataclass(frozen=True)
class Reset:
    """Reset the connection after so many bytes down."""

    after: int


@dataclass(frozen=True)
class Flip:
    """Flip one bit of the byte at this offset."""

    offset: int
    way: Way = "down"


Fault = Refuse | Hang | Answer | Cut | Reset | Flip
