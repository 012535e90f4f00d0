"""Errors and traces arrive where the settings say, and tell nothing that people sent."""

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from avenue.app.telemetry import send_telemetry
from avenue.config import Settings
from avenue.web.error_reporting import TelemetryNotInstalled
from tests.mongod import Guard, client_of
from tests.server import Server, prepare
from tests.waiting import wait_until

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SECRET = "zapatilla-secreta"
ROUTE = "GET /api/shop/products/<product_id>"


class Collector:
    """Takes what is sent and keeps it."""

    def __init__(self) -> None:
        self.came: list[tuple[str, bytes]] = []
        keep = self.came.append

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_packed = self.headers.get("Content-Encoding") == "gzip"
                keep((self.path, gzip.decompress(body) if is_packed else body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    def of(self, path: str) -> list[bytes]:
        return [body for where, body in [*self.came] if where.startswith(path)]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


def errors(collector: Collector) -> list[Any]:
    """The events of Sentry's envelopes that are of the route."""
    lines = [line for body in collector.of("/api/1/envelope") for line in body.splitlines()]
    return [each for each in map(json.loads, lines) if each.get("transaction") == ROUTE]


def spans(collector: Collector) -> list[Any]:
    found = map(ExportTraceServiceRequest.FromString, collector.of("/v1/traces"))
    scopes = [scope for each in found for one in each.resource_spans for scope in one.scope_spans]
    return [span for scope in scopes for span in scope.spans]


def test_an_error_and_a_trace_arrive_and_tell_nothing_that_people_sent(
    guard: Guard, migrated_uri: str, collector: Collector
) -> None:
    prepare(migrated_uri)
    environment = {
        "SENTRY_DSN": f"http://a1b2c3@{collector.host}/1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.host}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with Server(guard, migrated_uri, **environment) as server:
        seller = server.seller()
        product = seller.create_product(SECRET)
        with client_of(migrated_uri) as client:
            products = client.get_default_database()["shop_products"]
            products.update_one({"_id": product}, {"$set": {"images": SECRET}})
        path = f"/api/shop/products/{product}"
        named = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01", "Cookie": f"s={SECRET}"}
        answer = seller.request("GET", f"{path}?s={SECRET}", headers=named)
        assert answer.status == 404  # who is no administrator is told of nothing
        wait_until(lambda: bool(errors(collector)), "the error")
        wait_until(
            lambda: any(each.trace_id.hex() == TRACE_ID for each in spans(collector)), "the span"
        )
    (error,) = errors(collector)
    assert error["exception"]["values"][-1]["type"] == "MalformedRecord"
    assert error["tags"]["request_id"] == answer.headers["X-Request-ID"]
    frames = error["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["module"].startswith("avenue.")
    of_request = [each for each in spans(collector) if each.trace_id.hex() == TRACE_ID]
    by_name = {each.name: each for each in of_request}
    request = by_name[ROUTE]
    assert by_name["find shop_products"].parent_span_id == request.span_id
    facts = {each.key: each.value for each in request.attributes}
    assert facts["http.response.status_code"].int_value == 404
    sent = b"".join(body for _, body in collector.came)
    for each in (SECRET, seller.token, product, "127.0.0.1:"):
        assert each.encode() not in sent, each
    # What had not been sent yet is when the process ends.
    assert any(
        metric.name == "http.server.request.duration"
        for body in collector.of("/v1/metrics")
        for one in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in one.scope_metrics
        for metric in scope.metrics
    )


def test_without_the_packages_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(TelemetryNotInstalled):
        send_telemetry(
            Settings(mongodb_uri="mongodb://127.0.0.1/x", sentry_dsn="http://a@localhost/1")
        )
