"""Request bodies of the folder routes. Anything else is a 400."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from avenue.bodies import Body, Id
from avenue.errors import sentence

LONGEST_NAME = 100


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("printable", sentence("Use printable characters only."))
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME),
    AfterValidator(_printable),
]


class NewFolder(Body):
    """A new folder; without `parent` it is at the top."""

    name: Name
    parent: Id | None = None


class FolderChanges(Body):
    """Changes of a folder; a null `parent` moves it to the top."""

    name: Name = ""
    parent: Id | None = None
