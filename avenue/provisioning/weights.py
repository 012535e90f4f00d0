"""The weight of each site, from two snapshots: the newest and one of some weeks ago.

A site's weight is its largest share of any limited resource, relative to the heaviest site: bytes
on disks, bytes of renditions that caches should hold, requests, and writes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from avenue.health.history.snapshots.models import Snapshot

NOMINAL = (1.0, 0.4, 0.15)
"""The planned weights of a heavy, a medium and a light site."""
FORECAST_DAYS = 30
DAY_SECONDS = 86_400
LEAST_DAYS = 1.0
"""The shortest period that a forecast is based on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """The weight of a site. Bytes are of originals, `hot_bytes` of renditions.

    `requests` and `writes` are those between the two snapshots, None if they were not counted;
    `connections` is its share, by requests, of the connections of the database. `weight` is between
    0 and 1, `nominal` the nearest one of `NOMINAL`. `forecast_bytes` are its bytes in
    `FORECAST_DAYS`, if it grows as since the earlier snapshot; None if that is too recent.
    """

    site: str
    bytes: int
    files: int
    hot_bytes: int
    requests: int | None
    writes: int | None
    connections: float | None
    weight: float
    nominal: float
    forecast_bytes: int | None


def weights(sites: Iterable[str], newest: Snapshot, earlier: Snapshot | None) -> dict[str, Weight]:
    """Return the weight of each of `sites`."""
    known = sorted(sites)
    stored = _sums((each.site, each.bytes) for each in newest.stored)
    hot = _sums((each.site, each.bytes) for each in newest.renditions)
    files = _sums((each.site, each.files) for each in newest.stored)
    requests, writes = _traffic(newest, earlier)
    measures = [_of(known, stored), _of(known, hot), _of(known, requests), _of(known, writes)]
    shares = {site: max(_shares(each)[site] for each in measures) for site in known}
    heaviest = max(shares.values(), default=0) or 1
    forecast = _forecast(newest, earlier)
    by_requests = _shares(_of(known, requests))
    return {
        site: Weight(
            site=site,
            bytes=stored[site],
            files=files[site],
            hot_bytes=hot[site],
            requests=requests[site] if requests else None,
            writes=writes[site] if requests else None,
            connections=newest.connections_current * by_requests[site]
            if requests and newest.connections_current is not None
            else None,
            weight=round(shares[site] / heaviest, 3),
            nominal=min(NOMINAL, key=lambda each: abs(each - shares[site] / heaviest)),
            forecast_bytes=forecast.get(site),
        )
        for site in known
    }


def _sums(figures: Iterable[tuple[str, int]]) -> Counter[str]:
    """Return the sums of the figures of each site."""
    found: Counter[str] = Counter()
    for site, figure in figures:
        found[site] += figure
    return found


def _traffic(newest: Snapshot, earlier: Snapshot | None) -> tuple[Counter[str], Counter[str]]:
    """Return the requests and writes of each site between two snapshots."""
    before = earlier.sites if earlier else {}
    requests: Counter[str] = Counter()
    writes: Counter[str] = Counter()
    for site, now in newest.sites.items():
        then = before.get(site)
        requests[site] = now.requests - (then.requests if then else 0)
        writes[site] = now.writes - (then.writes if then else 0)
    is_anew = any(each < 0 for each in requests.values())
    return (Counter(), Counter()) if is_anew else (requests, writes)


def _forecast(newest: Snapshot, earlier: Snapshot | None) -> Mapping[str, int]:
    days = (newest.at - earlier.at).total_seconds() / DAY_SECONDS if earlier else 0
    if earlier is None or days < LEAST_DAYS or "stored" in {*newest.missing, *earlier.missing}:
        return {}
    now = _sums((each.site, each.bytes) for each in newest.stored)
    before = _sums((each.site, each.bytes) for each in earlier.stored)
    return {
        site: max(0, round(now[site] + (now[site] - before[site]) * FORECAST_DAYS / days))
        for site in before
    }


def _of(sites: Iterable[str], counts: Mapping[str, int]) -> dict[str, int]:
    return {site: counts.get(site, 0) for site in sites}


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {site: count / total if total else 0.0 for site, count in counts.items()}
