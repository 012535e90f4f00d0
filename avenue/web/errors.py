"""Errors of the request itself, before any feature handles it.

::

    Invalid
    ├── BadRequest            400  not HTTP we can read
    ├── UnknownHost           400  no site has this Host
    ├── InvalidBody           400  JSON that cannot be read or does not fit
    ├── InvalidQuery          400  a parameter after `?` that does not fit
    ├── BodyCutOff            400  fewer bytes came than were announced
    ├── BadMultipart          400  a form whose parts cannot be separated
    ├── NoFile                400  an upload without a file
    ├── MethodNotAllowed      405  the address exists, the method does not
    ├── RequestTooSlow        408  its head or body took too long to come
    ├── TooLarge              413
    │   ├── BodyTooLarge           the whole body
    │   ├── FileTooLarge           one file of it
    │   ├── TooManyParts           parts of a form
    │   └── TextFieldTooLong       a text field of a form
    └── RangeNotSatisfiable   416  nothing lies in the range asked for
    Gone
    └── SiteRemoved           410  the site of this Host was removed
    Unavailable
    ├── SiteNotReady          503  the site of this Host is being made
    └── SpoolUnavailable      503  no room for arriving files on this machine
"""

from avenue.errors import Gone, Invalid, Unavailable

KB = 1024
MB = 1024 * KB


def in_words(size_bytes: int) -> str:
    """Return a limit for people: `5 MB`, `64 KB`, `100 bytes`; never more than the limit."""
    if size_bytes >= MB:
        return f"{size_bytes // (MB // 10) / 10:g} MB"
    return f"{size_bytes // KB} KB" if size_bytes >= KB else f"{size_bytes} bytes"


class BadRequest(Invalid):
    """The request is not valid HTTP."""


class UnknownHost(Invalid):
    """No site has the host this request was sent to."""

    message = "There is no site at this host."
    hint = (
        "Use the site's own address. If there is a proxy in front, have it pass the Host "
        "header on unchanged, and add the host to the site's hosts."
    )


class SiteRemoved(Gone):
    """The site of this host was removed by the server administrator."""

    message = "This site is no longer available."
    hint = "The server administrator can reopen it for a few days."


class SiteNotReady(Unavailable):
    """The site of this host is still being cloned from another one."""

    message = "This site is not ready yet."
    hint = "It is being created. Try again after the time in Retry-After."
    retry_after_seconds = 30


class InvalidBody(Invalid):
    """The JSON body cannot be read, or does not match the schema of the route."""

    message = "The body is not valid for this route."
    hint = "Send one JSON object in UTF-8 with `Content-Type: application/json`."


class InvalidQuery(Invalid):
    """A query parameter is invalid; `parameter` names it."""


class BodyCutOff(Invalid):
    """The connection ended, or the framing broke, before the whole body arrived."""

    message = "The body arrived incomplete."
    hint = "Nothing was saved. Send it again with a Content-Length that matches its exact length."


class BadMultipart(Invalid):
    """The parts of a form cannot be parsed."""

    message = "The form cannot be parsed."
    hint = (
        "Let the HTTP client set the Content-Type of the form: it must name the boundary "
        "between the parts."
    )


class TableTooLong(Invalid):
    """A list is too long for a file that is created before it is sent; `limit` is the maximum."""

    status = 413
    message = "An Excel file can have at most {limit} rows."
    hint = "Use the CSV, which has no limit, or choose fewer rows."


class NoFile(Invalid):
    """An upload has no file."""

    message = "This request contains no file."
    hint = (
        "Send multipart/form-data with at least one part that has a filename, or one file as the "
        "body with its own Content-Type and ?name=."
    )


class MethodNotAllowed(Invalid):
    """The address exists, but not with this method; `Allow` lists the allowed ones."""

    status = 405
    message = "This address does not support that method."
    hint = "The Allow header lists the allowed methods."


class RequestTooSlow(Invalid):
    """The head or the body arrived too slowly; the connection is closed."""

    status = 408
    message = "The request arrived too slowly."
    hint = "Send it again over a better connection."


class TooLarge(Invalid):
    """The request is larger than allowed; `limit_bytes` or `limit` is the maximum."""

    status = 413
    message = "This exceeds what can be sent."
    hint = "Send less."


class BodyTooLarge(TooLarge):
    """The body as a whole is too large."""

    message = "The body is larger than the {size} accepted here."
    hint = "Send less at a time, for example fewer files."

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(words={"size": in_words(limit_bytes)}, limit_bytes=limit_bytes)


class FileTooLarge(TooLarge):
    """One file is larger than allowed here."""

    message = "The file is larger than {size}."
    hint = "Make the file smaller, for example by resizing the image, and send it again."

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(words={"size": in_words(limit_bytes)}, limit_bytes=limit_bytes)


class TooManyParts(TooLarge):
    """A form has too many parts."""

    message = "The form has more than {limit} parts."
    hint = "Send the files in several requests."


class TextFieldTooLong(TooLarge):
    """A text field of a form is too long."""

    message = "A text field of the form is longer than {size}."
    hint = "If this part is meant to be a file, give it a filename."

    def __init__(self, limit_bytes: int, *, field: str) -> None:
        super().__init__(
            words={"size": in_words(limit_bytes)},
            limit_bytes=limit_bytes,
            field=field,
        )


class RangeNotSatisfiable(Invalid):
    """The requested range is outside of the file (RFC 9110 section 15.5.17)."""

    status = 416
    message = "There are no bytes in the requested range."
    hint = "Content-Range says how many bytes there are."


class TooManyArriving(Unavailable):
    """So many long bodies are being received that no thread is free for another one."""

    message = "Too many large files are arriving right now."
    hint = "Try again, or send it in parts of 8 MB, which do not have to wait."


class PicturesBusy(Unavailable):
    """A request for a picture has waited too long for one of the threads that generate sizes."""

    message = "Too many images are being prepared right now."
    hint = "Request it again after Retry-After."


class SpoolUnavailable(Unavailable):
    """Arriving files cannot be stored on this machine."""

    message = "There is no space to receive files right now."
    hint = "Nothing was stored. Try again; the server administrator should check AVENUE_TMP_DIR."
