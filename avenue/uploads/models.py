"""Where an upload is filed, and which uploads a list has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from avenue.errors import AvenueError
from avenue.media.categories import UPLOAD, Category
from avenue.media.models import Asset, Claim, State
from avenue.storage.quotas import Amount

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

    Those that are there, or with `in_trash` those that were removed. All conditions that are given
    must hold; `words` are beginnings of words of name or reference, `media_types` those to choose
    from. With `oldest_first` the list is gone through backwards.
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

    @property
    def state(self) -> State:
        """The state they are in."""
        return State.TRASH if self.in_trash else State.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Whose uploads somebody sees: their own, and all of `categories`."""

    owner: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPage:
    """A page of a list: `next` is where to go on, `total` how many uploads match in all.

    `total` is None where there are more than are counted.
    """

    items: tuple[Asset, ...]
    next: Place | None
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done with many uploads: with which, and why not with others that are there."""

    changed: Sequence[str]
    refused: Sequence[AvenueError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is stored, and what may be; 0 is no quota."""

    used: Amount
    quota: Amount


def is_upload(asset: Asset) -> bool:
    """Tell whether `asset` is a live upload."""
    is_one = asset.claim is not None and asset.claim.kind == UPLOAD
    return is_one and asset.state is State.LIVE


def claim_of(upload_id: str) -> Claim:
    """Return what an upload is owned by: itself."""
    return Claim(kind=UPLOAD, id=upload_id)
