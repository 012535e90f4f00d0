"""Parts of request bodies that several features share. Anything else in a body is a 400."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LONGEST_NAME = 200
LONGEST_ALT = 1000

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Revision = Annotated[int, Field(ge=0, lt=2**31)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)
]
AltText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_ALT)]
Share = Annotated[float, Field(ge=0, le=1)]


def each_once(texts: list[str]) -> list[str]:
    """Return `texts` without repetitions."""
    return list(dict.fromkeys(texts))


class Body(BaseModel):
    """A JSON body: no unknown fields, and no values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PictureTexts(Body):
    """The alt texts and the focal point of a picture."""

    alt: Annotated[dict[Language, AltText], Field(max_length=20)] = {}
    decorative: bool = False
    focal: Annotated[list[Share], Field(min_length=2, max_length=2)] | None = None
