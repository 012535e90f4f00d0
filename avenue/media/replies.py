"""JSON of stored files: pictures, and the reply to an upload."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from avenue.media.models import ScanState, Visibility
from avenue.totals import WholeList


class Variant(TypedDict):
    """A picture in one of its sizes."""

    url: str
    width: int
    height: int
    media_type: str


class Scanned(TypedDict, total=False):
    """The additional fields of a file if a scanner is set up."""

    scan: Annotated[
        ScanState,
        Field(description="`pending` and `quarantined`: nobody can read it, its URLs are 404."),
    ]


class Stored(Scanned):
    """A stored file; its addresses change whenever its bytes do, its id never."""

    id: str
    name: Annotated[str, Field(description="For people; may hold anything.")]
    version: Annotated[str, Field(description="Changes when the file is replaced.")]
    url: Annotated[str, Field(description="The stored file itself.")]
    display_url: Annotated[str, Field(description="What a page of the shop shows.")]
    media_type: Annotated[str, Field(description="By its bytes, whatever its name says.")]
    bytes: int
    sha256: str
    alt: Annotated[dict[str, str], Field(description="What is to be seen, by language.")]
    decorative: Annotated[bool, Field(description="It says nothing, and needs no `alt`.")]
    focal: Annotated[
        list[float] | None,
        Field(description="What crops keep: from left and top, 0 to 1."),
    ]
    color: Annotated[str | None, Field(description="The dominant one, as `#rrggbb`.")]
    placeholder: Annotated[str | None, Field(description="A tiny WebP as a `data:` URL.")]
    has_alpha: Annotated[bool, Field(description="The picture has transparent parts.")]
    visibility: Visibility
    srcset: Annotated[str, Field(description="For `<img srcset>`.")]
    created_at: str


class Temporary(TypedDict, total=False):
    """Fields that only some files have."""

    expires_at: Annotated[str, Field(description="Of a temporary picture.")]


class Image(Stored, Temporary):
    """A stored picture."""

    width: Annotated[int | None, Field(description="Pixels, upright.")]
    height: int | None
    variants: dict[str, Variant]


class ExternalImage(TypedDict):
    """An external picture: its address is stored and shown, and never fetched."""

    id: None
    external: Literal[True]
    url: str
    variants: dict[str, Variant]


class File(Image):
    """A picture for upload clients, with some of its fields under other names."""

    src: str
    type: Literal["image"]
    size: int
    mime: str
    removed: Annotated[
        list[str], Field(description="Metadata that was taken out, as `gps` or `comment`.")
    ]


class ExternalFile(ExternalImage):
    """An external picture for upload clients."""

    src: str
    type: Literal["image"]


class RefusedFile(TypedDict):
    """A refused file of an upload, and why."""

    name: str
    code: str
    message: str


class UploadReplyFacts(TypedDict):
    """The reply to an upload, without its files."""

    success: Literal[1]
    id: str | None
    url: NotRequired[Annotated[str, Field(description="Left out with `?as=ckeditor`.")]]
    location: str
    path: str | None
    urls: dict[str, str]
    errors: Annotated[list[RefusedFile], Field(description="Files that were not taken.")]


class UploadReply(UploadReplyFacts):
    """The reply to an upload, in one body that the usual upload clients understand unchanged."""

    file: Annotated[File | ExternalFile, Field(description="The first of `files`.")]
    files: list[File | ExternalFile]
    data: Annotated[list[File | ExternalFile], Field(description="The same as `files`.")]


class KeptVersion(TypedDict):
    """One version of a picture."""

    version: str
    url: Annotated[str, Field(description="Its bytes, for those who may change the picture.")]
    media_type: str
    bytes: int
    width: int | None
    height: int | None
    at: Annotated[str, Field(description="When it became the current one.")]
    by: Annotated[str | None, Field(description="The id of the person who stored it.")]
    current: bool


class Versions(WholeList):
    """The versions of a picture, the newest first."""

    items: list[KeptVersion]
