"""Errors, traces and durations to services that speak Sentry's protocol and OpenTelemetry's.

What it takes is an extra (requirements-telemetry.txt), and nothing of it is loaded without
`SENTRY_DSN` or `OTEL_EXPORTER_OTLP_ENDPOINT`.
"""

import atexit

from flask import Flask

from avenue import __version__
from avenue.config import Settings
from avenue.storage.tracing import trace_commands
from avenue.web.error_reporting import TelemetryNotInstalled, report_errors
from avenue.web.tracing import NAME, trace_requests


def send_telemetry(settings: Settings) -> None:
    """Have this process send errors and traces until it ends, where `settings` say to whom.

    Call it before the first client of a database is made, and after the last fork. Raise
    `TelemetryNotInstalled`.
    """
    try:
        if settings.sentry_dsn:
            atexit.register(report_errors(settings.sentry_dsn, settings.sentry_environment))
        if settings.otlp_endpoint:
            _send_spans()
            trace_commands()
    except ImportError:
        raise TelemetryNotInstalled from None


def trace(app: Flask, settings: Settings) -> None:
    """Begin a span for each request of `app`, if they are sent anywhere."""
    if settings.otlp_endpoint:
        trace_requests(app)


def _send_spans() -> None:
    """Send spans and durations as the standard variables of OpenTelemetry say."""
    from opentelemetry import metrics, trace
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    said = Resource.create()  # by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
    ours = Resource({SERVICE_NAME: NAME, SERVICE_VERSION: __version__})
    is_named = not str(said.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    resource = ours.merge(said) if is_named else said.merge(ours)
    # Each ends what it has not sent yet when the process ends.
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracers)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))
