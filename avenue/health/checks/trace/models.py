"""What a trace tells of one asset, as `GET /api/ops/assets/<id>` answers."""

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
    """What reading stored bytes, or not reading them, has shown."""

    RIGHT = "right"  # their hash is the one that was written down
    WRONG = "wrong"
    UNREAD = "unread"  # there was no time, or they are not all there


class Making(StrEnum):
    """How a rendition stands."""

    KEPT = "kept"
    DAMAGED = "damaged"
    TO_BE_MADE = "to_be_made"  # by whoever asks for it first


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The stored record of an asset, as far as it can be read: it may be what is broken.

    `asset` is None when it cannot; `unreadable` then says why. `damage` is the mark an inspection
    has set.
    """

    asset: Asset | None
    unreadable: str | None
    damage: Damage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedAsset:
    """The record; `damaged` is what the last inspection found wrong with its bytes."""

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
    """One stored file, the current one first; null is what there was no time to look at."""

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
    """What is stored of a rendition, but its bytes; `id` is what follows `/media/` in its URL."""

    id: str
    file: str
    bytes: int
    sha256: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRendition:
    """A size and format it comes in, kept (then it has an `id`) or made for whoever asks first."""

    id: Hidden[str | None]
    name: str
    url: str
    state: Making
    bytes: int | None
    made_at: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Who names the asset: its kind, id and title, the parts of it, its page in the panel."""

    kind: str
    id: str
    title: str
    where: tuple[str, ...]
    url: str

    @property
    def claim(self) -> Claim:
        """How it would own the asset."""
        return Claim(kind=self.kind, id=self.id)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Uses(Protocol):
    """Who knows everybody that names assets, handed over by the application."""

    def of(self, site: Site, asset_id: str, addresses: Sequence[str]) -> Sequence[Use]:
        """Return who names an asset, by its id or by an address of `site`: of today, or old.

        Their URLs are without the address of the site.
        """

    def is_there(self, site_id: str, claim: Claim) -> bool | None:
        """Tell whether there is such an owner; None when nobody keeps owners of that kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Who may see the bytes, and `why` in a sentence.

    `roles` may see them besides `owner`; `thumb_is_open`: everybody sees the smallest size.
    """

    everybody: bool
    roles: tuple[Role, ...]
    owner: str | None
    thumb_is_open: bool
    by_link: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a GET of `url` is answered to `whom`: status, and the headers caches go by."""

    url: str
    whom: str
    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything that is known of one asset; `broken` names each broken link in a line.

    `stale_renditions` were made of what it showed before. `token` is that of its original now.
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
        """The whole in one word."""
        return "broken" if self.broken else "whole"
