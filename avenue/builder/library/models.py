"""Queries of the media library, and uses of its files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from avenue.cursors import ListPage
from avenue.identity import Actor
from avenue.media.models import Asset, State
from avenue.storage.collection import Session
from avenue.web.paging import Place, Value

MOST_TAGS = 20
LONGEST_TAG = 50

NO_FOLDER = "none"
"""The folder id for files in no folder."""


class Sort(StrEnum):
    """Sort orders of the library; by default the most recently uploaded come first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    NAME_BACKWARDS = "-name"
    SMALLEST = "smallest"
    LARGEST = "largest"

    @property
    def kind(self) -> type[Value]:
        """The type of the sort value: moments, texts or numbers."""
        if self in {Sort.NEWEST, Sort.OLDEST}:
            return datetime
        return str if self in {Sort.NAME, Sort.NAME_BACKWARDS} else int

    @property
    def descending(self) -> bool:
        """Whether the order is descending."""
        return self in {Sort.NEWEST, Sort.NAME_BACKWARDS, Sort.LARGEST}


BACKWARDS: Mapping[Sort, Sort] = {
    Sort.NEWEST: Sort.OLDEST,
    Sort.OLDEST: Sort.NEWEST,
    Sort.NAME: Sort.NAME_BACKWARDS,
    Sort.NAME_BACKWARDS: Sort.NAME,
    Sort.SMALLEST: Sort.LARGEST,
    Sort.LARGEST: Sort.SMALLEST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaQuery:
    """A query for at most `limit` files after the place `after`.

    All given conditions must hold. `words` are beginnings of words of name, alt texts and tags;
    `folder` is an id or `NO_FOLDER`; `since` and `before` limit the time of upload. `lacks_alt` is
    a language in which a required alternative text is missing; `unused` selects files without uses.
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

    def preceding(self, place: Place) -> "MediaQuery":
        """Return the query for what precedes `place`, the nearest first."""
        return replace(self, sort=BACKWARDS[self.sort], after=place)

    def part(self, *, limit: int, after: Place | None) -> "MediaQuery":
        """Return the same query for another part of the list."""
        return replace(self, limit=limit, after=after)

    @property
    def state(self) -> State:
        """The state of the files."""
        return State.TRASH if self.in_trash else State.LIVE


MediaPage = ListPage[Asset, Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A use of a file: what (`page`, `logo`), in which of its states.

    `path` is where it is edited in the panel.
    """

    kind: Literal["page", "logo"]
    id: str
    title: str
    where: tuple[Literal["draft", "published"], ...]
    path: str


Uses = Mapping[str, Sequence[Use]]
"""By asset; unused ones are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """The result of a removal: `kept` are the files in use, with their uses."""

    ids: tuple[str, ...]
    kept: Uses


class Users(Protocol):
    """A feature whose documents refer to files of the library, as the pages of a site do.

    Uses are computed from those documents on each request. References cannot dangle unnoticed: a
    new reference holds its files (`hold_live` in `media/store/transitions.py`) in the transaction
    that stores it, which also reports missing ones; a removal checks for uses in the transaction
    that moves the file to the trash. Both write to the same asset, so of two at once one is
    repeated and sees the other.
    """

    def uses_of(
        self, site_id: str, asset_ids: Sequence[str], session: Session | None = None
    ) -> Mapping[str, Sequence[Use]]:
        """Return the uses of each of `asset_ids`, in that transaction if one is given."""

    def used_ids(self, site_id: str) -> Iterable[str]:
        """Return the ids of all used assets, each at least once."""

    def detach(self, actor: Actor, asset_ids: Sequence[str]) -> None:
        """Remove all references to assets, permanently; repeatable."""
