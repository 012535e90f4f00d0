"""Replies of `/api/builder/media`."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from avenue.media.replies import File, Image, UploadReplyFacts
from avenue.totals import PartOfList, WholeList


class Shelved(TypedDict):
    """Fields of a picture that only the library has."""

    folder: Annotated[str | None, Field(description="The id of the folder it lies in.")]
    tags: list[str]
    revision: Annotated[int, Field(description="Grows with each change.")]


class Trashed(TypedDict, total=False):
    """Additional fields of a picture in the trash."""

    trashed_at: str


class Media(Image, Shelved, Trashed):
    """A picture of the library."""


class MediaDetail(Media):
    """A picture of the library, with details."""

    uses: Annotated[int, Field(description="In how many places it is used now.")]


class UploadedMedia(File, Shelved):
    """A picture of the library as upload clients expect it."""

    duplicate_of: Annotated[
        str | None, Field(description="The oldest other picture made of the very same bytes.")
    ]


class UploadedMediaReply(UploadReplyFacts):
    """The result of an upload, in one body that serves common upload clients unchanged."""

    file: Annotated[UploadedMedia, Field(description="The first of `files`.")]
    files: list[UploadedMedia]
    data: Annotated[list[UploadedMedia], Field(description="The same as `files`.")]


class MediaList(PartOfList):
    """A page of pictures, with the cursor of the next page."""

    items: list[Media]


class ChangedMedia(WholeList):
    """The named pictures after the change."""

    items: list[Media]


class Use(TypedDict):
    """A use of a picture."""

    kind: Literal["page", "logo"]
    id: str
    title: str
    where: Annotated[
        list[Literal["draft", "published"]], Field(description="In which states of the page.")
    ]
    url: Annotated[str, Field(description="Where a person edits it in the panel.")]


class Usage(WholeList):
    """The uses of a picture."""

    items: list[Use]


class MediaKept(TypedDict):
    """A picture that was not removed because it is used."""

    id: str
    usage: list[Use]
    total: int


class RemovedMedia(TypedDict):
    """The result of a removal."""

    removed: Annotated[list[str], Field(description="The ids of those that are in the trash now.")]
    in_use: Annotated[list[MediaKept], Field(description="Those that stay.")]
