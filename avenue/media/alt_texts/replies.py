"""What is answered about alternative texts."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict


class Described(TypedDict):
    """A picture and its description."""

    id: str
    alt: Annotated[dict[str, str], Field(description="What is to be seen, by language.")]
    decorative: bool


class Suggestion(TypedDict):
    """A suggested text; it is not stored."""

    alt: str
