"""Pictures without an alternative text, and the features they belong to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from avenue.cursors import ListPage
from avenue.identity import Actor, Role
from avenue.media.models import Asset

Moment = tuple[datetime, str]
"""The cursor of a list by time: creation time and id of the last picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a picture is used: its title, and the page to edit it."""

    kind: Literal["page", "logo", "product", "group"]
    title: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature with pictures; `app` provides them.

    `kinds` are the claims of its pictures, all of which people with `role` may describe. `places`
    returns where each of some pictures is used. `change` writes `alt` or `decorative` of a picture
    at the given revision; otherwise it raises `NotFound`.
    """

    name: Literal["library", "shop"]
    kinds: tuple[str, ...]
    role: Role
    places: Callable[[Actor, Sequence[Asset]], Mapping[str, Sequence[Place]]]
    change: Callable[[Actor, Asset, Mapping[str, Any]], Asset]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A description in one `language`; `was` is the text that the person saw before."""

    language: str
    text: str
    was: str
    decorative: bool = False


Lacking = ListPage[tuple[Asset, Sequence[Place]], Moment]
"""Pictures without a text, newest first, each with where it is used."""
