"""Replies of the link routes."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict


class Link(TypedDict):
    """A link, and when it expires."""

    id: str
    variant: str
    download: bool
    url: Annotated[str, Field(description="Good as it is, to the character.")]
    expires_at: Annotated[str | None, Field(description="Null: the upload is public.")]


class RefusedLink(TypedDict):
    """The error in place of a link."""

    id: str
    variant: str
    download: bool
    url: None
    code: Annotated[str, Field(description="As an error of a single link would have it.")]
    message: Annotated[str, Field(description="A sentence for people.")]


class Links(TypedDict):
    """One entry for each requested link, in the same order."""

    items: list[Link | RefusedLink]
