"""The counts of this process, from the counters of `/metrics`."""

import math
from collections import Counter as Tally
from collections.abc import Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.samples import Sample

from avenue.health.history.traffic.models import Counts, SiteTraffic
from avenue.web import metrics

FIRST_ERROR = 500


def counted() -> Counts:
    """Return the counts of this process alone, including the fast lane's."""
    requests = errors = 0
    for each in _samples(metrics.requests, "_total"):
        requests += int(each.value)
        if int(each.labels["status"]) >= FIRST_ERROR:
            errors += int(each.value)
    sent = sum(int(each.value) for each in _samples(metrics.sent_bytes, "_total"))
    sites = {
        site: SiteTraffic(requests=answers, writes=writes)
        for site, (answers, writes) in metrics.by_site().items()
    }
    return Counts(requests=requests, errors=errors, sent_bytes=sent, took=_took(), sites=sites)


def _took() -> dict[float, int]:
    """Return the numbers of requests by time, each in one bucket of the histogram only."""
    at_most: Tally[float] = Tally()
    for each in _samples(metrics.seconds, "_bucket"):
        at_most[_microseconds(each.labels["le"])] += int(each.value)
    took, before = {}, 0
    for bound in sorted(at_most):
        took[bound] = at_most[bound] - before
        before = at_most[bound]
    return took


def _microseconds(bound: str) -> float:
    seconds = float(bound)
    return seconds if math.isinf(seconds) else round(seconds * 1_000_000)


def _samples(metric: Counter | Histogram, suffix: str) -> Iterator[Sample]:
    for family in metric.collect():
        yield from (each for each in family.samples if each.name.endswith(suffix))
