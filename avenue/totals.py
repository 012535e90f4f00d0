"""How many things a list has in all, as far as it is worth counting."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

MOST_COUNTED = 10_000
"""Counting reads a key of an index for each thing: beyond this many, nobody needs the number."""


class Total(TypedDict):
    """How many match in all."""

    total: Annotated[
        int | None, Field(description="How many match in all; null for more than 10,000.")
    ]
    total_at_least: NotRequired[
        Annotated[int, Field(description="Beside a `total` of null: 10001.")]
    ]


def total_json(total: int | None) -> Total:
    """Return the total of a list, None for more than `MOST_COUNTED`."""
    if total is None:
        return {"total": None, "total_at_least": MOST_COUNTED + 1}
    return {"total": total}
