"""Groups of things, as many as one command or message takes."""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import TypeVar

T = TypeVar("T")


def batches(
    items: Iterable[T],
    most: int,
    *,
    most_bytes: float = inf,
    bytes_of: Callable[[T], int] = lambda _: 0,
) -> Iterator[list[T]]:
    """Yield `items` in groups of `most`; one that has reached `most_bytes` ends there, too."""
    batch: list[T] = []
    size = 0
    for each in items:
        batch.append(each)
        size += bytes_of(each)
        if len(batch) == most or size >= most_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
