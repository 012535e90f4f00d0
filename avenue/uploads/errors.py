"""Errors of general uploads."""

from avenue.errors import Conflict, Invalid, NotFound


class UploadNotFound(NotFound):
    """The upload does not exist, or is not the caller's; of several, `ids` lists them."""

    code = "upload_not_found"
    message = "There is no such upload."


class UnknownCategory(Invalid):
    """The site has no such category; `categories` lists those it has."""

    code = "unknown_category"
    message = "There is no such upload category here."
    hint = "Use one of {categories}."


class BadReference(Invalid):
    """The reference is invalid."""

    code = "bad_reference"
    message = "A reference must have 1 to 200 printable characters."
    hint = "Send the number or id of your record, like ORD-1024."


class TooManyUploads(Conflict):
    """The reference has reached the category's limit of files."""

    code = "too_many_uploads"
    message = "A reference can have up to {limit} files here."
    hint = "Remove one of them first, or use another reference."


class UploadHeld(Conflict):
    """The upload is on hold and cannot be removed."""

    code = "upload_held"
    message = "This file is locked and cannot be deleted."
    hint = "A site administrator can unlock it."


class UploadExpired(Conflict):
    """The upload is in the trash, and its retention time is over."""

    code = "upload_expired"
    message = "This file is no longer kept."
    hint = "A site administrator can restore it; it is then locked."
