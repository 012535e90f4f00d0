"""Sends logged errors to a Sentry-compatible service, if `SENTRY_DSN` is set.

An event contains the type of the exception, files, lines and code, and the route and the id of the
request. It contains no exception message, value, address, header or body, because they may contain
what people sent (docs/operations.md).
"""

from collections.abc import Callable
from typing import Any

from flask import has_request_context, request

from avenue import __version__
from avenue.errors import Unavailable
from avenue.web.requestlog import request_id

Event = dict[str, Any]
OURS = "avenue."
KEPT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk")
FRAME = ("module", "function", "lineno", "context_line", "pre_context", "post_context", "in_app")
UNDERSTOOD: Any = {"transport_compression_algo": "gzip"}
"""Not every receiver takes Brotli."""
END_SECONDS = 2
"""How long an ending process waits for unsent events."""


class TelemetryNotInstalled(Unavailable):
    """Sending errors and traces needs an extra that is not installed."""

    message = "SENTRY_DSN and OTEL_EXPORTER_OTLP_ENDPOINT need packages that are not installed."
    hint = "Run `pip install --require-hashes -r requirements-telemetry.txt`."


def report_errors(dsn: str, environment: str) -> Callable[[], None]:
    """Send the errors that this process logs, from now on.

    Return a function that sends the last of them before the process ends. Raise `ImportError`
    without sentry-sdk, which is an extra.
    """
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=f"avenue@{__version__}",
        server_name="",
        default_integrations=False,  # these inspect requests, arguments and modules
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None)],
        before_send=_without_values,
        include_local_variables=False,
        send_default_pii=False,
        max_breadcrumbs=0,
        _experiments=UNDERSTOOD,
    )
    return lambda: sentry_sdk.get_client().close(timeout=END_SECONDS)


def _without_values(event: Any, _: object) -> Any:
    """Return a copy of an event with the allowed facts only."""
    told = {name: event[name] for name in KEPT if name in event}
    template = event.get("logentry", {}).get("message")
    # The file names and lines of our code, without values; libraries may have added some.
    if isinstance(template, str) and str(event.get("logger")).startswith(OURS):
        told["logentry"] = {"message": template}
    raised = event.get("exception", {}).get("values", ())
    if raised:
        told["exception"] = {"values": [_exception(each) for each in raised]}
    told["tags"] = {"request_id": request_id()} if request_id() else {}
    if has_request_context():
        rule = request.url_rule
        told["transaction"] = f"{request.method} {rule.rule if rule else ''}".strip()
    return told


def _exception(raised: Event) -> Event:
    frames = raised.get("stacktrace", {}).get("frames", ())
    told = [{name: each[name] for name in FRAME if name in each} for each in frames]
    return {
        "type": raised.get("type"),
        "module": raised.get("module"),
        "mechanism": raised.get("mechanism"),
        "stacktrace": {"frames": told},
    }
