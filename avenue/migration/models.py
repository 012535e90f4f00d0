"""What is told of files on their way into Avenue and out, and what an import talks about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from avenue.identity import Actor
from avenue.media.intake.library import UploadResult
from avenue.media.intake.policy import UploadPolicy
from avenue.media.models import Asset, Claim

PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file in Avenue; `url` is absolute and names these very bytes.

    `created` is False when it was there before. `width` and `height` are pixels of the upright
    picture, None where it is none.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedAt:
    """A place that uses a file: what (`page`, `logo`), in which of its states, where it is edited.

    `url` is absolute.
    """

    kind: str
    id: str
    title: str
    where: tuple[str, ...]
    url: str


class Removal(Protocol):
    """Puts live files of the media library into the trash, handed over by who knows their users."""

    def __call__(self, actor: Actor, asset_id: str, *, force: bool) -> Sequence[UsedAt]:
        """Put one into the trash unless it is used; with `force` it is taken out there first.

        Return where it is used and stays: nothing when it is gone.
        """


class Outcome(StrEnum):
    """What becomes of a file of the tree."""

    STORED = "stored"
    DUPLICATE = "duplicate"  # the same bytes are stored for another path
    UNCHANGED = "unchanged"  # its old address leads to these bytes already
    REFUSED = "refused"


class Kind(StrEnum):
    """What the files of an old tree are to become."""

    PRODUCTS = "products"
    MEDIA = "media"
    UPLOADS = "uploads"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOrder:
    """What to bring in, as whoever asks for it says.

    `prefix` is the path the old application served the folder at, `hosts` the names it was
    reached by besides local ones. `is_public`: everybody may read general uploads.
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
    """An address of the old application in a record: `path` is its normal form.

    `kind` and `id` name the record: an owner of pictures, or a page.
    """

    kind: str
    id: str
    address: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A file that was refused or passed over, and why."""

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
    """Where the files of a tree go.

    `claim` says who owns an asset, given its id. With `adopts`, a picture that an owner's record
    refers to becomes that owner's instead. `has_folders`: files lie in folders and have tags.
    """

    policy: UploadPolicy
    claim: Callable[[str], Claim]
    adopts: bool
    has_folders: bool = False


class PictureOwners(Protocol):
    """The records that own pictures, somewhere above: products and groups."""

    def external_after(self, site_id: str, last: Claim | None) -> list[tuple[Claim, str]]:
        """Return the owners after `last` that name pictures by URL, with each URL; some at once.

        An owner's URLs come all together; an empty list is the end.
        """

    def adopt(
        self, site_id: str, claim: Claim, url: str, upload_result: UploadResult
    ) -> Asset | None:
        """Put the picture of `upload_result` where its owner names `url`, in one transaction.

        Return the picture that stands there now, None when nothing names `url` any more.
        """
