"""Sends errors to Sentry-compatible services, and traces and durations to OpenTelemetry.

The libraries are an extra (requirements-telemetry.txt), loaded only with `SENTRY_DSN` or
`OTEL_EXPORTER_OTLP_ENDPOINT`.
"""

import atexit

from flask import Flask

from avenue import __version__
from avenue.config import Settings
from avenue.storage.tracing import trace_commands
from avenue.web.error_reporting import TelemetryNotInstalled, report_errors
from avenue.web.tracing import NAME, trace_requests


def send_telemetry(settings: Settings) -> None:
    """Send this process's errors and traces until it ends, if `settings` name a receiver.

    Call it before the first database client is created, and after the last fork. Raise
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
    """Start a span for each request of `app`, if spans are sent."""
    if settings.otlp_endpoint:
        trace_requests(app)


def _send_spans() -> None:
    """Send spans and durations, configured by OpenTelemetry's standard variables."""
    from opentelemetry import metrics, trace
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    said = Resource.create()  # configured by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
    ours = Resource({SERVICE_NAME: NAME, SERVICE_VERSION: __version__})
    is_named = not str(said.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    resource = ours.merge(said) if is_named else said.merge(ours)
    # Each sends the rest when the process ends.
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracers)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))
