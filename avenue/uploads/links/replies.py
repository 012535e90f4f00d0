"""What is answered about links."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict


class Link(TypedDict):
    """A link, and until when it is good."""

    id: str
    variant: str
    download: bool
    url: Annotated[str, Field(description="Good as it is, to the character.")]
    expires_at: Annotated[str | None, Field(description="Null: the upload is public.")]


class RefusedLink(TypedDict):
    """A link there is none of, and why."""

    id: str
    variant: str
    download: bool
    url: None
    code: Annotated[str, Field(description="As an error of a single link would have it.")]
    message: Annotated[str, Field(description="A sentence for people.")]


class Links(TypedDict):
    """As many as were asked for, in the same order."""

    items: list[Link | RefusedLink]
