"""Errors of copying files between Avenue and a machine.

::

    AvenueError
    ├── Invalid              400
    │   ├── UnreadableFile        a file of the machine cannot be read
    │   ├── UnwritableFile        a file of the machine cannot be written
    │   └── NotATree              neither a folder nor a ZIP
    ├── NotFound             404
    │   └── NoSuchFile            Avenue has no file of that name
    ├── Conflict             409
    │   ├── FileExists            the file exists already
    │   ├── FileInUse             the file belongs to something else
    │   └── FileIsShown           a file of the library that is in use
    └── Unprocessable        422
        └── FileChanged           the file changed since it was first read
"""

from collections.abc import Sequence
from typing import Any

from avenue.errors import Conflict, Invalid, NotFound, Unprocessable, sentence


class UnreadableFile(Invalid):
    """A file on this machine cannot be read."""

    message = "The file cannot be read: {reason}."
    hint = "Check its path and whether you have permission to read it."

    def __init__(self, error: OSError) -> None:
        super().__init__(words={"reason": _reason(error)})


class UnwritableFile(Invalid):
    """A file cannot be written on this machine; nothing of it remains."""

    message = "{path} cannot be written: {reason}."
    hint = "Check the path, whether you have permission to write there, and how much space is left."

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(words={"path": path, "reason": _reason(error)})


class NoSuchFile(NotFound):
    """No file of this site has this id, URL or old address."""

    message = "This file does not exist on this site."
    hint = "Specify its ID, its URL or the path of its URL; it may have been removed."


class FileExists(Conflict):
    """A file of this name already exists on this machine and was left unchanged."""

    message = "{path} already exists and was left as it is."
    hint = "Choose another name, or overwrite it (--force)."


class FileInUse(Conflict):
    """The file does not belong to the media library."""

    message = "This file belongs to a {owner}."
    hint = "Remove it there."

    def __init__(self, owner: str | None) -> None:
        if owner is None:
            super().__init__(
                sentence("This file was uploaded for something that does not exist yet."),
                hint=sentence("It is removed automatically if no one claims it."),
            )
        else:
            super().__init__(owner=owner)


class FileIsShown(Conflict):
    """The file is in use; `usage` says where, `total` how often."""

    code = "media_in_use"
    message = "This file is in use, so it was not removed."
    hint = "Remove it from there first, or use --force, which does that for you."

    def __init__(self, usage: Sequence[Any] = ()) -> None:
        super().__init__(usage=list(usage), total=len(usage))


class NotATree(Invalid):
    """The source is neither a folder nor a ZIP file."""

    message = "{place} is neither a folder nor a ZIP."
    hint = "Specify the folder that contains the old uploads, or a ZIP of it."


class FileChanged(Unprocessable):
    """A file changed since it was first read."""

    message = "The file changed while it was being imported."
    hint = "Stop the application that writes it and run the import again."


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
