"""Errors of outgoing requests. None contains an address or anything a private network answered.

::

    Invalid
    └── BadUrl             400  not a URL that can be fetched
    Unprocessable          422
    ├── AddressNotAllowed       the URL leads to no public address, or to none at all
    ├── FetchFailed             the server did not return the file
    │   └── RateLimited         too many requests to that server
    └── FetchTooSlow            the file did not arrive in time
    TooLargeToFetch        413  it is larger than allowed
    Unavailable            503
    ├── FetchersBusy            too many at once
    ├── NowhereToPut            no space for it on this machine
    └── NoAnswer                no response to a message; internal
"""

from avenue.errors import AvenueError, Invalid, Unavailable, Unprocessable

MB = 1024 * 1024


class BadUrl(Invalid):
    """The text is not a URL from which files are fetched."""

    message = "Files cannot be fetched from this address."
    hint = (
        "Enter an address like https://pictures.example/shoe.jpg: http or https, its usual "
        "port, and no user name in it."
    )


class AddressNotAllowed(Unprocessable):
    """The URL leads to no public address.

    The same for an unknown name and for one of a private network, so that clients cannot
    find out here which names that network has.
    """

    message = "The address leads nowhere on the public internet."
    hint = "Check it in a browser that is outside your network, or upload the file itself."


class FetchFailed(Unprocessable):
    """The server did not hand the file over; `http_status`, if there is one, is its answer."""

    message = "The file could not be fetched from there."
    hint = "Open the address in a private window; if it shows the file, save it and upload it."


class RateLimited(FetchFailed):
    """Too many requests to the server; wait `pause_seconds` before the next one."""

    code = FetchFailed.code

    def __init__(self, pause_seconds: float, *, http_status: int) -> None:
        self.pause_seconds = pause_seconds
        super().__init__(http_status=http_status)


class FetchTooSlow(Unprocessable):
    """The file did not come in time."""

    message = "Fetching the file from there took too long."
    hint = "Try again later, or save the file and upload it."


class TooLargeToFetch(AvenueError):
    """The file is larger than allowed."""

    status = 413
    code = "file_too_large"
    message = "The file is larger than {size}."
    hint = "Make the file smaller, for example by resizing the image, and send it again."

    def __init__(self, limit_bytes: int) -> None:
        size = (
            f"{limit_bytes // (MB // 10) / 10:g} MB"
            if limit_bytes >= MB
            else f"{limit_bytes} bytes"
        )
        super().__init__(words={"size": size}, limit_bytes=limit_bytes)


class FetchersBusy(Unavailable):
    """Too many files are being fetched at once."""

    message = "Many files are being fetched right now."
    hint = "Nothing was stored. Send the same request again after Retry-After."
    retry_after_seconds = 5


class NowhereToPut(Unavailable):
    """A fetched file cannot be stored on this machine."""

    code = "spool_unavailable"
    message = "There is no space to receive files right now."
    hint = "Nothing was stored. Try again; the server administrator should check AVENUE_TMP_DIR."


class NoAnswer(Unavailable):
    """No answer to a message arrived in time: `reason` is `too_slow` or `unreachable`.

    It may have arrived all the same.
    """

    message = "The receiver of a message did not answer."
    hint = "It will be sent again. The server administrator can check the receiver's own log."
