"""Where an upload is filed, and which uploads a list has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from avenue.errors import AvenueError
from avenue.media.categories import UPLOAD, Category
from avenue.media.models import Asset, Claim

Place = tuple[datetime, str]
"""When the last upload of a page was made, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """The category of new uploads, and the caller's record they belong to, if any."""

    category: Category
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadQuery:
    """Which uploads, at most `limit` of those behind the place `after`, the newest first.

    All conditions that are given must hold; `words` are beginnings of words of name or reference,
    `media_types` those to choose from. With `in_trash` those that can be restored, and no others;
    with `oldest_first` the list is gone through backwards.
    """

    category: str | None = None
    reference: str | None = None
    owner: str | None = None
    words: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    in_trash: bool = False
    oldest_first: bool = False
    after: Place | None = None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Whose uploads somebody sees: their own, and all of `categories`."""

    owner: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPage:
    """A page of a list: `next` is where to go on, `total` how many uploads match in all."""

    items: tuple[Asset, ...]
    next: Place | None
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done with many uploads: with which, and why not with others that are there."""

    changed: Sequence[str]
    refused: Sequence[AvenueError]


def claim_of(upload_id: str) -> Claim:
    """Return what an upload is owned by: itself."""
    return Claim(kind=UPLOAD, id=upload_id)
