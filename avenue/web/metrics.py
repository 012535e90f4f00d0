"""`/metrics`: what this instance has answered, for Prometheus, summed over its worker processes.

Labels are routes, methods and statuses and never anything a client chooses. gunicorn's
configuration gives the workers a folder in which each keeps its counts; without one (a single
process) they are in memory.
"""

import ipaddress
import re
from http import HTTPMethod

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

from avenue.errors import Forbidden, Unauthenticated
from avenue.identity import Role
from avenue.web.auth import CHALLENGE, guards_itself, signed_in_actor
from avenue.web.describing import Reply, described
from avenue.web.hosts import KnowsSites

blueprint = Blueprint("metrics", __name__)
EXTENSION = "avenue.metrics"
NO_ROUTE = "none"
OTHER_METHOD = "other"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""What a request that came through somebody else says."""
PORT = re.compile(r":\d+$")

requests = Counter(
    "avenue_http_requests", "Requests answered.", ("method", "route", "status", "by")
)
sent_bytes = Counter("avenue_http_sent_bytes", "Bytes of bodies sent.", ("route",))
seconds = Histogram(
    "avenue_http_request_seconds",
    "From the first look at a request to the last byte of its answer; not of the fast lane.",
    ("route",),
    buckets=SECONDS,
)
lookups = Counter(
    "avenue_cache_lookups",
    "Looks of the application for bytes into the caches of its workers.",
    ("found",),
)


def install(app: Flask, sites: KnowsSites, house: str) -> None:
    """Let `app` answer `/metrics`; `house` is the id of the site its operators belong to."""
    if values.ValueClass is values.MutexValue:
        # `serve` has imported this before gunicorn.conf.py named the folder of all processes.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    app.extensions[EXTENSION] = (sites, house)
    app.register_blueprint(blueprint)


def count_request(
    method: str, route: str | None, status: int, *, by: str, sent: int, took: float
) -> None:
    """Count a request answered with `sent` bytes of body within `took` seconds `by` some layer."""
    known = method if method in HTTPMethod.__members__ else OTHER_METHOD
    route = route or NO_ROUTE
    requests.labels(known, route, status, by).inc()
    sent_bytes.labels(route).inc(sent)
    seconds.labels(route).observe(took)


def count_fast_lane(method: str, route: str, status: int, answers: int, sent: int) -> None:
    """Count `answers` the fast lane has given."""
    requests.labels(method, route, status, "fast_lane").inc(answers)
    sent_bytes.labels(route).inc(sent)


def count_lookup(*, found: bool) -> None:
    """Count a look into the cache."""
    lookups.labels("yes" if found else "no").inc()


@blueprint.get("/metrics")
@guards_itself(Role.OPS)
@described(replies={200: Reply({"text/plain": str}, "Counters in Prometheus' text format.")})
def show() -> Response:
    """Show the counters: to this machine itself, or by token to the house's own operators.

    Whatever came through a proxy is not this machine, even if the proxy runs on it.
    """
    if not _is_this_machine():
        _admit_operator()
    response = Response(generate_latest(_registry()), content_type=CONTENT_TYPE_PLAIN_0_0_4)
    response.headers["Cache-Control"] = "no-store"
    return response


def _registry() -> CollectorRegistry:
    """Return what all worker processes counted; where there is no folder, what this one did."""
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:
        return REGISTRY
    return registry


def _is_this_machine() -> bool:
    """Tell whether this machine asks for itself, by its own address.

    A proxy may say nothing of whom it speaks for, but then it passes a name on as `Host`.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    host = PORT.sub("", request.headers.get("Host", "")).lower()
    is_own = host == "localhost" or _is_loopback(host.removeprefix("[").removesuffix("]"))
    return is_own and _is_loopback(request.remote_addr or "")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _admit_operator() -> None:
    """Raise unless an operator or administrator of the house's own site asks, or a superuser."""
    sites, house = current_app.extensions[EXTENSION]
    g.site = sites.by_host(request.headers.get("Host", ""))
    if g.site is None:
        raise Unauthenticated(headers=CHALLENGE)
    actor = signed_in_actor()
    if not actor.superuser and not (actor.has_role(Role.OPS) and actor.site.id == house):
        raise Forbidden
