"""S3's list prices: a dated data file with its sources, read and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

#: What S3 calls a GB on its bills.
BYTES_PER_GB = 2**30
#: S3 bills by the hour; a month is a twelfth of 365.25 days, wherever money is counted.
DAYS_PER_MONTH = 365.25 / 12
#: The region whose prices are used for regions that the file does not have.
REFERENCE_REGION = "us-east-1"

_FILE = files("signal_backups.core.s3") / "prices.toml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ThawPrice(_Part):
    """What a thaw costs: for a thousand requests, and for a GB."""

    per_1000: float
    gb: float


class ClassPrice(_Part):
    """What one storage class costs.

    Attributes:
        gb_month: storage, for a GB and month.
        move_per_1000: a thousand lifecycle transitions into it.
        retrieval_gb: reading a GB of it without a thaw.
        thaw: by tier, for classes that need one.
        unconfirmed: fields whose figures could not be confirmed in the source.
    """

    gb_month: float
    move_per_1000: float = 0.0
    retrieval_gb: float = 0.0
    thaw: Mapping[str, ThawPrice] = {}
    unconfirmed: tuple[str, ...] = ()


class RegionPrices(_Part):
    """The prices of one region."""

    put_per_1000: float
    unconfirmed: tuple[str, ...] = ()
    classes: Mapping[str, ClassPrice]


class Prices(_Part):
    """Prices for a region that was asked for; those of ``REFERENCE_REGION`` when the file does not have it."""

    as_of: date
    sources: tuple[str, ...]
    asked_region: str
    region: str
    prices: RegionPrices

    @property
    def statement(self) -> str | None:
        """What a reader must know of the region; None when the prices are its own."""
        if self.asked_region == self.region:
            return None
        return f"no prices for region {self.asked_region}; shown with {self.region} prices"

    @property
    def unconfirmed(self) -> list[str]:
        """The figures that could not be confirmed in a source, as ``CLASS field``."""
        own = list(self.prices.unconfirmed)
        return own + [f"{name} {field}" for name, price in self.prices.classes.items() for field in price.unconfirmed]

    def of_class(self, storage_class: str) -> ClassPrice:
        """The price of a storage class; for a class that S3 does not have that of STANDARD, the dearest."""
        return self.prices.classes.get(storage_class, self.prices.classes["STANDARD"])


class _File(_Part):
    as_of: date
    currency: str
    sources: tuple[str, ...]
    regions: Mapping[str, RegionPrices]


def load_prices(region: str = REFERENCE_REGION) -> Prices:
    """The prices of a region, or those of ``REFERENCE_REGION`` with a ``statement`` that says so."""
    found = _file()
    known = region if region in found.regions else REFERENCE_REGION
    return Prices(
        as_of=found.as_of, sources=found.sources, asked_region=region, region=known, prices=found.regions[known]
    )


@cache
def _file() -> _File:
    return _File.model_validate(tomllib.loads(_FILE.read_text("utf-8")))
