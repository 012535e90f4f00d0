"""Errors of ours to a service that speaks Sentry's protocol, where `SENTRY_DSN` names one.

What is logged as an error is sent: the type of the exception, files, lines and the code there, and
the route and the id of the request. No message of an exception, value, address, header or body goes
along, for they may hold what people sent (docs/operations.md).
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
"""How long a process that ends waits for what it has not sent yet."""


class TelemetryNotInstalled(Unavailable):
    """What sends errors and traces elsewhere is an extra."""

    code = "telemetry_not_installed"
    message = "SENTRY_DSN and OTEL_EXPORTER_OTLP_ENDPOINT need packages that are not installed."
    hint = "Run `pip install --require-hashes -r requirements-telemetry.txt`."


def report_errors(dsn: str, environment: str) -> Callable[[], None]:
    """Send what this process logs as errors, from now on.

    Return what sends the last of them before the process ends. Raise `ImportError` without
    sentry-sdk, which is an extra.
    """
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=f"avenue@{__version__}",
        server_name="",
        default_integrations=False,  # they look into requests, arguments and modules
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
    """Return an event of what may be told alone."""
    told = {name: event[name] for name in KEPT if name in event}
    template = event.get("logentry", {}).get("message")
    # As our code has it, without what was put in; libraries may have put it in themselves.
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
