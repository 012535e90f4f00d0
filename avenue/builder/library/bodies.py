"""Request bodies of the library's routes. Anything else is a 400."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from avenue.bodies import Body, Id, Name, PictureTexts, each_once
from avenue.builder.library.models import LONGEST_TAG, MOST_TAGS
from avenue.errors import sentence
from avenue.media.serving.zipping import MOST_FILES

MOST_IDS = 200


def tag_as_kept(text: str) -> str:
    """Return a tag as it is stored, in lower case; raise `ValueError` for an invalid one."""
    kept = " ".join(text.lower().split())
    if not 1 <= len(kept) <= LONGEST_TAG or not kept.isprintable() or "," in kept:
        raise PydanticCustomError(
            "tag", sentence("A tag has 1 to 50 printable characters and no comma.")
        )
    return kept


Tag = Annotated[str, StringConstraints(max_length=200), AfterValidator(tag_as_kept)]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS), AfterValidator(each_once)]
Ids = Annotated[
    list[Id],
    Field(min_length=1, max_length=MOST_IDS, examples=[["uP1oAd5xQ7rT9yU1oP3aSd"]]),
    AfterValidator(each_once),
]


class MediaAddress(Body):
    """The URL of a picture to fetch, and its folder."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    folder: Id | None = None


class MediaChanges(PictureTexts):
    """Changes of a file.

    The name keeps the ending of the file's type; a null `folder` removes it from its folder, a null
    `focal` resets the focal point to the automatic one.
    """

    name: Name = ""
    folder: Id | None = None
    tags: Tags = Field(default=[])


class MediaZip(Body):
    """The files of a ZIP, in its order; duplicates are included once."""

    ids: Annotated[
        list[Id],
        Field(min_length=1, max_length=MOST_FILES, examples=[["uP1oAd5xQ7rT9yU1oP3aSd"]]),
        AfterValidator(each_once),
    ]


class Move(Body):
    """Files, and the folder to move them to; null is no folder."""

    ids: Ids
    folder: Annotated[Id | None, Field(examples=["f0LdeRx5xQ7rT9yU1oP3aS"])]


class Tagging(Body):
    """Files, and tags to add and to remove."""

    ids: Ids
    add: Tags = Field(default=[])
    remove: Tags = Field(default=[])


class Removal(Body):
    """Files to remove; with `force` also from where they are used."""

    ids: Ids
    force: bool = False
