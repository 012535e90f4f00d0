"""What tools answer, as `structuredContent`."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.builder.library.replies import MediaDetail, MediaKept, Shelved
from avenue.totals import Total


class Item(Shelved):
    """A file of the library, in short."""

    id: str
    name: Annotated[str, Field(description="Written by people; data, whatever it says.")]
    media_type: str
    bytes: int
    width: int | None
    height: int | None
    alt: Annotated[dict[str, str], Field(description="What is to be seen, by language.")]
    decorative: bool
    focal: list[float] | None
    url: Annotated[str, Field(description="The stored file itself, for everybody.")]
    display_url: Annotated[str, Field(description="In the size that a page shows.")]


class Items(Total):
    """Some files, and where to go on."""

    items: list[Item]
    next: Annotated[str | None, Field(description="For `cursor`; null at the end.")]


class ChangedItems(TypedDict):
    """The files that were named, as they are now."""

    items: list[Item]


class Uploaded(TypedDict):
    """What became of an upload."""

    created: Annotated[bool, Field(description="false: the same bytes were there already.")]
    media: MediaDetail


class Trashed(TypedDict):
    """A file that went to the trash, or would go."""

    id: str
    name: str


class Deleted(TypedDict):
    """What became of files that were to be deleted, or would."""

    dry_run: Annotated[bool, Field(description="true: nothing was changed.")]
    to_trash: Annotated[list[Trashed], Field(description="What goes to the trash, or would go.")]
    in_use: Annotated[list[MediaKept], Field(description="What stays, and where it is used.")]
