"""The Prometheus metrics. docs/operations.md lists them; `web/scraping.py` shows them.

Labels are values of our own (routes, codes, kinds), never anything from a client. Each metric is
created with its first value, so none is without labels: that would be created on import, before it
is known where the processes of an instance store their counts.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from http import HTTPMethod
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

from avenue.errors import AvenueError, Unavailable

NO_ROUTE = "none"
OTHER_METHOD = "other"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
DECODE_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
JOB_SECONDS = (0.1, 1, 10, 60, 600, 3600)
POOL_SECONDS = (0.0001, 0.001, 0.01, 0.1, 1, 10)
OF_THE_LIVING: Literal["livesum"] = "livesum"
"""Gauges are summed over the running processes."""

requests = Counter(
    "avenue_http_requests", "Requests answered.", ("method", "route", "status", "by")
)
sent_bytes = Counter("avenue_http_sent_bytes", "Bytes of bodies sent.", ("route",))
seconds = Histogram(
    "avenue_http_request_seconds",
    "From the first look at a request to the last byte of its answer; of the fast lane only what "
    "it had to wait for to be read.",
    ("route",),
    buckets=SECONDS,
)
refusals = Counter(
    "avenue_refusals",
    "Requests refused, by the code in their answers; not by the fast lane.",
    ("code",),
)
refused_files = Counter(
    "avenue_refused_files", "Files of uploads that were not taken, by the code told.", ("code",)
)
scans = Counter(
    "avenue_scans",
    "Uploads that the scanner was asked about, by what became of them; `away`: it did not answer.",
    ("outcome",),
)
uncounted = Counter(
    "avenue_uncounted_requests",
    "Reads let through although their rate limit could not be counted.",
    ("kind",),
)
lookups = Counter(
    "avenue_cache_lookups",
    "Looks of the application for bytes into the caches of its workers.",
    ("found",),
)
decode_seconds = Histogram(
    "avenue_decode_seconds",
    "Seconds a decode process had a picture.",
    ("task", "outcome"),
    buckets=DECODE_SECONDS,
)
decode_wait_seconds = Histogram(
    "avenue_decode_wait_seconds",
    "Seconds a picture waited for a decode process.",
    ("task", "outcome"),
    buckets=DECODE_SECONDS,
)
decode_pictures = Gauge(
    "avenue_decode_pictures",
    "Pictures that wait for a decode process, or that one has, now.",
    ("task", "state"),
    multiprocess_mode=OF_THE_LIVING,
)
renditions = Counter("avenue_renditions_made", "Renditions made.", ("variant", "extension"))
swept = Counter("avenue_swept", "Things the sweeper removed.", ("what",))
job_runs = Counter("avenue_job_runs", "Runs of jobs in this instance.", ("kind", "outcome"))
job_seconds = Histogram(
    "avenue_job_seconds", "Seconds a run of a job took.", ("kind",), buckets=JOB_SECONDS
)
pool_connections = Gauge(
    "avenue_pool_connections",
    "Connections to MongoDB: open, and of these in use.",
    ("state",),
    multiprocess_mode=OF_THE_LIVING,
)
pool_wait_seconds = Histogram(
    "avenue_pool_wait_seconds",
    "Seconds a thread waited for a connection to MongoDB.",
    ("outcome",),
    buckets=POOL_SECONDS,
)


READS = frozenset({"GET", "HEAD", "OPTIONS"})
_of_sites: dict[str, tuple[int, int]] = {}
_counting_sites = threading.Lock()


def count_request(
    method: str, route: str | None, status: int, *, by: str, sent: int, took: float
) -> None:
    """Count a request answered by the layer `by`, with its `sent` bytes of body and seconds."""
    known = method if method in HTTPMethod.__members__ else OTHER_METHOD
    answered, sent_by_route, seconds_by_route = _of_requests(known, route or NO_ROUTE, status, by)
    answered.inc()
    sent_by_route.inc(sent)
    seconds_by_route.observe(took)


@lru_cache(maxsize=4096)  # looking them up was 3.7 of the 12.7 µs of counting
def _of_requests(
    method: str, route: str, status: int, by: str
) -> tuple[Counter, Counter, Histogram]:
    return (
        requests.labels(method, route, status, by),
        sent_bytes.labels(route),
        seconds.labels(route),
    )


def count_fast_lane(method: str, route: str, status: int, answers: int, sent: int) -> None:
    """Count `answers` of the fast lane."""
    requests.labels(method, route, status, "fast_lane").inc(answers)
    sent_bytes.labels(route).inc(sent)


def count_site(site: str, answers: int, *, is_write: bool = False) -> None:
    """Count answered requests of a site; writes are those that may change something."""
    with _counting_sites:
        known = _of_sites.get(site, (0, 0))
        _of_sites[site] = known[0] + answers, known[1] + (answers if is_write else 0)


def by_site() -> dict[str, tuple[int, int]]:
    """Return the requests of each site that this process has answered, and writes among them."""
    with _counting_sites:
        return dict(_of_sites)


def time_reading(route: str, took: float) -> None:
    """Count an answer of the fast lane that took `took` seconds to read."""
    seconds.labels(route).observe(took)


def count_refusal(code: str) -> None:
    """Count a request that was answered with the stable `code` of an error."""
    refusals.labels(code).inc()


def count_refused_file(code: str) -> None:
    """Count a refused file of an upload."""
    refused_files.labels(code).inc()


def count_scan(outcome: str) -> None:
    """Count a file sent to the scanner."""
    scans.labels(outcome).inc()


def count_uncounted(kind: str) -> None:
    """Count a request with a limit that was allowed without being counted."""
    uncounted.labels(kind).inc()


def count_lookup(*, found: bool) -> None:
    """Count a lookup in the cache."""
    lookups.labels("yes" if found else "no").inc()


def count_disk_hit() -> None:
    """Count a lookup that missed the memory and hit the disk cache."""
    lookups.labels("disk").inc()


@contextmanager
def waiting_to_decode(task: str) -> Iterator[None]:
    """Count a picture as waiting for a decode process, for the time of the block."""
    with _timed(decode_wait_seconds, task), _held(decode_pictures.labels(task, "waiting")):
        yield


@contextmanager
def decoding(task: str) -> Iterator[None]:
    """Count a picture as being decoded, for the time of the block."""
    with _timed(decode_seconds, task), _held(decode_pictures.labels(task, "open")):
        yield


def count_renditions(made: Iterable[tuple[str, str]]) -> None:
    """Count renditions, each by its variant and its extension."""
    for variant, extension in made:
        # A site's own sizes (`x600x800`) count together, because a site may change them at any
        # time.
        renditions.labels("own" if variant.startswith("x") else variant, extension).inc()


def count_swept(numbers: Mapping[str, int]) -> None:
    """Count what one round of the sweeper has deleted, by kind."""
    for what, number in numbers.items():
        swept.labels(what).inc(number)


def count_job(kind: str, outcome: str, took: float) -> None:
    """Count a run of a job that ended after `took` seconds."""
    job_runs.labels(kind, outcome).inc()
    job_seconds.labels(kind).observe(took)


class PoolMeter:
    """Counts the connections to MongoDB of this process; called twice for each command, so fast."""

    def __init__(self) -> None:
        self._open = pool_connections.labels("open")
        self._in_use = pool_connections.labels("in_use")
        self._lent = pool_wait_seconds.labels("lent")
        self._refused = pool_wait_seconds.labels("refused")

    def opened(self, change: int) -> None:
        """Count connections that were opened, or closed if `change` is negative."""
        self._open.inc(change)

    def lent(self, waited_seconds: float) -> None:
        """Count a connection lent to a thread."""
        self._in_use.inc()
        self._lent.observe(waited_seconds)

    def given_back(self) -> None:
        """Count a returned connection."""
        self._in_use.dec()

    def refused(self, waited_seconds: float) -> None:
        """Count a thread that got no connection."""
        self._refused.observe(waited_seconds)


@contextmanager
def _held(gauge: Gauge) -> Iterator[None]:
    gauge.inc()
    try:
        yield
    finally:
        gauge.dec()


@contextmanager
def _timed(histogram: Histogram, task: str) -> Iterator[None]:
    """Observe the seconds of the block, by `task` and outcome."""
    began_at, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "done"
    except Unavailable:
        outcome = "busy"
        raise
    except AvenueError:
        outcome = "refused"
        raise
    finally:
        histogram.labels(task, outcome).observe(time.perf_counter() - began_at)
