"""Models of the trace of one asset, as `GET /api/ops/assets/<id>` returns it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import Field, PlainSerializer

from avenue.health.checks.models import Damage
from avenue.identity import Role, Site
from avenue.media.models import Asset, Claim, State, Visibility
from avenue.media.references import Fault, Kind
from avenue.web.fields import Hidden, Moment, shown

if TYPE_CHECKING:
    KindOf = Fault
else:
    KindOf = Annotated[Any, PlainSerializer(lambda fault: fault.kind, return_type=Kind)]
    """A fault of which JSON has the kind."""


class Bytes(StrEnum):
    """The result of reading stored bytes."""

    RIGHT = "right"  # their hash is the stored one
    WRONG = "wrong"
    UNREAD = "unread"  # there was no time, or some are missing


class Making(StrEnum):
    """The state of a rendition."""

    KEPT = "kept"
    DAMAGED = "damaged"
    TO_BE_MADE = "to_be_made"  # by the first request for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The stored record of an asset, as far as it is readable: it may be damaged.

    `asset` is None if it is unreadable; `unreadable` then says why. `damage` is the mark that an
    inspection has set.
    """

    asset: Asset | None
    unreadable: str | None
    damage: Damage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedAsset:
    """The record; `damaged` is the fault of its bytes by the last inspection."""

    name: str
    bucket: str
    state: State
    visibility: Visibility
    claim: Claim | None
    owner: str | None
    revision: int
    created_at: Moment
    expires_at: Moment | None
    trashed_at: Moment | None
    category: str | None
    reference: str | None
    hold: bool
    folder: str | None
    damaged: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedVersion:
    """A stored file, the current one first; fields are null that there was no time to check."""

    version: str
    file: str
    media_type: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    at: Moment
    by: str | None
    document_bytes: Annotated[int | None, Field(description="What the file document says.")]
    chunk_bytes: int | None
    chunks: int | None = None
    chunks_expected: int | None = None
    stored_bytes: Annotated[int | None, Field(description="Of all its chunks together.")] = None
    hash: Bytes = Bytes.UNREAD
    fault: KindOf | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFacts:
    """The stored facts of a rendition; `id` is what follows `/media/` in its URL."""

    id: str
    file: str
    bytes: int
    sha256: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRendition:
    """A size and format of a picture, stored (then with an `id`) or generated on first request."""

    id: Hidden[str | None]
    name: str
    url: str
    state: Making
    bytes: int | None
    made_at: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A referrer of the asset: its kind, id and title, the parts that refer, its panel page."""

    kind: str
    id: str
    title: str
    where: tuple[str, ...]
    url: str

    @property
    def claim(self) -> Claim:
        """The claim it would have as owner of the asset."""
        return Claim(kind=self.kind, id=self.id)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Uses(Protocol):
    """Finds all referrers of assets; provided by the application."""

    def of(self, site: Site, asset_id: str, addresses: Sequence[str]) -> Sequence[Use]:
        """Return the referrers of an asset, by its id or by a current or old address of `site`.

        Their URLs are without the address of the site.
        """

    def is_there(self, site_id: str, claim: Claim) -> bool | None:
        """Return whether an owner exists; None if owners of that kind are not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Who may see the bytes, and `why` in a sentence.

    `roles` may see them besides `owner`; `thumb_is_open`: everybody may see the smallest size.
    """

    everybody: bool
    roles: tuple[Role, ...]
    owner: str | None
    thumb_is_open: bool
    by_link: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The response to a GET of `url` by `whom`: its status, and its headers about caching."""

    url: str
    whom: str
    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything known about one asset; `broken` names each broken link in a line.

    `stale_renditions` were generated from earlier versions. `token` is that of its original now.
    """

    generated_at: Moment
    id: str
    site: str
    broken: tuple[str, ...]
    asset: TracedAsset | None
    versions: tuple[TracedVersion, ...]
    renditions: tuple[TracedRendition, ...]
    stale_renditions: int
    uses: tuple[Use, ...]
    old_addresses: tuple[str, ...]
    rights: Rights
    token: str | None
    answers: tuple[Answer, ...]

    @shown
    def verdict(self) -> Literal["whole", "broken"]:
        """The result in one word."""
        return "broken" if self.broken else "whole"
