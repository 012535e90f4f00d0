"""Errors of general uploads."""

from avenue.errors import Conflict, Invalid, NotFound


class UploadNotFound(NotFound):
    """The upload does not exist, or is not the caller's; of several, `ids` lists them."""

    message = "There is no such upload."


class UnknownCategory(Invalid):
    """The site has no such category; `categories` lists those it has."""

    message = "There is no such upload category here."
    hint = "Use one of {categories}."


class BadReference(Invalid):
    """The reference is invalid."""

    message = "A reference must have 1 to 200 printable characters."
    hint = "Send the number or id of your record, like ORD-1024."


class TooManyUploads(Conflict):
    """The reference has reached the category's limit of files."""

    message = "A reference can have up to {limit} files here."
    hint = "Remove one of them first, or use another reference."


class UploadHeld(Conflict):
    """The upload is on hold and cannot be removed."""

    message = "This file is locked and cannot be deleted."
    hint = "A site administrator can unlock it."


class UploadExpired(Conflict):
    """The upload is in the trash, and its retention time is over."""

    message = "This file is no longer kept."
    hint = "A site administrator can restore it; it is then locked."
