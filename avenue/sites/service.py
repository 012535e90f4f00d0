"""Use cases of administrators and operators for sites."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from avenue.config import Settings
from avenue.errors import Forbidden, sentence
from avenue.identity import DEFAULT_SITE, HOME_CLUSTER, Actor, Limit, Role, Site, SiteState
from avenue.media.categories import DEFAULTS
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Incoming, Refusal, UploadRequest, UploadResult
from avenue.media.intake.policy import UploadPolicy
from avenue.media.models import Asset, State
from avenue.sites.addresses import checked_base_url, checked_host, host_of, spellings
from avenue.sites.bodies import MOST_CATEGORIES, MOST_HOSTS
from avenue.sites.errors import (
    HostNotGiven,
    HostTaken,
    InvalidHost,
    LimitTooHigh,
    NoSuchCluster,
    OneLogoOnly,
    RevisionConflict,
    SiteNotFound,
    TooManyCategories,
)
from avenue.sites.store import SiteStore
from avenue.storage.holders import Amount
from avenue.storage.room import site_quota, user_quota
from avenue.storage.sites import Sites
from avenue.theme import Theme

CHANGE_TRIES = 5
MB = 1024 * 1024
QUOTAS = {
    "quota_mb": ("bytes", MB),
    "quota_files": ("files", 1),
    "user_quota_mb": ("user_bytes", MB),
    "user_quota_files": ("user_files", 1),
}
"""The stored field of each quota, and how many stored units one of it is."""
OF_THE_DEPLOYMENT = frozenset({"quota_mb", "quota_files"})
Changes = Mapping[str, Any]
"""The given fields of `bodies.SiteChanges`, without `revision`."""


class SiteService:
    """The sites of the deployment.

    `known` is this process's cache, which is cleared after a change.

    Other processes see a change within `AVENUE_CACHE_SECONDS`.
    """

    def __init__(
        self,
        store: SiteStore,
        known: Sites,
        settings: Settings,
        lightest: Callable[[], str] = lambda: HOME_CLUSTER,
    ) -> None:
        """`lightest` returns the cluster for a new site for which none is named."""
        self._store = store
        self._lightest = lightest
        self._known = known
        self._settings = settings
        self._deployment_hosts = spellings(host_of(settings.base_url))

    def get(self, actor: Actor) -> Site:
        """Return the actor's site, not from the cache."""
        return self.site(actor.site.id)

    def change(self, actor: Actor, changes: Changes, revision: int | None) -> Site:
        """Change the actor's site; raise `RevisionConflict` when `revision` is outdated.

        Only superusers may set hosts and quotas; others may only set an address whose host already
        belongs to the site. Raise `HostNotGiven`, `HostTaken`, `InvalidHost`, `LimitTooHigh` or
        `TooManyCategories`.
        """
        actor.must_have(Role.ADMIN)
        of_the_deployment = "hosts" in changes or OF_THE_DEPLOYMENT & set(changes.get("limits", {}))
        if of_the_deployment and not actor.superuser:
            raise Forbidden(sentence("Only a superuser can change hosts and the quota."))
        return self.change_site(actor.site.id, changes, revision, may_add_hosts=actor.superuser)

    def every(self, actor: Actor) -> list[Site]:
        """Return all sites of the deployment, for superusers."""
        _require_superuser(actor)
        return self.sites()

    def add(self, actor: Actor, site_id: str, values: Changes) -> Site:
        """Add a site to the deployment, for superusers; see `add_site`."""
        _require_superuser(actor)
        return self.add_site(site_id, values)

    def limits(self, site: Site) -> dict[str, int]:
        """Return the limits in force on `site` by name; a quota of 0 is none."""
        most, of_site, of_user = _deployment_limits(self._settings), *self.quotas(site)
        return {
            **{limit: site.limit(limit, most[limit]) for limit in Limit},
            "quota_mb": of_site.bytes // MB,
            "quota_files": of_site.files,
            "user_quota_mb": of_user.bytes // MB,
            "user_quota_files": of_user.files,
        }

    def quotas(self, site: Site) -> tuple[Amount, Amount]:
        """Return the quotas of `site` and of one person in it; 0 is no quota."""
        return site_quota(site, self._settings), user_quota(site, self._settings)

    def most(self) -> dict[Limit, int]:
        """Return the upper bound of each limit of a site, as set for the deployment."""
        return _deployment_limits(self._settings)

    # For commands (`python -m avenue site …`)

    def site(self, site_id: str) -> Site:
        """Return one site, not from the cache; raise `SiteNotFound`."""
        found = self._store.get(site_id)
        if found is None:
            raise SiteNotFound
        return found

    def sites(self) -> list[Site]:
        """Return all sites, by id."""
        return self._store.every()

    def change_site(
        self,
        site_id: str,
        changes: Changes,
        revision: int | None = None,
        *,
        may_add_hosts: bool = True,
    ) -> Site:
        """Change any site, hosts and quota too; raises as `change`, or `SiteNotFound`."""
        for _ in range(CHANGE_TRIES):
            site = self.site(site_id)
            if revision is not None and site.revision != revision:
                break
            if not may_add_hosts:
                self._check_own_host(site, changes.get("base_url"))
            changed = self._store.change(site, self._values(site, changes))
            if changed:
                self._known.forget()
                return changed
        raise RevisionConflict

    def add_site(self, site_id: str, values: Changes, *, state: SiteState = SiteState.OPEN) -> Site:
        """Add a site with `base_url` and optionally `name`, `locale`, more `hosts` and a `cluster`.

        Raise `SiteExists`, `HostTaken`, `InvalidHost` or `NoSuchCluster`.
        """
        cluster = values.get("cluster") or self._lightest()
        if cluster not in {HOME_CLUSTER, *self._settings.clusters}:
            raise NoSuchCluster
        base_url = checked_base_url(values["base_url"])
        hosts = self._hosts(site_id, base_url, map(checked_host, values.get("hosts", ())))
        added = self._store.add(
            site_id,
            {
                "name": values.get("name") or site_id,
                "locale": values.get("locale", "es"),
                "base_url": base_url,
                "hosts": hosts,
                **({} if state is SiteState.OPEN else {"state": state.value}),
                **({} if cluster == HOME_CLUSTER else {"cluster": cluster}),
            },
        )
        self._known.forget()
        return added

    def _values(self, site: Site, changes: Changes) -> dict[str, Any]:
        """Return the stored fields after `changes` of `site`; None removes one."""
        values = {name: changes[name] for name in ("name", "locale") if name in changes}
        if "colors" in changes:
            colors = {**site.colors, **changes["colors"]}
            values["colors"] = {name: each for name, each in colors.items() if each} or None
        values |= _appearance_values(site, changes)
        if "second_factor_roles" in changes:
            roles = sorted(set(changes["second_factor_roles"]))
            values["second_factor_roles"] = [role.value for role in roles] or None
        if "status_page" in changes:
            values["status_page"] = changes["status_page"] or None
        if "limits" in changes:
            values |= self._limit_values(site, changes["limits"])
        if "upload_categories" in changes:
            values["upload_categories"] = self._categories(site, changes["upload_categories"])
        if "base_url" in changes or "hosts" in changes:
            values |= self._address_values(site, changes)
        return values

    def _limit_values(self, site: Site, given: Mapping[str, int | None]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, (stored, unit) in QUOTAS.items():
            if name in given:
                quota = given[name]
                values[f"quotas.{stored}"] = None if quota is None else quota * unit
        own: dict[Limit, int | None] = {**site.limits}
        for limit, most in _deployment_limits(self._settings).items():
            if limit in given:
                own[limit] = wanted = given[limit]
                if wanted is not None and wanted > most:
                    raise LimitTooHigh(limit=limit, most=most)
        values["limits"] = {limit.value: each for limit, each in own.items() if each} or None
        return values

    def _categories(
        self, site: Site, given: Mapping[str, Mapping[str, Any] | None]
    ) -> dict[str, Any] | None:
        """Return the site's categories of uploads after the change.

        Return None if it has none of its own.
        """
        own = dict(site.upload_categories)
        for name, changed in given.items():
            fields = {**own.pop(name, {}), **(changed or {})}
            said = {field: value for field, value in fields.items() if value is not None}
            if changed is not None and (said or name not in DEFAULTS):
                own[name] = said
        most_mb = max((each.get("max_mb") or 0 for each in own.values()), default=0)
        if most_mb > self._settings.max_tus_mb:
            raise LimitTooHigh(limit="max_mb", most=self._settings.max_tus_mb)
        if len(own) > MOST_CATEGORIES:
            raise TooManyCategories(most=MOST_CATEGORIES)
        return own or None

    def _address_values(self, site: Site, changes: Changes) -> dict[str, Any]:
        """Return address and hosts; the hosts of the earlier address are kept."""
        wanted = changes.get("base_url", site.base_url)
        if wanted is None and site.id != DEFAULT_SITE:
            raise InvalidHost(
                sentence("Only the default site can take its address from the server settings.")
            )
        base_url = checked_base_url(wanted or self._settings.base_url)
        before = map(checked_host, changes["hosts"]) if "hosts" in changes else site.hosts
        hosts = self._hosts(site.id, base_url, before)
        # The host in the settings belongs to the default site without being stored.
        stored = [host for host in hosts if host not in self._deployment_hosts]
        values: dict[str, Any] = {"hosts": stored or None}
        if "base_url" in changes:
            values["base_url"] = base_url if wanted else None
        return values

    def _check_own_host(self, site: Site, base_url: str | None) -> None:
        """Raise `HostNotGiven` unless the host of an address, if one is given, belongs to `site`.

        Anyone who could add a host could redirect the links in people's emails to it.
        """
        if base_url is None:
            return
        own = {*site.hosts, *(self._deployment_hosts if site.id == DEFAULT_SITE else ())}
        if host_of(checked_base_url(base_url)) not in own:
            raise HostNotGiven

    def _hosts(self, site_id: str, base_url: str, hosts: Iterable[str]) -> list[str]:
        """Return `hosts` without duplicates, always including the host of `base_url`."""
        found = list(dict.fromkeys([*hosts, host_of(base_url)]))
        if len(found) > MOST_HOSTS:
            raise InvalidHost(
                sentence("A site can have up to {most} hosts."), words={"most": MOST_HOSTS}
            )
        if site_id != DEFAULT_SITE and self._deployment_hosts & set(found):
            raise HostTaken
        return found


class LogoService:
    """The logos of sites: public pictures that belong to their site or its library."""

    def __init__(
        self, store: SiteStore, known: Sites, library: MediaLibrary, policy: UploadPolicy
    ) -> None:
        self._store = store
        self._known = known
        self._library = library
        self._policy = policy

    def policy(self, actor: Actor) -> UploadPolicy:
        """Return the upload policy for a logo of the actor's site."""
        return self._policy.on(actor.site)

    def of(self, actor: Actor, site: Site) -> Asset | None:
        """Return the logo of the actor's `site`, or None."""
        logo = self._store.logo(site.id)
        found = self._library.get_many(actor, [logo]).get(logo) if logo else None
        return found if found and found.state is State.LIVE else None

    def set(
        self, actor: Actor, incoming: Sequence[Incoming | Refusal], *, key: str | None
    ) -> UploadResult:
        """Make the received picture the logo; the earlier one goes to the trash.

        `key` is the Idempotency-Key. Raise the refusal when the picture was rejected.
        """
        actor.must_have(Role.ADMIN)
        site_id = actor.site.id
        site = self._store.get(site_id)
        logo = self.of(actor, site) if site else None
        order = UploadRequest(
            policy=self.policy(actor),
            target="logo",
            key=key,
            known={logo.current.source_sha256: logo} if logo else {},
            room=1,
            no_room=OneLogoOnly(),
        )
        with self._library.receiving(actor, order, incoming) as upload_result:
            self._store.set_logo(site_id, upload_result, by=actor.id)
        self._known.forget()
        upload_result.raise_if_empty()
        return upload_result

    def choose(self, actor: Actor, asset_id: str) -> tuple[Asset, bool]:
        """Make a picture of the site's library the logo; return it and whether it was a change.

        Raise `NotInLibrary`.
        """
        actor.must_have(Role.ADMIN)
        chosen = self._store.choose_logo(actor.site.id, asset_id, by=actor.id)
        self._known.forget()
        return chosen

    def remove(self, actor: Actor) -> None:
        """Remove the logo; a picture of the library stays there. Raise `LogoNotFound`."""
        actor.must_have(Role.ADMIN)
        self._store.remove_logo(actor.site.id, by=actor.id)
        self._known.forget()


def _deployment_limits(settings: Settings) -> dict[Limit, int]:
    """Return the upper bound of each limit of a site."""
    return {limit: getattr(settings, f"max_{limit}") for limit in Limit}


def _appearance_values(site: Site, changes: Changes) -> dict[str, Any]:
    """Return the stored fields for the appearance of public pages.

    Of a theme, only values that differ from the default are stored.
    """
    values: dict[str, Any] = {
        name: list(changes[name]) or None for name in ("menu", "legal") if name in changes
    }
    if "theme" in changes:
        usual, wanted = asdict(Theme()), {**asdict(site.theme), **changes["theme"]}
        own = {name: str(each) for name, each in wanted.items() if each not in {None, usual[name]}}
        values["theme"] = own or None
    if "contact" in changes:
        contact = {**site.contact, **changes["contact"]}
        values["contact"] = {name: each for name, each in contact.items() if each} or None
    if "sizes" in changes:
        values["sizes"] = dict(changes["sizes"]) or None
    if "edge_seconds" in changes:
        seconds = {**site.edge_seconds, **changes["edge_seconds"]}
        own_seconds = {name: each for name, each in seconds.items() if each is not None}
        values["edge_seconds"] = own_seconds or None
    return values


def _require_superuser(actor: Actor) -> None:
    if not actor.superuser:
        raise Forbidden(sentence("Only a superuser can see and add sites."))
