"""Which files of the library a list has, and where one is used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from avenue.builder.paging import Place, Value
from avenue.media.models import Asset, State

NO_FOLDER = "none"
"""Stands where a folder's id stands for what is in none."""


class Sort(StrEnum):
    """The orders of the library; the newest is the one that was uploaded last."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    NAME_BACKWARDS = "-name"
    SMALLEST = "smallest"
    LARGEST = "largest"

    @property
    def kind(self) -> type[Value]:
        """What it sorts by: moments, texts or numbers."""
        if self in {Sort.NEWEST, Sort.OLDEST}:
            return datetime
        return str if self in {Sort.NAME, Sort.NAME_BACKWARDS} else int

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self in {Sort.NEWEST, Sort.NAME_BACKWARDS, Sort.LARGEST}


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaQuery:
    """Which files, at most `limit` of those behind the place `after`.

    All conditions that are given must hold. `words` are beginnings of words of name, alt texts and
    tags; `folder` is an id or `NO_FOLDER`; `since` and `before` bound when it was uploaded.
    `lacks_alt` is the language in which those have no text that need one; `unused` are those
    nobody uses.
    """

    words: tuple[str, ...] = ()
    folder: str | None = None
    tag: str | None = None
    media_type: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    min_bytes: int | None = None
    max_bytes: int | None = None
    lacks_alt: str | None = None
    unused: bool = False
    in_trash: bool = False
    sort: Sort = Sort.NEWEST
    after: Place | None = None
    limit: int = 50

    def part(self, *, limit: int, after: Place | None) -> "MediaQuery":
        """Return the same query for another part of the list."""
        return replace(self, limit=limit, after=after)

    @property
    def state(self) -> State:
        """The state they are in."""
        return State.TRASH if self.in_trash else State.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPage:
    """A page of a list: `next` is where to go on, `total` how many match in all.

    `total` is None where there are more than are counted: then there are `at_least` so many, None
    for more than 10,000.
    """

    items: tuple[Asset, ...]
    next: Place | None
    total: int | None
    at_least: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A place where a file is used: what (`page`, `logo`), in which of its states.

    `path` is where a person edits it in the panel.
    """

    kind: Literal["page", "logo"]
    id: str
    title: str
    where: tuple[Literal["draft", "published"], ...]
    path: str


Uses = Mapping[str, Sequence[Use]]
"""By asset; one that nobody uses is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What became of files that were to be removed: `kept` are those in use, with their uses."""

    ids: tuple[str, ...]
    kept: Uses
