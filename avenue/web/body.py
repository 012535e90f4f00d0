"""Reads the body of a request in blocks: never more than allowed, never less than announced.

Every server reports broken bodies differently (gunicorn has a dozen exception classes for broken
chunks). Here all of them become `BodyCutOff`, for JSON, files and forms.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from flask import Flask, request
from werkzeug.wsgi import get_content_length

from avenue.errors import AvenueError
from avenue.web.errors import BodyCutOff, BodyTooLarge

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BLOCK_BYTES = 64 * 1024
MOST_FORM_BYTES = 64 * 1024
"""Limit of a page's form, which Flask parses itself. Files and JSON are read with `blocks`."""


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Input:
    """`wsgi.input` with a single kind of error, an early end included.

    gunicorn silently ends a body if the peer leaves before Content-Length is reached.
    """

    def __init__(self, source: _Source, declared_bytes: int | None) -> None:
        self._source = source
        self._declared_bytes = declared_bytes
        self._came_bytes = 0

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._source.read(size)
        except AvenueError:
            raise
        except Exception as error:
            raise BodyCutOff from error
        self._came_bytes += len(data)
        is_end = size < 0 or (size > 0 and not data)
        if is_end and self._came_bytes < (self._declared_bytes or 0):
            raise BodyCutOff(came_bytes=self._came_bytes, declared_bytes=self._declared_bytes)
        return data


def install(app: Flask) -> None:
    """Turn every error while a body of `app` is read into `BodyCutOff`; limit its forms."""
    # Without it anyone could make a page write files of any size to our disk before it refuses.
    app.config["MAX_CONTENT_LENGTH"] = MOST_FORM_BYTES
    inner: WSGIApplication = app.wsgi_app

    def with_one_kind_of_failure(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        environ["wsgi.input"] = _Input(environ["wsgi.input"], get_content_length(environ))
        return inner(environ, start_response)

    app.wsgi_app = with_one_kind_of_failure  # type: ignore[method-assign]


def blocks(most_bytes: int) -> Iterator[bytes]:
    """Yield the body of the current request, at most `BLOCK_BYTES` at a time.

    Raise `BodyTooLarge` above `most_bytes` (before the first read if Content-Length says so) and
    `BodyCutOff` if fewer bytes arrive than Content-Length announced. `request.form`, `.files` and
    `.data` must not have been used before, because they consume the body.
    """
    if request.method == "PUT" and "Content-Range" in request.headers:
        raise BodyCutOff  # RFC 9110, section 14.5: a part must not replace the whole
    declared = request.content_length
    if declared is None and not request.environ.get("wsgi.input_terminated"):
        return
    if declared is not None and declared > most_bytes:
        raise BodyTooLarge(most_bytes)
    source: _Source = request.environ["wsgi.input"]
    came = 0
    while declared is None or came < declared:
        block = source.read(BLOCK_BYTES if declared is None else min(BLOCK_BYTES, declared - came))
        if not block:
            return
        came += len(block)
        if came > most_bytes:
            raise BodyTooLarge(most_bytes)
        yield block


def whole(most_bytes: int) -> bytes:
    """Return the body of the current request. Raises as `blocks`."""
    return b"".join(blocks(most_bytes))
