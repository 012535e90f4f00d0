"""`/metrics`: what this instance has counted, for Prometheus, summed over its worker processes.

gunicorn's configuration gives the workers a folder in which each keeps its counts; without one (a
single process) they are in memory. How the queue of jobs stands is asked of the database; it is
the same for all instances, and left out while the database is away.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

from flask import Blueprint, Flask, Response, current_app
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from avenue.config import metrics_folder
from avenue.errors import AvenueError
from avenue.identity import Role
from avenue.web.auth import guards_itself
from avenue.web.describing import Reply, described
from avenue.web.operators import admit_operator
from avenue.web.process_counts import ProcessCounts

blueprint = Blueprint("metrics", __name__)
EXTENSION = "avenue.scraping"
KNOWN_SECONDS = 10.0
"""How long what the queue was like is shown again: several scrapers may ask at any rate."""


class Queue(Protocol):
    """How the jobs of one kind stand.

    `due` wait for a runner, `later` for their time, `failed` were given up. A periodic one counts
    as failed while its last run was; `finished_at` is when that ended.
    """

    @property
    def kind(self) -> str:
        """What they do."""

    @property
    def due(self) -> int:
        """How many could run."""

    @property
    def later(self) -> int:
        """How many are not due yet."""

    @property
    def running(self) -> int:
        """How many run."""

    @property
    def failed(self) -> int:
        """How many have failed."""

    @property
    def finished_at(self) -> datetime | None:
        """When the periodic one ended last."""


Queues = Callable[[], Iterable[Queue]]


def count_with_others() -> None:
    """Let this process count where all of its instance do; before it counts anything.

    `serve` has imported this before gunicorn.conf.py named their folder.
    """
    if values.ValueClass is values.MutexValue:
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def install(app: Flask, queues: Queues) -> None:
    """Let `app` answer `/metrics`; `queues` asks the database and may raise `AvenueError`."""
    app.extensions[EXTENSION] = _Queues(queues)
    app.register_blueprint(blueprint)


@blueprint.get("/metrics")
@guards_itself(Role.OPS)
@described(replies={200: Reply({"text/plain": str}, "Counters in Prometheus' text format.")})
def show() -> Response:
    """Show the counters: to this machine itself, or by token to the house's own operators."""
    admit_operator()
    queues = CollectorRegistry()
    queues.register(current_app.extensions[EXTENSION])
    text = counted() + generate_latest(queues)
    response = Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)
    response.headers["Cache-Control"] = "no-store"
    return response


def counted() -> bytes:
    """Return what all worker processes counted; where there is no folder, what this one did."""
    folder = metrics_folder()
    if folder is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    registry.register(ProcessCounts(folder))
    return generate_latest(registry)


class _Queues:
    """The queue of jobs as metrics; what was learnt is good for `KNOWN_SECONDS`."""

    def __init__(self, ask: Queues) -> None:
        self._ask = ask
        self._known: list[Queue] = []
        self._good_until = float("-inf")

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, none while the database is away."""
        if time.monotonic() >= self._good_until:
            try:
                self._known = list(self._ask())
            except AvenueError:
                self._known = []
            self._good_until = time.monotonic() + KNOWN_SECONDS
        if not self._known:
            return
        jobs = GaugeMetricFamily(
            "avenue_jobs",
            "Jobs of the whole deployment, by how they stand.",
            labels=("kind", "state"),
        )
        ends = GaugeMetricFamily(
            "avenue_job_finished_timestamp_seconds",
            "When a periodic job of the whole deployment ended last.",
            labels=("kind",),
        )
        for each in self._known:
            for state in ("due", "later", "running", "failed"):
                jobs.add_metric((each.kind, state), getattr(each, state))
            if each.finished_at:
                ends.add_metric((each.kind,), each.finished_at.timestamp())
        yield from (jobs, ends)
