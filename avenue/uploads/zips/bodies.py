"""Request body for a ZIP. Anything else is a 400."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from avenue.media.serving.zipping import MOST_FILES

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]


def _each_once(ids: list[str]) -> list[str]:
    return list(dict.fromkeys(ids))


class ZipWanted(BaseModel):
    """The uploads of a ZIP, in its order; duplicates are included once."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Annotated[
        list[Id],
        Field(min_length=1, max_length=MOST_FILES, examples=[["uP1oAd5xQ7rT9yU1oP3aSd"]]),
        AfterValidator(_each_once),
    ]
