"""Errors of the media library."""

from avenue.errors import Conflict, Invalid, NotFound


class MediaNotFound(NotFound):
    """The file is not in the library; of several, `ids` are the missing ones."""

    message = "This file is not in the library."


class MediaInUse(Conflict):
    """The file is in use; `usage` says where, `total` how often."""

    message = "This file is in use, so it was not removed."
    hint = (
        "Remove it from there first, or send the request again with `force`, which does "
        "that for you."
    )


class OneFileReplaces(Invalid):
    """More than one file was sent to replace one."""

    code = "one_file_only"
    message = "A file can only be replaced by one file."
    hint = "Send exactly one file."


class TooManyTags(Conflict):
    """A file would have too many tags."""

    message = "A file can have at most {limit} tags."
    hint = "Remove some first."
