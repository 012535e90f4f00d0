"""Totals of lists, up to a limit."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

MOST_COUNTED = 10_000
"""Counting reads an index key for each item: beyond this many, nobody needs the number."""
MOST_READ = 1_000
"""The same if counting reads each document, as no index says whether it matches."""


class Total(TypedDict):
    """The total number of matching items."""

    total: Annotated[
        int | None, Field(description="How many match in all; null for more than are counted.")
    ]
    total_at_least: NotRequired[
        Annotated[
            int,
            Field(description="Beside a `total` of null: 10001, less where counting takes longer."),
        ]
    ]


class PartOfList(Total):
    """A page of a list, with the cursor of the next page."""

    next: Annotated[str | None, Field(description="For `?after=`; null at the end.")]


class WholeList(TypedDict):
    """A list without pages."""

    next: None
    total: int


def total_json(total: int | None, at_least: int | None = None) -> Total:
    """Return the total of a list, None for more than are counted.

    `at_least` is how many there are then, None for more than `MOST_COUNTED`.
    """
    if total is None:
        return {
            "total": None,
            "total_at_least": MOST_COUNTED + 1 if at_least is None else at_least,
        }
    return {"total": total}
