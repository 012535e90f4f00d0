"""Request bodies of the folder routes. Anything else is a 400."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from avenue.errors import sentence

LONGEST_NAME = 100
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("printable", sentence("Use printable characters only."))
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME),
    AfterValidator(_printable),
]


class NewFolder(BaseModel):
    """A new folder; without `parent` it is at the top."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name
    parent: Id | None = None


class FolderChanges(BaseModel):
    """Changes of a folder; a null `parent` moves it to the top."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name = ""
    parent: Id | None = None
