"""Replies of `/api/uploads`."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from avenue.media.replies import Stored, UploadReplyFacts, Variant
from avenue.totals import PartOfList


class Pictured(TypedDict, total=False):
    """Additional fields of an upload that is a picture."""

    width: Annotated[int, Field(description="Pixels, upright.")]
    height: int
    variants: dict[str, Variant]


class Trashed(TypedDict, total=False):
    """Additional fields of an upload in the trash."""

    trashed_at: str


class SignedAddresses(TypedDict):
    """URLs that show an upload to anyone who has them, for example in an `<img>`."""

    url: str
    expires_at: Annotated[str | None, Field(description="Null: the upload is public.")]
    variants: Annotated[dict[str, str], Field(description="Of a picture: by the variant's name.")]


class Signed(TypedDict, total=False):
    """Additional fields of an upload if `?sign=` is given."""

    signed: SignedAddresses


class Upload(Stored, Pictured, Trashed, Signed):
    """A general upload; `width`, `height` and `variants` are those of a picture."""

    category: str
    reference: Annotated[str | None, Field(description="The record it belongs to.")]
    owner: Annotated[str | None, Field(description="The id of the person who uploaded it.")]
    expires_at: Annotated[str | None, Field(description="When its category keeps it no longer.")]
    hold: Annotated[bool, Field(description="Nothing removes it.")]


class ChangedUpload(Upload):
    """An upload after a change; `warning` appears when it was made private."""

    warning: NotRequired[
        Annotated[str, Field(description="That browsers may keep what they have loaded.")]
    ]


class UploadedFile(Upload):
    """An upload as upload clients expect it, with some fields repeated under other names."""

    src: str
    type: Literal["image", "file"]
    size: int
    mime: str
    title: Annotated[str, Field(description="The same as `name`.")]
    removed: Annotated[
        list[str], Field(description="Metadata that was taken out, as `gps` or `comment`.")
    ]


class UploadedFiles(UploadReplyFacts):
    """The result of an upload, in one body that serves common upload clients unchanged."""

    file: Annotated[UploadedFile, Field(description="The first of `files`.")]
    files: list[UploadedFile]
    data: Annotated[list[UploadedFile], Field(description="The same as `files`.")]


class Usage(TypedDict):
    """Usage and quota; null is no quota."""

    used_bytes: int
    limit_bytes: int | None
    used_files: int
    limit_files: int | None
    is_partial: NotRequired[
        Annotated[bool, Field(description="True while more is there than was counted yet.")]
    ]


class Quotas(TypedDict):
    """Usage of the caller's quota; for administrators also of the site."""

    own: Annotated[Usage, Field(description="The caller's.")]
    site: Annotated[Usage | None, Field(description="For administrators, else null.")]


class UploadList(PartOfList):
    """A page of uploads, newest first, with the cursor of the next page."""

    items: list[Upload]
