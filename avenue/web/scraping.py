"""`/metrics`: the metrics of this instance for Prometheus, summed over its worker processes.

gunicorn's configuration gives the workers a folder for their counts; without one (a single process)
they are in memory. The state of the job queue is read from the database; it is the same for all
instances, and left out while the database is unreachable.
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
"""How long the state of the queue is cached: scrapers may ask at any rate."""


class Queue(Protocol):
    """The jobs of one kind.

    `due` wait for a runner, `later` for their time, `failed` were given up. A periodic one counts
    as failed if its last run failed; `finished_at` is the end of that run.
    """

    @property
    def kind(self) -> str:
        """Return the kind."""

    @property
    def due(self) -> int:
        """Return the number of jobs that could run."""

    @property
    def later(self) -> int:
        """Return the number of jobs that are not due yet."""

    @property
    def running(self) -> int:
        """Return the number of running jobs."""

    @property
    def failed(self) -> int:
        """Return the number of failed jobs."""

    @property
    def finished_at(self) -> datetime | None:
        """Return when the periodic one last ended."""


Queues = Callable[[], Iterable[Queue]]


def count_with_others() -> None:
    """Let this process use the folder of its instance; call it before anything is counted.

    `serve` has imported this before gunicorn.conf.py named the folder.
    """
    if values.ValueClass is values.MutexValue:
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def install(app: Flask, queues: Queues) -> None:
    """Let `app` answer `/metrics`; `queues` reads the database and may raise `AvenueError`."""
    app.extensions[EXTENSION] = _Queues(queues)
    app.register_blueprint(blueprint)


@blueprint.get("/metrics")
@guards_itself(Role.OPS)
@described(replies={200: Reply({"text/plain": str}, "Counters in Prometheus' text format.")})
def show() -> Response:
    """Show the counters: to this machine itself, or by token to operators of the deployment."""
    admit_operator()
    queues = CollectorRegistry()
    queues.register(current_app.extensions[EXTENSION])
    text = counted() + generate_latest(queues)
    response = Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)
    response.headers["Cache-Control"] = "no-store"
    return response


def counted() -> bytes:
    """Return the counts of all worker processes; without a folder, those of this one."""
    folder = metrics_folder()
    if folder is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    registry.register(ProcessCounts(folder))
    return generate_latest(registry)


class _Queues:
    """The queue of jobs as metrics, cached for `KNOWN_SECONDS`."""

    def __init__(self, ask: Queues) -> None:
        self._ask = ask
        self._known: list[Queue] = []
        self._good_until = float("-inf")

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, none while the database is unreachable."""
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
