"""Parses a form while it arrives (RFC 7578), in bounded memory.

Werkzeug's `MultipartDecoder` knows the syntax. This module feeds it, limits it, and reports errors:
a form that was cut off or has another boundary never looks like a form without files.
"""

from collections.abc import Iterable, Iterator

from werkzeug.sansio.multipart import Data, Event, Field, File, MultipartDecoder, NeedData, State

from avenue.web.errors import BadMultipart, NoFile

MOST_HEAD_BYTES = 32 * 1024
"""Limit of a part's head, and of what precedes the first part."""

LONGEST_BOUNDARY = 200
"""RFC 2046 section 5.1.1 allows 70; some clients write more."""


def boundary_of(options: dict[str, str]) -> bytes:
    """Return the boundary in the `options` of a Content-Type."""
    boundary = options.get("boundary", "")
    if not boundary:
        raise BadMultipart("The Content-Type of the form names no boundary.")
    if len(boundary) > LONGEST_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise BadMultipart("The Content-Type of the form names a boundary that cannot be one.")
    return boundary.encode("ascii")


def events(boundary: bytes, blocks: Iterable[bytes]) -> Iterator[Field | File | Data]:
    """Yield the content of the form in `blocks`: the start of each part, then its data in pieces.

    All blocks are read, also those after the last boundary, so that `blocks` can notice a body that
    was cut off there. Raise `BadMultipart`, or `NoFile` for an empty body.
    """
    decoder = MultipartDecoder(boundary)
    held = b""
    for block in blocks:
        if decoder.state is State.EPILOGUE:
            continue
        data = held + block
        held = b"-" if _ends_in_half_delimiter(decoder, data) else b""
        decoder.receive_data(data[: len(data) - len(held)])
        yield from _ready(decoder)
    _check_end(decoder)


def _ends_in_half_delimiter(decoder: MultipartDecoder, data: bytes) -> bool:
    """Return whether `data` ends between the two dashes that close a form.

    The decoder (Werkzeug 3.1.9) takes the CR before such a delimiter for data: a picture would get
    an extra byte whenever a block ends there. Without the dash it waits correctly.
    """
    half = b"--" + decoder.boundary + b"-"
    tail = data if len(data) >= len(half) else bytes(decoder.buffer[-len(half) :]) + data
    return tail.endswith(half)


def _ready(decoder: MultipartDecoder) -> Iterator[Field | File | Data]:
    while not isinstance(event := _next(decoder), NeedData):
        if isinstance(event, Field | File | Data):
            yield event
    if decoder.state in {State.PREAMBLE, State.PART} and len(decoder.buffer) > MOST_HEAD_BYTES:
        raise _no_boundary() if decoder.state is State.PREAMBLE else _bad_head()


def _next(decoder: MultipartDecoder) -> Event:
    try:
        return decoder.next_event()
    except ValueError as error:
        raise _bad_head() from error


def _check_end(decoder: MultipartDecoder) -> None:
    if decoder.state is State.EPILOGUE:
        return
    if decoder.state is not State.PREAMBLE:
        raise BadMultipart(
            "The form ends before its closing boundary.",
            hint="The body was cut off, or its Content-Length is too small. Send it again.",
        )
    raise _no_boundary() if decoder.buffer else NoFile("The form is empty.")


def _no_boundary() -> BadMultipart:
    return BadMultipart("The boundary named in the Content-Type is not in the body.")


def _bad_head() -> BadMultipart:
    return BadMultipart(
        "The head of a part cannot be read.",
        hint='A part begins with `Content-Disposition: form-data; name="…"` in UTF-8.',
    )
