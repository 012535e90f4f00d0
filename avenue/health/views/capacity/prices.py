"""The prices: those of the operator's own file (`AVENUE_PRICES`), else the examples beside this."""

import tomllib
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avenue.health.views.capacity.models import Prices

EXAMPLES = Path(__file__).parent / "prices.toml"
LARGEST_BYTES = 65_536
OLD_DAYS = 365

Price = Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class WrongPrices(Exception):
    """The file of prices cannot be used; the message says where and why."""


class Kind(StrEnum):
    """How the database is hosted."""

    SELF_HOSTED = "self-hosted"  # on the machines of Avenue
    MANAGED = "managed"


class Plan(BaseModel):
    """A hosting plan for a database of three members, for `month`.

    Each member has a disk of `included_gb`, which can be extended up to `largest_gb` for
    `extra_gb_month` per GB; None if it cannot be extended.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    name: str = Field(min_length=1, max_length=100)
    month: Amount
    included_gb: Amount
    largest_gb: Price = None
    extra_gb_month: Amount = 0.0

    def month_with(self, gb: float) -> float | None:
        """Return the monthly price with disks of `gb`, None if none are that large."""
        if gb > (self.largest_gb or self.included_gb):
            return None
        return self.month + max(gb - self.included_gb, 0.0) * self.extra_gb_month


class Hosting(BaseModel):
    """The monthly prices of hosting; `origin` and `as_of` as those of `Prices`.

    From `edge_large_from_gb` on, all edge traffic costs `edge_large_gb` per GB. Instances are those
    next to a managed database.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    origin: str = Field(alias="source", min_length=1, max_length=500)
    edge_gb: Amount = 0.0
    edge_large_gb: Price = None
    edge_large_from_gb: Amount = 0.0
    object_gb_month: Amount = 0.0
    instance_month: Amount = 0.0
    instance_sent_gb: Amount = 0.0
    instance_sent_free_gb: Amount = 0.0
    plans: list[Plan] = Field(min_length=1, max_length=50)

    def edge_month(self, gb: float) -> float:
        """Return the monthly price of `gb` sent to visitors."""
        if self.edge_large_gb is not None and gb >= self.edge_large_from_gb:
            return gb * self.edge_large_gb
        return gb * self.edge_gb


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    example: bool = False
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    as_of: date
    origin: str = Field(alias="source", min_length=1, max_length=500)
    disk_gb_month: Price = None
    backup_gb_month: Price = None
    member_month: Price = None
    sent_gb: Price = None
    hosting: Hosting | None = None


def read_prices(path: str) -> Prices:
    """Return the prices in the TOML file at `path`, the examples if it is empty.

    Raise `WrongPrices`, which names every mistake.
    """
    return Prices(**_read(path).model_dump(exclude={"hosting"}))


def read_hosting(path: str) -> tuple[Hosting, str] | None:
    """Return the prices of hosting in that file and their currency, None if it has none.

    Raise `WrongPrices` as `read_prices` does.
    """
    found = _read(path)
    return (found.hosting, found.currency) if found.hosting else None


def is_old(as_of: date, today: date) -> bool:
    """Return whether prices of that day are more than a year old."""
    return (today - as_of).days > OLD_DAYS


def _read(path: str) -> _File:
    file = Path(path) if path else EXAMPLES
    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST_BYTES + 1)
        if len(text) > LARGEST_BYTES:
            raise WrongPrices(f"{file}: more than {LARGEST_BYTES} bytes are no file of prices.")
        return _File.model_validate(tomllib.loads(text.decode()))
    except OSError as error:
        raise WrongPrices(f"{file}: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongPrices(f"{file} is no TOML: {error}.") from None
    except ValidationError as error:
        raise WrongPrices(f"{file}: {'; '.join(_mistakes(error))}.") from None


def _mistakes(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)
    ]
