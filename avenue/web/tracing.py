"""OpenTelemetry: a span and a duration for each request.

They contain the route's rule, the status and the id of the request, never a path, a query or an
address. Answers of the event loop, from memory and from the disk cache, are not traced.
"""

import time
from typing import Any

from flask import Flask, Response, g, request

from avenue import __version__
from avenue.web.requestlog import request_id

NAME = "avenue"
NO_ROUTE = "no route"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "_OTHER"  # the semantic conventions for HTTP spans name an unknown method so


def trace_requests(app: Flask) -> None:
    """Start a span for each request of `app`, below the caller's span if one is given."""
    from opentelemetry import context, metrics, propagate, trace
    from opentelemetry.semconv.attributes import http_attributes as names

    tracer = trace.get_tracer(NAME, __version__)
    durations = metrics.get_meter(NAME, __version__).create_histogram(
        "http.server.request.duration", unit="s", description="Duration of HTTP server requests."
    )

    def begin() -> None:
        rule = request.url_rule.rule if request.url_rule else NO_ROUTE
        method = request.method if request.method in METHODS else OTHER_METHOD
        facts: dict[str, Any] = {names.HTTP_REQUEST_METHOD: method, names.HTTP_ROUTE: rule}
        span = tracer.start_span(
            f"{method} {rule}",
            context=propagate.extract(request.headers),
            kind=trace.SpanKind.SERVER,
            attributes={**facts, "avenue.request.id": request_id()},
        )
        token = context.attach(trace.set_span_in_context(span))
        g.trace = (span, token, facts, time.monotonic())

    def note(response: Response) -> Response:
        if "trace" in g:
            span, _, facts, _ = g.trace
            facts[names.HTTP_RESPONSE_STATUS_CODE] = response.status_code
            span.set_attribute(names.HTTP_RESPONSE_STATUS_CODE, response.status_code)
            if response.status_code >= 500:  # noqa: PLR2004
                span.set_status(trace.StatusCode.ERROR)
        return response

    def end(_: BaseException | None) -> None:
        if "trace" in g:
            span, token, facts, began_at = g.pop("trace")
            durations.record(time.monotonic() - began_at, facts)
            span.end()
            context.detach(token)

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(note)
    app.teardown_request(end)
