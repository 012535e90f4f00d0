"""Replies of `/api/builder/folders`."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.totals import WholeList


class Step(TypedDict):
    """A folder in the path of another."""

    id: str
    name: str


class Folder(TypedDict):
    """A folder of the library."""

    id: str
    name: str
    parent: Annotated[str | None, Field(description="The folder it lies in; null at the top.")]
    path: Annotated[list[Step], Field(description="The way to it from the top, itself at the end.")]
    media: Annotated[
        int | None,
        Field(
            description="How many files lie in it directly. In a library of more than 10,000 files "
            "it is how many did when they were counted last, within the hour; null before that."
        ),
    ]
    folders: Annotated[int, Field(description="How many folders lie in it directly.")]


class FolderList(WholeList):
    """All folders, each after its parent."""

    items: list[Folder]
