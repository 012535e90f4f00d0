"""JSON of imports of pictures by SKU."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.shop.matching.models import Finding, Outcome, State
from avenue.totals import PartOfList


class PicturesDone(TypedDict):
    """How many pictures of how many."""

    done: int
    total: int


class PictureImportReply(TypedDict):
    """An import of pictures by SKU: what was found, its progress, and its result."""

    id: str
    state: State
    error: Annotated[str | None, Field(description="What keeps it from going on.")]
    name: str
    progress: PicturesDone
    found: Annotated[dict[str, int], Field(description="Files by what their names say.")]
    counts: Annotated[dict[str, int], Field(description="Matched files by what became of them.")]
    by: str
    created_at: str
    expires_at: Annotated[str, Field(description="Until when it can be applied.")]
    finished_at: str | None


class PictureImportList(PartOfList):
    """A page of imports of pictures, newest first, with its cursor."""

    items: list[PictureImportReply]


class FileFailure(TypedDict):
    """Why a picture was refused."""

    code: str
    message: str


class FileReply(TypedDict):
    """A file of the ZIP, and its outcome."""

    number: int
    path: str
    finding: Finding
    sku: Annotated[str | None, Field(description="Of the product it is matched with.")]
    product: str | None
    position: Annotated[int | None, Field(description="The number in its name.")]
    by_hand: Annotated[bool, Field(description="Somebody said so, not its name.")]
    candidates: Annotated[list[str], Field(description="The SKUs it could mean.")]
    reason: Annotated[str | None, Field(description="Why it is left out.")]
    outcome: Outcome | None
    error: FileFailure | None


class FileList(PartOfList):
    """A page of files of a ZIP, with the cursor of the next one."""

    items: list[FileReply]
