"""What walks over all that is stored look at, what they find, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from avenue.media.models import Claim, State
from avenue.media.references import Fault, Standing
from avenue.media.references import Kind as Broken
from avenue.storage.scope import BUCKETS
from avenue.web.fields import Moment

YOUNG = timedelta(hours=1)
"""What is younger may belong to something that is just being done."""
OF_A_RECORD = -1
BYTES = frozenset(
    {
        Broken.FILE_MISSING,
        Broken.WRONG_LENGTH,
        Broken.CHUNK_MISSING,
        Broken.CHUNK_DUPLICATE,
        Broken.CHUNK_SHORT,
        Broken.CHUNK_LONG,
        Broken.CHUNK_SURPLUS,
        Broken.WRONG_HASH,
    }
)
"""The kinds that are about the stored bytes of an asset."""


class Kind(StrEnum):
    """What can be wrong beside references and the bytes of assets.

    Those are told by the kinds of `media.references`.
    """

    OWNER_MISSING = "owner_missing"
    NAMES_NO_FILE = "names_no_file"
    UNOWNED_FILE = "unowned_file"
    FOREIGN_FILE = "foreign_file"
    ORPHAN_CHUNKS = "orphan_chunks"
    RENDITION_WITHOUT_SOURCE = "rendition_without_source"
    RENDITION_DAMAGED = "rendition_damaged"
    TEMPORARY_EXPIRED = "temporary_expired"
    UPLOAD_EXPIRED = "upload_expired"
    ADDRESS_DANGLING = "address_dangling"
    COUNTER_WRONG = "counter_wrong"


class Outcome(StrEnum):
    """What became of a finding."""

    FOUND = "found"  # nothing was done about it yet
    MENDED = "mended"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong. `detail` and `advice` are sentences.

    `kind` is one of `Kind` or of the inspection's. `subject` is what it is about: the id of the
    file, asset, rendition, address or counter it names, `asset` the asset concerned, if there is
    one. `stored_id` is the id of something no site has stored, as the database has it. `mendable`
    says whether `--repair` would mend it; `advice` what that does, or why it does not and what a
    person can do.
    """

    kind: str
    site: str | None
    subject: str
    detail: str
    bucket: str | None = None
    asset: str | None = None
    stored_id: Any = None
    mendable: bool = False
    advice: str = ""
    outcome: Outcome = Outcome.FOUND

    @property
    def id(self) -> str:
        """The same for the same thing wrong at the same place."""
        return f"{self.site or ''}/{self.kind}/{self.bucket or ''}/{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What to look at (every site when `site` is None), and whether to mend."""

    site: str | None = None
    repair: bool = False

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> "CheckRequest":
        """Return what the arguments of a job say."""
        return cls(site=args.get("site"), repair=bool(args.get("repair")))

    def as_args(self) -> dict[str, Any]:
        """Return the arguments of the job that does it."""
        return {"site": self.site, "repair": self.repair}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many findings a run has, by kind and in all."""

    by_kind: Mapping[str, int]
    found: int
    mended: int

    @property
    def left(self) -> int:
        """How many are still so."""
        return self.found - self.mended

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by name."""
        return {"found": self.found, "mended": self.mended, "left": self.left}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Where the scrub of a site is: the asset it has read last, and how many bytes so far."""

    began_at: datetime
    after: str = ""
    read_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRendition:
    """A kept rendition, its bytes read and compared with its hash."""

    id: str
    asset: str
    file: str
    bytes: int
    made_at: datetime
    is_whole: bool


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
            return Fault(Broken.ASSET_UNREADABLE, said)
        if not self.versions:
            return Fault(Broken.FILE_MISSING, "The asset names no file.")
        marked = self.damage is not None and self.damage.file == self.versions[0].file
        return self.damage.fault if self.damage and marked else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenReference:
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
class Slice:
    """Where a run of the inspection has ended: the `place` in its pass, None at the end of one.

    `looked_at` is when it began, None before the first.
    """

    place: Mapping[str, Any] | None
    looked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCounts:
    """The assets of a site, each counted once; those being purged are left out.

    `live` are owned, `unclaimed` wait for their owner, `expired` have waited too long. `damaged`
    are those of all whose bytes are known to be damaged. `counted_at` is when `live` and `trash`
    were counted, None for now; both are None where nobody has counted so many yet, and there are
    `total_at_least` so many.
    """

    live: int | None
    trash: int | None
    unclaimed: int
    expired: int
    damaged: int
    counted_at: Moment | None = None
    total_at_least: int | None = None
