"""Request body for a ZIP. Anything else is a 400."""

from typing import Annotated

from pydantic import AfterValidator, Field

from avenue.bodies import Body, Id, each_once
from avenue.media.serving.zipping import MOST_FILES


class ZipWanted(Body):
    """The uploads of a ZIP, in its order; duplicates are included once."""

    ids: Annotated[
        list[Id],
        Field(min_length=1, max_length=MOST_FILES, examples=[["uP1oAd5xQ7rT9yU1oP3aSd"]]),
        AfterValidator(each_once),
    ]
