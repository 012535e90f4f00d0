"""What is asked for: one row for each way a shop's pictures are asked for."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.stock import LARGE, PHOTO, THUMB, Kind
from bench.targets import (
    AVENUE,
    EDGE,
    FORGETFUL,
    NAIVE,
    NGINX,
    NO_LANE,
    PARSE,
    ROOMY,
    THINNEST,
    UNCACHED,
)

CONNECTIONS = 32
MANY = 2000
THAT_FIT = 140
"""Photos that fit the cache of a worker (64 MB) with some room: 56 MB."""

ORDER_LENGTH = 20_000
ORDER_SEED = 6

EVERYBODY = (NGINX, AVENUE, NO_LANE, EDGE, NAIVE, PARSE)
AND_THINNEST = (NGINX, AVENUE, NO_LANE, EDGE, THINNEST, NAIVE, PARSE)


class Ask(StrEnum):
    """How a file is asked for."""

    WHOLE = "whole"
    REVALIDATE = "revalidate"  # If-None-Match with its tag
    RANGE = "range"  # 64 KiB of it


RANGE_FIELD = "Range: bytes=100000-165535"
RANGE = slice(100_000, 165_536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`keys` files of `kind` are asked for by `targets`: one again and again, or skewed."""

    name: str
    title: str
    kind: Kind
    targets: tuple[str, ...]
    keys: int = 1
    ask: Ask = Ask.WHOLE
    connections: int = CONNECTIONS


ROWS = (
    Row(name="thumb", title="hot thumb, one URL", kind=THUMB, targets=AND_THINNEST),
    Row(name="thumbs", title="hot thumbs, 2,000 URLs", kind=THUMB, keys=MANY, targets=EVERYBODY),
    Row(name="photo", title="hot photo, one URL", kind=PHOTO, targets=AND_THINNEST),
    Row(
        name="photos",
        title="hot photos, 140 URLs",
        kind=PHOTO,
        keys=THAT_FIT,
        targets=EVERYBODY,
    ),
    Row(
        name="photos-roomy",
        title="hot photos, 2,000 URLs",
        kind=PHOTO,
        keys=MANY,
        targets=(NGINX, ROOMY, NAIVE, PARSE),
    ),
    Row(
        name="photos-random",
        title="random photos, 2,000 URLs",
        kind=PHOTO,
        keys=MANY,
        targets=EVERYBODY,
    ),
    Row(
        name="thumbs-warm",
        title="warm thumbs, 2,000 URLs",
        kind=THUMB,
        keys=MANY,
        targets=(UNCACHED, NAIVE, PARSE),
    ),
    Row(
        name="photos-warm",
        title="warm photos, 2,000 URLs",
        kind=PHOTO,
        keys=MANY,
        targets=(UNCACHED, NAIVE, PARSE),
    ),
    Row(
        name="thumbs-first",
        title="thumbs for the first time",
        kind=THUMB,
        keys=MANY,
        targets=(FORGETFUL, NAIVE, PARSE),
    ),
    Row(
        name="thumb-304",
        title="304 for a thumb, one URL",
        kind=THUMB,
        ask=Ask.REVALIDATE,
        targets=EVERYBODY,
    ),
    Row(
        name="thumbs-304",
        title="304 for thumbs, 2,000 URLs",
        kind=THUMB,
        keys=MANY,
        ask=Ask.REVALIDATE,
        targets=EVERYBODY,
    ),
    Row(
        name="photo-range",
        title="64 KiB of a hot photo",
        kind=PHOTO,
        ask=Ask.RANGE,
        targets=EVERYBODY,
    ),
    Row(
        name="large",
        title="an original of 19 MB",
        kind=LARGE,
        connections=10,
        targets=(NGINX, AVENUE, NAIVE, PARSE),
    ),
)

BESIDE = {
    "slow-readers": "while 40 slow readers read 3.7 MB each",
    "no-uploads": "with nothing beside",
    "uploads": "while variants of 12 MP uploads are made",
    "downloads": "10 originals of 19 MB at once",
}
"""Rows about what happens beside; those of `bench.beside`."""


def order_of(keys: int) -> Sequence[int]:
    """Return in which order `keys` files are asked for: the n-th a n-th as often as the first.

    Zipf's law with exponent 1, drawn once and for ever: of 2,000 files, the 200 most wanted get
    72 % of the requests.
    """
    if keys == 1:
        return [0]
    weights = [1 / rank for rank in range(1, keys + 1)]
    return random.Random(ORDER_SEED).choices(range(keys), weights, k=ORDER_LENGTH)
