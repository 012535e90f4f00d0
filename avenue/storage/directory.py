"""On which cluster each site is, as this process knows it from the collection `sites`."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from avenue.identity import HOME_CLUSTER


class Directory:
    """Remembers the clusters of sites; what it says is good for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = max(seconds, 1)
        self._known: dict[str, tuple[str, float]] = {}

    def learn(self, sites: Iterable[Mapping[str, Any]]) -> None:
        """Take in the documents of all sites."""
        good_until = time.monotonic() + self._seconds
        self._known = {each["_id"]: (cluster_in(each), good_until) for each in sites}

    def note(self, site: Mapping[str, Any]) -> str:
        """Take in the document of one site; return its cluster."""
        cluster = cluster_in(site)
        self._known[site["_id"]] = cluster, time.monotonic() + self._seconds
        return cluster

    def known(self, site_id: str) -> str | None:
        """Return the cluster of a site, None where that was never learnt."""
        return self._known.get(site_id, (None, 0.0))[0]

    def is_fresh(self, site_id: str) -> bool:
        """Tell whether that is still to be relied on."""
        return time.monotonic() < self._known.get(site_id, ("", 0.0))[1]


def cluster_in(site: Mapping[str, Any]) -> str:
    """Return what the document of a site names as its cluster."""
    cluster = site.get("cluster", HOME_CLUSTER)
    return cluster if isinstance(cluster, str) else HOME_CLUSTER
