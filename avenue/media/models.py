"""Assets (stored files as people know them), their versions (bytes) and claims (owners)."""

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self


class State(StrEnum):
    """The state of an asset."""

    LIVE = "live"
    TRASH = "trash"  # can be restored
    PURGING = "purging"  # its bytes are being deleted; no longer visible


class Visibility(StrEnum):
    """Who may read an asset's bytes."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The owner of an asset: its `kind` (`product`, `group`, `library`, `upload`) and id."""

    kind: str
    id: str

    @classmethod
    def library(cls, site_id: str) -> Self:
        """Return the claim of a site's media library."""
        return cls(kind="library", id=site_id)


class ScanState(StrEnum):
    """The state of a file if a scanner is set up."""

    PENDING = "pending"  # cannot be read before it was scanned
    UNSCANNED = "unscanned"  # readable until it is scanned: `AVENUE_SCANNER_AWAY=accept`
    CLEAN = "clean"
    QUARANTINED = "quarantined"  # cannot be read
    RELEASED = "released"  # an administrator has released it


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The result of a scan at `at`, with the signatures `database`.

    `signature` is what was found; a file in quarantine without one is too large to be scanned. `by`
    and `reason` are those of the release.
    """

    state: ScanState
    at: datetime
    database: str | None = None
    signature: str | None = None
    by: str | None = None
    reason: str | None = None

    @property
    def is_withheld(self) -> bool:
        """Whether no one may read the file."""
        return self.state in WITHHELD

    @property
    def is_due(self) -> bool:
        """Whether the file waits to be scanned."""
        return self.state in DUE


WITHHELD = (ScanState.PENDING, ScanState.QUARANTINED)
DUE = (ScanState.PENDING, ScanState.UNSCANNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One stored file of an asset. `sha256` is of the stored bytes, `source_sha256` of those sent.

    `width` and `height` are pixels of the upright picture, None if it is not a picture. `color`
    (`#rrggbb`), `placeholder` (a tiny WebP) and `focal` are derived from the picture; `removed`
    lists the metadata that was removed from the sent file. `scan` is None if there was never a
    scanner.
    """

    file: str
    sha256: str
    source_sha256: str
    bytes: int
    media_type: str
    width: int | None
    height: int | None
    at: datetime
    by: str | None
    color: str | None = None
    placeholder: builtins.bytes | None = None
    has_alpha: bool = False
    focal: tuple[float, float] | None = None
    removed: tuple[str, ...] = ()
    scan: Scan | None = None

    @property
    def version(self) -> str:
        """Twelve hex digits that identify the stored bytes."""
        return self.sha256[:12]

    @property
    def is_withheld(self) -> bool:
        """Whether no one may read its bytes: they are not scanned yet, or in quarantine."""
        return self.scan is not None and self.scan.is_withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A stored picture or file as people know it; `versions` has the newest first.

    `expires_at` is set while no one has claimed it: it is deleted then. For a general upload, it is
    the end of its retention; `category`, `reference` and `hold` are only for uploads. `folder` (an
    id) and `tags` are for the media library. `trashed_at` is set while it is in the trash.
    `link_epoch` is raised when its links are revoked, `visibility_epoch` when its visibility is
    changed, and with it each address. `spoiled_file` is the version's file whose stored bytes are
    known to differ from the upload.
    """

    id: str
    site: str
    bucket: str
    owner: str | None
    name: str
    visibility: Visibility
    state: State
    claim: Claim | None
    versions: tuple[Version, ...]
    revision: int
    created_at: datetime
    alt: Mapping[str, str] = field(default_factory=dict)
    decorative: bool = False
    focal: tuple[float, float] | None = None
    expires_at: datetime | None = None
    category: str | None = None
    reference: str | None = None
    hold: bool = False
    folder: str | None = None
    tags: tuple[str, ...] = ()
    trashed_at: datetime | None = None
    link_epoch: int = 0
    visibility_epoch: int = 0
    spoiled_file: str | None = None

    @property
    def current(self) -> Version:
        """The version that is shown."""
        return self.versions[0]

    @property
    def focal_point(self) -> tuple[float, float] | None:
        """The focal point: set by a person, otherwise derived from the picture."""
        return self.focal or self.current.focal


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """An external picture: its address is stored and shown, and never fetched."""

    url: str
