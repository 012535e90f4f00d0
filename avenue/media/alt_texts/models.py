"""Pictures that lack an alternative text, and the rooms they belong to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from avenue.identity import Actor, Role
from avenue.media.models import Asset

Moment = tuple[datetime, str]
"""Where a list by time goes on: when the last picture came, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a picture is used in: what that is called, and where a person finds it."""

    kind: Literal["page", "logo", "product", "group"]
    title: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A feature that has pictures; `app` brings it.

    `kinds` are those of the claims of its pictures, whoever has `role` describes all of them.
    `places` says what each of some pictures is used in. `change` writes `alt` or `decorative` of a
    picture that still has the revision given; it raises `NotFound` otherwise.
    """

    name: Literal["library", "shop"]
    kinds: tuple[str, ...]
    role: Role
    places: Callable[[Actor, Sequence[Asset]], Mapping[str, Sequence[Place]]]
    change: Callable[[Actor, Asset, Mapping[str, Any]], Asset]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a person says of a picture in one `language`; `was` is the text they had before them."""

    language: str
    text: str
    was: str
    decorative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """Pictures without a text, the newest first, each with what it is used in.

    `total` is None where there are more than are counted.
    """

    items: tuple[tuple[Asset, Sequence[Place]], ...]
    next: Moment | None
    total: int | None
