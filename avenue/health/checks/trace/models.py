"""What a trace tells of one asset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from avenue.health.checks.models import Damage
from avenue.identity import Role
from avenue.media.models import Asset, Claim, Version
from avenue.media.references import Fault
from avenue.storage.survey import FileRecord


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
class ChunkCount:
    """How many chunks a file has and should have, and their bytes; `expected` None: unknown."""

    found: int
    expected: int | None
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedVersion:
    """One stored file of an asset; `chunks` is None when there was no time to count them."""

    version: Version
    record: FileRecord | None
    chunks: ChunkCount | None
    bytes: Bytes
    fault: Fault | None


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
    """A size and format the picture comes in, at `path`; `kept` is None where it is not made."""

    name: str
    path: str
    making: Making
    kept: KeptFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Who names the asset: its kind, id and title, the parts of it, its page in the panel."""

    kind: str
    id: str
    title: str
    where: tuple[str, ...]
    path: str

    @property
    def claim(self) -> Claim:
        """How it would own the asset."""
        return Claim(kind=self.kind, id=self.id)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Uses(Protocol):
    """Who knows everybody that names assets, handed over by the application."""

    def of(self, site_id: str, asset_id: str, addresses: Sequence[str]) -> Sequence[Use]:
        """Return who names an asset, by its id or by one of its old `addresses`."""

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
    """What a GET of `path` is answered to `whom`: status, and the headers caches go by."""

    path: str
    whom: str
    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything that is known of one asset; `broken` names each broken link in a line.

    `stale_renditions` were made of what it showed before. `token` is that of its original now.
    """

    id: str
    generated_at: datetime
    record: Record | None
    broken: tuple[str, ...]
    versions: tuple[TracedVersion, ...]
    renditions: tuple[TracedRendition, ...]
    stale_renditions: int
    uses: tuple[Use, ...]
    old_addresses: tuple[str, ...]
    rights: Rights
    token: str | None
    answers: tuple[Answer, ...]
