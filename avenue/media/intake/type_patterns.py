"""Patterns of file types in request bodies: `application/pdf`, `image/*`, `*/*`."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from avenue.errors import sentence
from avenue.media.categories import types_in


def _known_type(text: str) -> str:
    if not types_in((text,)):
        raise PydanticCustomError(
            "media_type",
            sentence("Unknown file type; write one as application/pdf, image/* or */*."),
        )
    return text


TypePattern = Annotated[str, StringConstraints(max_length=100), AfterValidator(_known_type)]
