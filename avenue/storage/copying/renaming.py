"""Which records of a backup are restored, to which cluster, and under which site and hosts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avenue.identity import HOME_CLUSTER
from avenue.storage.connection import Document
from avenue.storage.copying.reading import bucket_of
from avenue.storage.schema import OUR_COLLECTIONS
from avenue.storage.site_data import SITE_COLLECTIONS

SITES = "sites"
OF_ONE_DEPLOYMENT = frozenset(
    {
        "jobs",
        "fsck_findings",
        "infra_metrics",
        "infra_alerts",
        "alert_choices",
        "push_subscriptions",
        "password_links",
        "backups",
        "notification_receivers",
        "house_notifications",
    }
)
"""Collections of the deployment, which are not restored with a single site."""
OF_ONE_NAME = frozenset(
    {
        "adopted",
        "findings",
        "inspections",
        "link_keys",
        "move_reports",
        "upload_tickets",
        "notifications",
        "webhook_events",
        "writes",
    }
)
"""Collections with immutable site ids, whose content is temporary or generated again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """Restores one site only, optionally with another id; and replaces hosts.

    `site` is None for all sites. `hosts` are from old to new. `clusters` are those of sites, by
    their old ids; sites that are missing go to home.
    """

    site: str | None = None
    becomes: str | None = None
    hosts: tuple[tuple[str, str], ...] = ()
    clusters: tuple[tuple[str, str], ...] = ()

    @property
    def new_id(self) -> str | None:
        """Return the new id of the site, None for all sites."""
        return self.becomes or self.site

    @property
    def is_needed(self) -> bool:
        """Whether anything is left out or changed, except the clusters of sites."""
        return self.site is not None or bool(self.hosts)

    def wants(self, collection: str) -> bool:
        """Return whether anything of a collection is restored."""
        if self.site is None:
            return True
        is_other_name = self.becomes not in {None, self.site}
        return collection not in OF_ONE_DEPLOYMENT and not (
            is_other_name and collection in OF_ONE_NAME
        )

    def renamed(self, collection: str, document: Document) -> Document | None:
        """Return a record for restoring, None if it is left out."""
        if collection == SITES:
            document = self._placed(self._hosts_of(document))
        if self.site is None:
            return document
        if collection == "users":
            return self._person(document)
        is_ours = collection in OUR_COLLECTIONS
        owner = document["_id"] if collection == SITES else _site_of(collection, document)
        if not is_ours or owner != self.site:
            return None
        return self._moved(document)

    def _person(self, document: Document) -> Document | None:
        roles = document.get("roles") or {}
        if self.site not in roles and not document.get("superuser"):
            return None
        kept = {self.new_id: roles[self.site]} if self.site in roles else {}
        return {**document, "roles": kept}

    def _moved(self, document: Document) -> Document:
        old, new = self.site, self.new_id
        moved = dict(document)
        if (own := moved["_id"]) == old:
            moved["_id"] = new
        elif isinstance(own, str) and own.startswith(f"{old}/"):
            moved["_id"] = f"{new}/{own.removeprefix(f'{old}/')}"
        if "site" in moved:
            moved["site"] = new
        if isinstance(metadata := moved.get("metadata"), dict) and "site" in metadata:
            moved["metadata"] = {**metadata, "site": new}
        return moved

    def _placed(self, document: Document) -> Document:
        """Return the record of a site with its cluster; a move in progress is dropped."""
        placed = {name: each for name, each in document.items() if name not in {"cluster", "move"}}
        cluster = dict(self.clusters).get(document["_id"], HOME_CLUSTER)
        return placed if cluster == HOME_CLUSTER else {**placed, "cluster": cluster}

    def _hosts_of(self, document: Document) -> Document:
        renamed, hosts = dict(self.hosts), document.get("hosts")
        changed = dict(document)
        if isinstance(hosts, list):
            changed["hosts"] = [renamed.get(each, each) for each in hosts]
        if isinstance(base_url := changed.get("base_url"), str):
            scheme, _, host = base_url.partition("://")
            changed["base_url"] = f"{scheme}://{renamed.get(host, host)}"
        return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The part of a backup for one cluster: data of `sites`, or with `but` all other data."""

    sites: frozenset[str] = frozenset()
    but: bool = True

    def wants(self, collection: str) -> bool:
        """Return whether any document of a collection is included."""
        return self.but or _is_of_sites(collection)

    def has(self, collection: str, document: Mapping[str, Any]) -> bool:
        """Return whether a document of a collection is included."""
        if not self.sites or not _is_of_sites(collection):
            return self.but
        owner = _site_of(collection, document)
        return (isinstance(owner, str) and owner in self.sites) is not self.but


def _site_of(collection: str, document: Mapping[str, Any]) -> object:
    if collection in SITE_COLLECTIONS or collection == "api_tokens":
        return document.get("site")
    own_id = document["_id"]
    return own_id.partition("/")[0] if isinstance(own_id, str) and "/" in own_id else None


def _is_of_sites(collection: str) -> bool:
    return collection in SITE_COLLECTIONS or bucket_of(collection) is not None
