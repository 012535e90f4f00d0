"""A span for each command of the database, by OpenTelemetry.

It has the names of the command and the collection, never a filter, a document or a reply.
"""

from typing import TYPE_CHECKING, Any

from pymongo import monitoring

from avenue import __version__

if TYPE_CHECKING:
    from opentelemetry.trace import Span

NAME = "avenue"
MOST_AT_ONCE = 10_000
"""Commands whose end has not come; a connection that breaks may tell of none."""


def trace_commands() -> None:
    """Begin a span for each command of all clients that are made from now on."""
    monitoring.register(_CommandSpans())


class _CommandSpans(monitoring.CommandListener):
    def __init__(self) -> None:
        from opentelemetry import trace

        self._kind, self._error = trace.SpanKind.CLIENT, trace.StatusCode.ERROR
        self._tracer = trace.get_tracer(NAME, __version__)
        self._begun: dict[tuple[Any, int], Span] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if len(self._begun) >= MOST_AT_ONCE:
            return
        name, named = event.command_name, event.command.get(event.command_name)
        facts = {"db.system.name": "mongodb", "db.operation.name": name}
        if isinstance(named, str):  # a collection; some commands have none
            facts["db.collection.name"] = named
            name = f"{name} {named}"
        span = self._tracer.start_span(name, kind=self._kind, attributes=facts)
        self._begun[event.connection_id, event.request_id] = span

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        span = self._begun.pop((event.connection_id, event.request_id), None)
        if span is not None:
            span.end()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        span = self._begun.pop((event.connection_id, event.request_id), None)
        if span is not None:
            span.set_status(self._error)
            span.end()
