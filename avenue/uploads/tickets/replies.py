"""Replies of the ticket routes."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from avenue.media.replies import Scanned


class TicketMade(TypedDict):
    """A ticket, and its upload URL."""

    id: Annotated[str, Field(description="Names the ticket in the audit log.")]
    url: Annotated[str, Field(description="Where the file goes.")]
    ticket: Annotated[str, Field(description="Shown once. Anyone who has it may send one file.")]
    expires_at: str
    max_bytes: int
    types: Annotated[list[str], Field(description="Media types, `image/*` or `*/*`.")]


class TicketUpload(Scanned):
    """The result of an upload with a ticket; the uploader may not read the file."""

    success: Literal[1]
    id: Annotated[str, Field(description="The id of the upload, for who made the ticket.")]
    name: Annotated[str, Field(description="As it was sent, with the ending of its type.")]
    media_type: str
    bytes: int
    sha256: Annotated[str, Field(description="Of what was kept, metadata of pictures removed.")]
    width: NotRequired[int]
    height: NotRequired[int]
    created_at: str
