"""Commands about sites: `site show|set|list|add`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from avenue.app.services import audit_service, site_service
from avenue.audit.service import AuditService
from avenue.cli.context import as_json, database_of, local, of_site, say, settings_in_force
from avenue.identity import Site
from avenue.media.store.assets import AssetStore
from avenue.sites.bodies import NewSite, SiteChanges
from avenue.sites.presenting import house_json
from avenue.sites.replies import HouseSite
from avenue.sites.service import SiteService
from avenue.storage.connection import Database
from avenue.storage.schema import DEFAULT_SITE, Gate

M = TypeVar("M", bound=BaseModel)
LISTS = frozenset({"hosts", "types", "readers"})


@click.group()
def site() -> None:
    """Sites: name, address, colours, limits."""


@site.command()
@of_site
@local
@as_json
def show(*, site: str, is_local: bool, wants_json: bool) -> None:
    """Show a site with the limits in force."""
    with _house(is_local=is_local) as (sites, _, database):
        facts = _facts(sites, database, sites.site(site))
    say(wants_json, facts, _lines(facts))


@site.command(name="set")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE …")
@of_site
@local
@as_json
def set_values(*, changes: tuple[str, ...], site: str, is_local: bool, wants_json: bool) -> None:
    """Change what is given, as name=Zapatos colors.primary=#aa2200 limits.media_mb=5 hosts=a,b.

    Categories of uploads as upload_categories.orders.readers=seller,editor. An empty value takes a
    colour, a limit, a category or the default site's address away.
    """
    given = _checked(SiteChanges, _nested(changes)).model_dump(exclude_unset=True)
    revision = given.pop("revision", None)
    with _house(is_local=is_local) as (sites, audit, database):
        changed = sites.change_site(site, given, revision)
        audit.record_command(
            site, "site set", "site.changed", site, details={"fields": sorted(given)}
        )
        facts = _facts(sites, database, changed)
    say(wants_json, facts, _lines(facts))


@site.command(name="list")
@local
@as_json
def list_sites(*, is_local: bool, wants_json: bool) -> None:
    """List all sites."""
    with _house(is_local=is_local) as (sites, _, database):
        items = [_facts(sites, database, each) for each in sites.sites()]
    text = "\n".join(f"{each['id']}  {each['base_url']}  {each['name']}" for each in items)
    say(wants_json, {"items": items, "next": None, "total": len(items)}, text)


@site.command()
@click.argument("site_id", metavar="ID")
@click.option("--base-url", required=True, help="How the world reaches it: https://shop.example")
@click.option("--host", "hosts", multiple=True, help="Another host that leads to it.")
@click.option("--name", help="The id when left out.")
@click.option("--locale", default="es", show_default=True)
@local
@as_json
def add(
    *,
    site_id: str,
    base_url: str,
    hosts: tuple[str, ...],
    name: str | None,
    locale: str,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Add a site to the house."""
    values = {"base_url": base_url, "hosts": list(hosts), "name": name, "locale": locale}
    body = _checked(NewSite, {"id": site_id, **values})
    with _house(is_local=is_local) as (sites, audit, database):
        added = sites.add_site(body.id, body.model_dump(exclude={"id"}))
        audit.record_command(DEFAULT_SITE, "site add", "site.added", added.id)
        facts = _facts(sites, database, added)
    say(wants_json, facts, _lines(facts))


@contextmanager
def _house(*, is_local: bool) -> Iterator[tuple[SiteService, AuditService, Database]]:
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        Gate(database).pass_or_raise()
        yield site_service(settings, database), audit_service(settings, database), database


def _facts(sites: SiteService, database: Database, site: Site) -> HouseSite:
    logo = AssetStore(database).get(site.id, site.logo) if site.logo else None
    return house_json(site, sites.limits(site), logo)


def _nested(changes: Sequence[str]) -> dict[str, Any]:
    """Return `colors.primary=#112233` as `{"colors": {"primary": "#112233"}}`, and so on."""
    found: dict[str, Any] = {}
    for change in changes:
        name, sign, text = change.partition("=")
        if not sign:
            raise click.UsageError(f"{change!r} is not NAME=VALUE.")
        *outer, last = name.split(".")
        place = found
        for each in outer:
            place = place.setdefault(each, {})
            if not isinstance(place, dict):
                raise click.UsageError(f"{each} is given twice.")
        parts = [each for each in text.split(",") if each]
        place[last] = parts if last in LISTS and (parts or name in LISTS) else text or None
    return found


def _checked(model: type[M], values: dict[str, Any]) -> M:
    """Return `values` as a `model`, numbers read from text; a mistake is a sentence."""
    try:
        return model.model_validate(values, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise click.UsageError(f"{where}: {first['msg']}.") from None


def _lines(facts: HouseSite) -> str:
    shown = {**facts, "logo": facts["logo"]["url"] if facts["logo"] else None}
    return "\n".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value)}"
        for name, value in shown.items()
    )


COMMANDS = (site,)
