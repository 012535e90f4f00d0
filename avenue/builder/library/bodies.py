"""Request bodies of the library's routes. Anything else is a 400."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from avenue.builder.library.folders.bodies import Id
from avenue.builder.library.store import MOST_TAGS
from avenue.errors import sentence
from avenue.media.serving.zipping import MOST_FILES

LONGEST_TAG = 50
MOST_IDS = 200


def tag_as_kept(text: str) -> str:
    """Return a tag as it is stored, in lower case; raise `ValueError` for an invalid one."""
    kept = " ".join(text.lower().split())
    if not 1 <= len(kept) <= LONGEST_TAG or not kept.isprintable() or "," in kept:
        raise PydanticCustomError(
            "tag", sentence("A tag has 1 to 50 printable characters and no comma.")
        )
    return kept


def _each_once(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(texts))


AltText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Share = Annotated[float, Field(ge=0, le=1)]
Tag = Annotated[str, StringConstraints(max_length=200), AfterValidator(tag_as_kept)]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS), AfterValidator(_each_once)]
Ids = Annotated[
    list[Id],
    Field(min_length=1, max_length=MOST_IDS, examples=[["uP1oAd5xQ7rT9yU1oP3aSd"]]),
    AfterValidator(_each_once),
]


class MediaAddress(BaseModel):
    """The URL of a picture to fetch, and its folder."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    folder: Id | None = None


class MediaChanges(BaseModel):
    """Changes of a file.

    The name keeps the ending of the file's type; a null `folder` removes it from its folder, a null
    `focal` resets the focal point to the automatic one.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] = (
        ""
    )
    alt: Annotated[dict[Language, AltText], Field(max_length=20)] = {}
    decorative: bool = False
    focal: Annotated[list[Share], Field(min_length=2, max_length=2)] | None = None
    folder: Id | None = None
    tags: Tags = []


class MediaZip(BaseModel):
    """The files of a ZIP, in its order; duplicates are included once."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Annotated[
        list[Id],
        Field(min_length=1, max_length=MOST_FILES, examples=[["uP1oAd5xQ7rT9yU1oP3aSd"]]),
        AfterValidator(_each_once),
    ]


class Move(BaseModel):
    """Files, and the folder to move them to; null is no folder."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Ids
    folder: Annotated[Id | None, Field(examples=["f0LdeRx5xQ7rT9yU1oP3aS"])]


class Tagging(BaseModel):
    """Files, and tags to add and to remove."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Ids
    add: Tags = []
    remove: Tags = []


class Removal(BaseModel):
    """Files to remove; with `force` also from where they are used."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Ids
    force: bool = False
