"""Models of the checks of stored data: what they read, what they find, and the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from avenue.media.models import Claim, State, Version
from avenue.media.references import Fault, Kind as Broken, Standing
from avenue.storage.site_data import BUCKETS
from avenue.web.fields import Moment

YOUNG = timedelta(hours=1)
"""Anything younger may belong to an operation in progress."""
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
"""The kinds that concern the stored bytes of an asset."""


class Kind(StrEnum):
    """The kinds of problems other than those of references and bytes.

    The latter are in `media.references`.
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
    """The outcome of a finding."""

    FOUND = "found"  # not handled yet
    MENDED = "mended"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A problem that a check has found. `detail` and `advice` are sentences.

    `kind` is one of `Kind` or of the inspection's. `subject` is the id of the file, asset,
    rendition, address or counter concerned, `asset` the asset concerned, if there is one.
    `stored_id` is the id in the database of a file that no site has stored. `mendable` says whether
    `--repair` would repair it; `advice` what that does, or why it does not and what a person can
    do.
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
        """The id; the same for the same problem in the same place."""
        return f"{self.site or ''}/{self.kind}/{self.bucket or ''}/{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What to check (all sites if `site` is None), and whether to repair."""

    site: str | None = None
    repair: bool = False

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> "CheckRequest":
        """Return the request in the arguments of a job."""
        return cls(site=args.get("site"), repair=bool(args.get("repair")))

    def as_args(self) -> dict[str, Any]:
        """Return the arguments of the job."""
        return {"site": self.site, "repair": self.repair}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The numbers of findings of a run, by kind and in total."""

    by_kind: Mapping[str, int]
    found: int
    mended: int

    @property
    def left(self) -> int:
        """The number of findings that still exist."""
        return self.found - self.mended

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by name."""
        return {"found": self.found, "mended": self.mended, "left": self.left}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The progress of the scrub of a site: the last asset read, and the bytes so far."""

    began_at: datetime
    after: str = ""
    read_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRendition:
    """A stored rendition, its bytes read and compared with its hash."""

    id: str
    asset: str
    file: str
    bytes: int
    made_at: datetime
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """The mark of an asset with damaged bytes; it applies to that `file` only."""

    file: str
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """The expected bytes of a version."""

    file: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, version: Version) -> Self:
        """Return those of `version`."""
        return cls(file=version.file, bytes=version.bytes, sha256=version.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedFile:
    """A version whose stored bytes are damaged, whether or not it is the current one."""

    asset: str
    bucket: str
    version: StoredVersion
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedAsset:
    """The data of an asset that an inspection needs; `versions` has the newest first.

    `unreadable` names the field that makes the record unreadable; the other fields are empty then.
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
        """The known fault of the current bytes."""
        if self.unreadable:
            said = f"The record of the picture cannot be read: see its field {self.unreadable}."
            return Fault(Broken.ASSET_UNREADABLE, said)
        if not self.versions:
            return Fault(Broken.FILE_MISSING, "The asset names no file.")
        marked = self.damage is not None and self.damage.file == self.versions[0].file
        return self.damage.fault if self.damage and marked else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenReference:
    """A reference with a fault. `image` is the asset's id or the URL, None if it is neither.

    A finding about a whole record has its `collection`, and `OF_A_RECORD` as position.
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
        """Its place among all findings of its site, as text that sorts."""
        if self.collection is not None:
            return f"{records_of(self.collection)}/{self.referrer}/"
        return f"{self.referrer_kind}/{self.referrer}/{self.position:04d}"


def records_of(collection: str) -> str:
    """Return the place of findings about the records of a collection."""
    return f"record/{collection}"


@dataclass(slots=True, kw_only=True)
class Tally:
    """The numbers counted so far by a pass over one site."""

    references: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Standing, 0))
    incomplete_files: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUCKETS, 0))
    unowned_files: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUCKETS, 0))
    orphan_chunks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUCKETS, 0))

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Return it as plain data for a job's cursor."""
        return {
            name: {str(key): count for key, count in getattr(self, name).items()}
            for name in Tally.__slots__
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """Return the tally that `as_dict` saved."""
        fresh = cls()
        return cls(**{name: {**getattr(fresh, name), **saved[name]} for name in cls.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The last completed pass over a site."""

    began_at: datetime
    ended_at: datetime
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The end of a run of the inspection: the `place` in its pass, None at the end of one.

    `looked_at` is when the run began, None before the first.
    """

    place: Mapping[str, Any] | None
    looked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCounts:
    """The assets of a site, each counted once, except those being purged.

    `live` have an owner, `unclaimed` wait for one, `expired` have waited too long. `damaged` are
    those of all with damaged bytes. `counted_at` is when `live` and `trash` were counted, None for
    now; both are None if there are too many to count at once and no count exists yet: there are
    at least `total_at_least`.
    """

    live: int | None
    trash: int | None
    unclaimed: int
    expired: int
    damaged: int
    counted_at: Moment | None = None
    total_at_least: int | None = None
