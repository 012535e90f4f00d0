"""Models of imported and exported files."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from avenue.media.intake.policy import UploadPolicy
from avenue.media.models import Claim

PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file in Avenue; `url` is absolute and permanent for these bytes.

    `created` is False if it existed before. `width` and `height` are pixels of the upright picture,
    None if it is no picture.
    """

    id: str
    url: str
    name: str
    media_type: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    created: bool


class Outcome(StrEnum):
    """The outcome of a file of the tree."""

    STORED = "stored"
    DUPLICATE = "duplicate"  # the same bytes are stored for another path
    UNCHANGED = "unchanged"  # its old address leads to these bytes already
    REFUSED = "refused"


class Kind(StrEnum):
    """The kind of the files of an old tree."""

    PRODUCTS = "products"
    MEDIA = "media"
    UPLOADS = "uploads"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOrder:
    """What to import.

    `prefix` is the path at which the old application served the folder, `hosts` its hosts besides
    local ones. `is_public`: everybody may read general uploads.
    """

    place: Path
    kind: Kind
    prefix: str
    hosts: tuple[str, ...] = ()
    is_public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Distinct bytes of the tree: one of the files that have them, named by `key` and `name`."""

    sha256: str
    length: int
    key: bytes
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An address of the old application in a record: `path` is its normalised form.

    `kind` and `id` name the record: an owner of pictures, or a page.
    """

    kind: str
    id: str
    address: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A file that was refused or skipped, and why."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A stored page, as far as addresses are concerned."""

    id: str
    revision: int | None
    parts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The destination of the files of a tree.

    `claim` returns the owner of an asset by its id. With `adopts`, a picture that an owner's record
    refers to gets that owner instead. `has_folders`: files are put into folders and have tags.
    """

    policy: UploadPolicy
    claim: Callable[[str], Claim]
    adopts: bool
    has_folders: bool = False
