"""The sites of this deployment, found by the host of a request."""

import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from avenue.config import Settings
from avenue.errors import DATABASE_AWAY, NotFound, Unavailable, required
from avenue.identity import DEFAULT_SITE, Limit, Role, Site, SiteState
from avenue.storage.clusters import reachable
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.directory import cluster_in
from avenue.storage.records import sound
from avenue.storage.scope import deployment, site
from avenue.theme import contact_of, links_of, theme_of

SITES = "sites"
PROFILES = "site_profiles"
"""The collection of fields of a site that its transactions change; it is on the site's cluster."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
RETRY_SECONDS = 2
GLANCE_SECONDS = 2
"""How long the database is waited for if cached data is available."""
DEFAULT_PORTS = frozenset({"80", "443"})


class UnknownSite(NotFound):
    """There is no site with this name."""

    message = "There is no site with this name."
    hint = f"Enter the id of a site; the first one is `{DEFAULT_SITE}`."


class Sites:
    """Caches every site for `cache_seconds`, so that a request costs no query."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._collection = deployment(database).collection(SITES)
        self._settings = settings
        self._lock = threading.Lock()
        self._by_host: Mapping[str, Site] = {}
        self._by_id: Mapping[str, Site] = {}
        self._good_until = 0.0
        self._logos: dict[str, tuple[float, str | None]] = {}

    def by_host(self, host: str) -> Site | None:
        """Return the site of a `Host` header, or None. The match is exact, port included.

        Sites that are not open are returned, too.
        """
        self._refresh()
        return self._find(host)

    def at_hand(self, host: str) -> Site | None:
        """Return the site of a `Host` header if that takes no query, else None."""
        if time.monotonic() >= self._good_until and not self._database.is_away():
            return None
        found = self._find(host)
        return found if found and found.is_open else None

    def _find(self, host: str) -> Site | None:
        name = host.lower()
        if self._settings.local and _without_port(name) in LOOPBACK_NAMES:
            return self._by_id.get(DEFAULT_SITE)
        return self._by_host.get(name)

    def by_id(self, site_id: str) -> Site | None:
        """Return one site, or None."""
        self._refresh()
        return self._by_id.get(site_id)

    def all(self) -> list[Site]:
        """Return every site, except those that are being deleted."""
        self._refresh()
        return [each for each in self._by_id.values() if each.state is not SiteState.DELETING]

    def named(self, site_id: str) -> Site:
        """Return the site of this id, or raise `UnknownSite`."""
        return required(self.by_id(site_id), UnknownSite(site=site_id))

    def logo(self, site_id: str) -> str | None:
        """Return the asset id of the logo of a site, None if it has none."""
        logos = self._logos
        good_until, logo = logos.get(site_id, (0.0, None))
        if time.monotonic() >= good_until:
            logo = logo_in(profiles_of(self._database, site_id), site_id)
            logos[site_id] = (time.monotonic() + max(self._settings.cache_seconds, 1), logo)
        return logo

    def forget(self) -> None:
        """Query the database again at the next request, because a site was changed here."""
        self._logos = {}  # a read that began before the change is stored in the former cache
        with self._lock:  # behind a reading that may have begun before the change
            self._good_until = 0.0

    def _refresh(self) -> None:
        if time.monotonic() < self._good_until:
            return
        with self._lock:
            if time.monotonic() < self._good_until:
                return
            try:
                found = self._read()
            except Unavailable:
                if not self._by_id:
                    raise
                # What was known stays good while the database is away.
                self._good_until = time.monotonic() + RETRY_SECONDS
                return
            self._by_id = {each.id: each for each in found}
            self._by_host = {
                name: each for each in found for host in each.hosts for name in _spellings(host)
            }
            if found:  # a prepared database has one: this one is about to be
                self._good_until = time.monotonic() + max(self._settings.cache_seconds, 1)

    def _read(self) -> list[Site]:
        """Return every site; do not wait long when what was known will do."""
        if self._by_id and self._database.is_away():
            raise Unavailable(DATABASE_AWAY)
        seconds = GLANCE_SECONDS if self._by_id else self._database.read_seconds
        with self._database.deadline(seconds):
            found = self._collection.find({})
        self._database.directory.learn(found)
        return [site_from_document(each, self._settings) for each in found]

    def reachable(self) -> list[Site]:
        """Return the same sites as `all`, those left out whose cluster is away."""
        sites = self.all()
        there = reachable(self._database, [each.id for each in sites])
        return [each for each in sites if each.id in there]


def profiles_of(database: Database, site_id: str) -> Collection:
    """Return where the profile of a site is, under the id of the site."""
    return site(database, site_id).collection(PROFILES)


def logo_in(profiles: Collection, site_id: str) -> str | None:
    """Return the logo that a site's profile names, None for whatever else it says."""
    found = profiles.find_as_it_is({"_id": site_id}) or {}
    logo = found.get("logo")
    return logo if isinstance(logo, str) else None


def site_from_document(document: Document, settings: Settings) -> Site:
    """Return the site stored as `document`; what it leaves open the `settings` say.

    So they do of a field that is something else than it should be: a site is there for all that.
    """
    document = sound(SITES, document)
    hosts = list(document.get("hosts", []))
    if document["_id"] == DEFAULT_SITE:
        hosts.append(urlsplit(settings.base_url).netloc)
    own_limits, quotas = document.get("limits", {}), document.get("quotas", {})
    return Site(
        shows_variants=settings.pipeline_mode != "off",
        id=document["_id"],
        hosts=tuple(dict.fromkeys(host.lower() for host in hosts)),
        base_url=document.get("base_url") or settings.base_url,
        name=str(document.get("name") or document["_id"]),
        locale=document.get("locale", "es"),
        quota_bytes=quotas.get("bytes"),
        quota_files=quotas.get("files"),
        user_quota_bytes=quotas.get("user_bytes"),
        user_quota_files=quotas.get("user_files"),
        colors=document.get("colors", {}),
        limits={limit: own_limits[limit] for limit in Limit if limit in own_limits},
        upload_categories=document.get("upload_categories", {}),
        theme=theme_of(document.get("theme", {})),
        second_factor_roles=frozenset(map(Role, document.get("second_factor_roles", ()))),
        menu=links_of(document.get("menu", ())),
        legal=links_of(document.get("legal", ())),
        contact=contact_of(document.get("contact", {})),
        edge_seconds=document.get("edge_seconds", {}),
        sizes=document.get("sizes", {}),
        has_status_page=document.get("status_page", False),
        revision=document.get("revision", 1),
        state=SiteState(document.get("state", SiteState.OPEN)),
        cluster=cluster_in(document),
    )


def _spellings(host: str) -> tuple[str, ...]:
    """Return `host` and, when its port is a scheme's default, the host without it."""
    name, _, port = host.rpartition(":")
    return (host, name) if name and port in DEFAULT_PORTS else (host,)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
