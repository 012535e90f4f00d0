"""The log: one line of JSON per request, and every other line in the same format.

A line contains no address, no path, no query, no name and no token: it has the rule of the route,
and the request's id, which connects the lines of one request and is in every answer.
"""

import json
import logging
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from avenue.clock import iso
from avenue.identity import NumberedIds
from avenue.web import metrics

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROUTE = "avenue.route"
TRIED_SECONDS = "avenue.tried_seconds"
"""Key in the WSGI environ: the seconds spent on looking for an answer ahead of the application."""
BY = "avenue.by"
"""Key in the WSGI environ: set by a layer ahead of the application that has answered."""
SITE = "avenue.site"
"""Key in the WSGI environ: the id of the request's site, if it has one."""
LONGEST_METHOD = 20
SECRET = re.compile(r"([?&]s=|avt_)[A-Za-z0-9_%-]+")
"""The signature of a link, and a ticket."""
LONGEST_LINE = 300
OTHERS_LOGGERS = ("gunicorn.error", "gunicorn.access", "werkzeug")

log = logging.getLogger("avenue.request")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """Return the id of the request of this thread, or an empty text."""
    return _request_id.get()


def install(app: Flask) -> None:
    """Give every request of `app` an id and a line in the log.

    Answers of an outer wrapper of `app.wsgi_app` are not logged.
    """
    app.after_request(_note_route)
    app.wsgi_app = RequestLog(app.wsgi_app)  # type: ignore[method-assign]


def _note_route(response: Response) -> Response:
    # After the view rather than before: a request refused on its way in has a route too.
    request.environ[ROUTE] = request.url_rule.rule if request.url_rule else None
    return response


class RequestLog:
    """Wraps an application: sets the request id before it, and logs after the last byte."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._ids = NumberedIds()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request; its line is written when the server closes the result."""
        line = _Line(environ, next(self._ids))
        _request_id.set(line.id)

        def start(
            status: str,
            headers: list[tuple[str, str]],
            exc_info: "OptExcInfo | None" = None,
        ) -> Any:
            line.status = int(status[:3])
            return start_response(status, [*headers, ("X-Request-ID", line.id)], exc_info)

        try:
            return _Sent(self._app(environ, start), line)
        except Exception:
            log.exception("the request ended in an exception")
            line.status = 500
            line.write(aborted=True)
            raise


class _Line:
    """The line of one request."""

    def __init__(self, environ: "WSGIEnvironment", line_id: str) -> None:
        self.id = line_id
        self.status = 500
        self.sent_bytes = 0
        self._environ = environ
        self._began = time.perf_counter() - environ.get(TRIED_SECONDS, 0.0)

    def write(self, *, aborted: bool) -> None:
        took = time.perf_counter() - self._began
        method = self._environ.get("REQUEST_METHOD", "")[:LONGEST_METHOD]
        route: str | None = self._environ.get(ROUTE)
        facts: dict[str, object] = {
            "id": self.id,
            "method": method,
            "route": route,
            "status": self.status,
            "bytes": self.sent_bytes,
            "ms": round(took * 1000, 1),
        }
        if aborted:
            facts["aborted"] = True
        write_facts(facts)
        by = self._environ.get(BY, "application")
        metrics.count_request(method, route, self.status, by=by, sent=self.sent_bytes, took=took)
        if site := self._environ.get(SITE):
            metrics.count_site(site, 1, is_write=method not in metrics.READS)
        _request_id.set("")


def write_facts(facts: dict[str, object]) -> None:
    """Write a line of `facts` into the log of requests.

    Like `log.info`, but without looking up the caller, which is a fifth of the cost of a line.
    """
    record = logging.LogRecord(log.name, logging.INFO, __file__, 0, "request", (), None)
    record.facts = facts
    if log.isEnabledFor(record.levelno):
        log.handle(record)


class _Sent:
    """The body that is being sent. A piece counts as sent when the server asks for the next."""

    def __init__(self, body: Iterable[bytes], line: _Line) -> None:
        self._body = body
        self._pieces = iter(body)
        self._line = line
        self._on_its_way_bytes = 0
        self._complete = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._line.sent_bytes += self._on_its_way_bytes
        self._on_its_way_bytes = 0
        try:
            piece = next(self._pieces)
        except StopIteration:
            self._complete = True
            raise
        except Exception:
            log.exception("the answer broke off")
            raise
        self._on_its_way_bytes = len(piece)
        return piece

    def close(self) -> None:
        """Close the body and write the line; servers call this once, whatever happened."""
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._line.write(aborted=not self._complete)


class JsonLines(logging.Formatter):
    """Formats a record as one line of ASCII JSON: no CR or LF in a value can end it.

    Signatures of links and tickets are removed, even from other loggers' records.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        at = iso(datetime.fromtimestamp(record.created, tz=UTC))
        facts: dict[str, object] | None = getattr(record, "facts", None)
        if facts is not None:
            return json.dumps({"at": at, **facts})  # our own records, which contain no address
        line = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id():
            line["id"] = request_id()
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return SECRET.sub(r"\1***", json.dumps(line))


class OneLine(logging.Formatter):
    """Formats a record as one line for a terminal: no traceback, and no secret."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            text = f"{text}: {type(error).__name__}: {error}"
        line = f"{record.levelname.capitalize()}: {' '.join(text.split())}"
        return SECRET.sub(r"\1***", line[:LONGEST_LINE])


def configure_logging(file: str = "") -> None:
    """Send every line of this process to stdout, or append it to `file`, as JSON from INFO on.

    With a file, errors are also printed to stderr. gunicorn's own handlers are removed; call it
    again once gunicorn has set up its loggers.
    """
    handler = logging.FileHandler(file) if file else logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    handlers: list[logging.Handler] = [handler]
    if file:
        errors = logging.StreamHandler(sys.stderr)
        errors.setLevel(logging.ERROR)
        errors.setFormatter(OneLine())
        handlers.append(errors)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(capture=True)
    for name in OTHERS_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        if file:
            logger.setLevel(logging.NOTSET)
