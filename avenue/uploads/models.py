"""Models of filing and listing uploads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from avenue.cursors import ListPage
from avenue.errors import AvenueError
from avenue.identity import Actor
from avenue.media.categories import UPLOAD, Category
from avenue.media.models import Asset, Claim, State
from avenue.storage.holders import Amount

Place = tuple[datetime, str]
"""The time of the last upload of a page, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """The category of new uploads, and the caller's reference, if any."""

    category: Category
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadQuery:
    """A query for at most `limit` uploads after the place `after`, newest first.

    Live ones, or with `in_trash` removed ones. All given conditions must hold; `words` are
    beginnings of words of name or reference, `media_types` the accepted types. With `oldest_first`
    the list is read backwards.
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

    def preceding(self, place: Place) -> "UploadQuery":
        """Return the query for what precedes `place`, the nearest first."""
        return replace(self, oldest_first=True, after=place)

    @property
    def state(self) -> State:
        """The state of the uploads."""
        return State.TRASH if self.in_trash else State.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The uploads a person may see: their own, and all of `categories`."""

    owner: str
    categories: tuple[str, ...]


UploadPage = ListPage[Asset, Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The result of an action on many uploads: the successful ones, and errors of others."""

    changed: Sequence[str]
    refused: Sequence[AvenueError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Usage and quota; 0 is no quota."""

    used: Amount
    quota: Amount


def is_upload(asset: Asset) -> bool:
    """Return whether `asset` is a live upload."""
    is_one = asset.claim is not None and asset.claim.kind == UPLOAD
    return is_one and asset.state is State.LIVE


def may_change(actor: Actor, upload: Asset) -> bool:
    """Return whether the actor may change, remove and restore `upload`, and revoke its links."""
    return actor.is_admin or (actor.id is not None and upload.owner == actor.id)


def claim_of(upload_id: str) -> Claim:
    """Return the claim of an upload: it owns itself."""
    return Claim(kind=UPLOAD, id=upload_id)
