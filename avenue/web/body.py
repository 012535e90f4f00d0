"""The body of a request, read in blocks: never more than allowed, never less than announced.

Every server fails in its own way while a body arrives (gunicorn has a dozen exception classes
for broken chunks). All of that becomes `BodyCutOff` at one place, for JSON, files and forms.
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
"""Of a page's form, which Flask takes apart by itself. Files and JSON come through `blocks`."""


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Input:
    """`wsgi.input` with one kind of failure, an early end included.

    gunicorn ends a body without a word when the peer leaves before Content-Length is reached.
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
    """Let whatever breaks while a body of `app` is read be a `BodyCutOff`; bound its forms."""
    # Without it anybody could have a page put files of any size on our disk before it refuses.
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

    Raise `BodyTooLarge` above `most_bytes` (before the first read when Content-Length says so)
    and `BodyCutOff` when fewer bytes come than Content-Length announced. Nobody may have touched
    `request.form`, `.files` or `.data` before: they take the body away.
    """
    if request.method == "PUT" and "Content-Range" in request.headers:
        raise BodyCutOff  # RFC 9110, section 14.5: a part must not take the place of the whole
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
    """Return the body of the current request; the errors are those of `blocks`."""
    return b"".join(blocks(most_bytes))
