"""What a check of everything finds, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

YOUNG = timedelta(hours=1)
"""What is younger may belong to something that is just being done."""


class Kind(StrEnum):
    """What can be wrong beside references and the bytes of assets.

    Those are told by the kinds of `media.inspection`.
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
class Finding:
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
class Order:
    """What to look at (every site when `site` is None), and whether to mend."""

    site: str | None = None
    repair: bool = False

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> "Order":
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
