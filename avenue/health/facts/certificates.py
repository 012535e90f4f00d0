"""Expiry of the sites' certificates, as a browser outside would see them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from avenue.errors import AvenueError
from avenue.health.facts.store import FactStore
from avenue.identity import Site
from avenue.outside.certificates import good_until

CERTIFICATES = "certificates"
"""The kind of the job that checks the certificates."""
EVERY_SECONDS = 24 * 3600


class Certificates:
    """Checks the hosts of the sites, each one once."""

    def __init__(self, store: FactStore, ask: Callable[[str], datetime] = good_until) -> None:
        self._store = store
        self._ask = ask

    def look(self, sites: Iterable[Site]) -> Mapping[str, int]:
        """Fetch the certificates of open sites; if a host does not answer, its last one stays."""
        before, ends = self._store.certificates(), {}
        hosts: dict[str, datetime | None] = {}
        for site in sites:
            url = site.base_url
            if not site.is_open or urlsplit(url).scheme != "https":
                continue
            if url not in hosts:
                hosts[url] = self._asked(url)
            if found := hosts[url] or before.get(site.id):
                ends[site.id] = found
        self._store.keep_certificates(ends)
        return {"asked": len(hosts), "answered": sum(each is not None for each in hosts.values())}

    def _asked(self, url: str) -> datetime | None:
        try:
            return self._ask(url)
        except AvenueError:  # it leads to no public address, or nothing answered
            return None
