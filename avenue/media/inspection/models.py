"""What an inspection looks at and what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, Self

from avenue.media.models import Claim, State
from avenue.storage.scope import BUCKETS


class Standing(StrEnum):
    """How a picture that somebody refers to stands. Each reference has exactly one."""

    STORED = "stored"
    MISSING = "missing"
    EXTERNAL = "external"
    EPHEMERAL = "ephemeral"  # only a container's or a developer's disk had it


class Kind(StrEnum):
    """What is wrong with a reference."""

    ASSET_MISSING = "asset_missing"
    ASSET_IN_TRASH = "asset_in_trash"
    ASSET_PURGING = "asset_purging"
    FILE_MISSING = "file_missing"
    WRONG_LENGTH = "wrong_length"
    CHUNK_MISSING = "chunk_missing"
    CHUNK_DUPLICATE = "chunk_duplicate"
    CHUNK_SHORT = "chunk_short"
    CHUNK_LONG = "chunk_long"
    CHUNK_SURPLUS = "chunk_surplus"
    WRONG_HASH = "wrong_hash"
    MALFORMED_ENTRY = "malformed_entry"
    LOCAL_PATH = "local_path"
    LOCALHOST = "localhost"
    NOT_OWNED = "not_owned"
    ASSET_UNREADABLE = "asset_unreadable"
    MALFORMED_RECORD = "malformed_record"


EPHEMERAL = frozenset({Kind.LOCAL_PATH, Kind.LOCALHOST})
SHOWN = frozenset({Kind.NOT_OWNED, Kind.MALFORMED_RECORD})
"""What is wrong and loses no picture."""
OF_A_RECORD = -1


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `detail` is a sentence with the facts."""

    kind: Kind
    detail: str

    @property
    def standing(self) -> Standing:
        """How the picture stands that has this fault."""
        if self.kind in EPHEMERAL:
            return Standing.EPHEMERAL
        return Standing.STORED if self.kind in SHOWN else Standing.MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """The mark on an asset whose bytes are not whole; it counts for that `file` alone."""

    file: str
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """What a version's bytes must be."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedFile:
    """A version whose stored bytes are not those it speaks of, whether or not it is shown."""

    asset: str
    bucket: str
    version: StoredVersion
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedAsset:
    """What an inspection wants to know of an asset; `versions` has the newest first.

    Of one that cannot be read, `unreadable` names the field, and nothing else is known.
    """

    id: str
    state: State
    bucket: str
    claim: Claim | None
    versions: tuple[StoredVersion, ...]
    damage: Damage | None
    unreadable: str | None = None

    @property
    def current_fault(self) -> Fault | None:
        """What is known to be wrong with the bytes that are shown."""
        if self.unreadable:
            said = f"The record of the picture cannot be read: see its field {self.unreadable}."
            return Fault(Kind.ASSET_UNREADABLE, said)
        if not self.versions:
            return Fault(Kind.FILE_MISSING, "The asset names no file.")
        marked = self.damage is not None and self.damage.file == self.versions[0].file
        return self.damage.fault if self.damage and marked else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """Somebody who refers to pictures: a product, a group, a page, a site by its logo.

    `images` are the entries as they are stored, whatever they are. `revision` changes with them.
    One that `shares` shows what others own; else all it names has to be its own.
    """

    kind: str
    id: str
    sku: str | None
    revision: int | None
    images: tuple[object, ...]
    shares: bool = False

    def may_show(self, claim: Claim | None) -> bool:
        """Tell whether it may refer to what `claim` owns; what nobody owns goes by itself."""
        return claim is not None if self.shares else claim == Claim(kind=self.kind, id=self.id)


class Referrers(Protocol):
    """Everybody of one kind, handed over by the feature that keeps them."""

    @property
    def kind(self) -> str:
        """What they are: the `kind` of their claims."""

    @property
    def collection(self) -> str:
        """Where their records are."""

    def count(self, site_id: str) -> int:
        """Return how many have pictures."""

    def after(self, site_id: str, last_id: str, limit: int) -> list[Referrer]:
        """Return up to `limit` of those that have pictures, by id, after `last_id`."""

    def these(self, site_id: str, ids: Sequence[str]) -> list[Referrer]:
        """Return those of `ids` that exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A reference with a fault. `image` is the asset's id or the URL, None where it is neither.

    One about a whole record, whoever refers to what, has its `collection`, and `OF_A_RECORD` for a
    position.
    """

    referrer_kind: str
    referrer: str
    sku: str | None
    position: int
    image: str | None
    fault: Fault
    collection: str | None = None

    @property
    def place(self) -> str:
        """Where it stands among all findings of its site, as text that sorts."""
        if self.collection is not None:
            return f"{records_of(self.collection)}/{self.referrer}/"
        return f"{self.referrer_kind}/{self.referrer}/{self.position:04d}"


def records_of(collection: str) -> str:
    """Return where findings about the records of a collection stand."""
    return f"record/{collection}"


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a pass over one site counted so far."""

    references: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Standing, 0))
    incomplete_files: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUCKETS, 0))
    unowned_files: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUCKETS, 0))
    orphan_chunks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUCKETS, 0))

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Return it in plain words for a job's cursor."""
        return {
            name: {str(key): count for key, count in getattr(self, name).items()}
            for name in Tally.__slots__
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """Return what `as_dict` wrote."""
        fresh = cls()
        return cls(**{name: {**getattr(fresh, name), **saved[name]} for name in cls.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The last pass over a site that came to its end."""

    began_at: datetime
    ended_at: datetime
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCounts:
    """The assets of a site, each counted once; those being purged are left out.

    `live` are owned, `unclaimed` wait for their owner, `expired` have waited too long. `damaged`
    are those of all whose bytes are known to be damaged.
    """

    live: int
    trash: int
    unclaimed: int
    expired: int
    damaged: int
