"""The prices: those of the operator's own file (`AVENUE_PRICES`), else the examples beside this."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avenue.health.views.capacity.models import Prices

EXAMPLES = Path(__file__).parent / "prices.toml"
LARGEST_BYTES = 65_536

Price = Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False)]


class WrongPrices(Exception):
    """The file of prices cannot be used; the sentence says where and why."""


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


def read_prices(path: str) -> Prices:
    """Return the prices in the TOML file at `path`, the examples where it is empty.

    Raise `WrongPrices`, which names every mistake.
    """
    file = Path(path) if path else EXAMPLES
    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST_BYTES + 1)
        if len(text) > LARGEST_BYTES:
            raise WrongPrices(f"{file}: more than {LARGEST_BYTES} bytes are no file of prices.")
        found = _File.model_validate(tomllib.loads(text.decode()))
    except OSError as error:
        raise WrongPrices(f"{file}: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongPrices(f"{file} is no TOML: {error}.") from None
    except ValidationError as error:
        raise WrongPrices(f"{file}: {'; '.join(_mistakes(error))}.") from None
    return Prices(**found.model_dump())


def _mistakes(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)
    ]
