"""Commands about sites: `site show|set|list|add|clone|move|remove|reopen`."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from avenue.app.background import Background
from avenue.audit.service import AuditService
from avenue.cli.context import (
    as_json,
    draw,
    local,
    of_site,
    say,
    services_of,
)
from avenue.clock import iso
from avenue.identity import HOUSE, Actor, Site, command_actor
from avenue.jobs.models import Job
from avenue.media.store.assets import AssetStore
from avenue.moves.service import as_operator
from avenue.provisioning.presenting import move_json, move_text, weight_json, weight_text
from avenue.sites.bodies import NewSite, SiteChanges
from avenue.sites.cloning import CloneOrder, Part
from avenue.sites.moving import MoveService, Outlook
from avenue.sites.presenting import house_json
from avenue.sites.replies import HouseSite
from avenue.sites.service import SiteService
from avenue.storage.connection import Database
from avenue.storage.directory import Phase
from avenue.storage.schema import DEFAULT_SITE
from avenue.storage.sites import logo_in, profiles_of

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
    """List all sites with what they weigh: see docs/sites.md."""
    with services_of(is_local=is_local) as services:
        known, sites = services.sites, services.site_service
        actor = as_operator(command_actor(known.named(HOUSE)))
        found = services.provisioning.overview(actor)
        moves = services.site_moves.moves()
        items = [
            {
                **_facts(sites, services.database, each),
                "state": each.state,
                "due_at": iso(found.due[each.id]) if each.id in found.due else None,
                "weight": weight_json(found.weights.get(each.id)),
                "cluster": each.cluster,
                "move": move_json(moves.get(each.id)),
            }
            for each in found.sites
        ]
    lines = [
        f"{each.id}  {each.base_url}  {each.name}  {each.state}  "
        f"{weight_text(found.weights.get(each.id))}{move_text(moves.get(each.id))}"
        for each in found.sites
    ]
    say(wants_json, {"items": items, "next": None, "total": len(items)}, "\n".join(lines))


@site.command()
@click.argument("site_id", metavar="ID")
@click.option("--base-url", required=True, help="How the world reaches it: https://shop.example")
@click.option("--host", "hosts", multiple=True, help="Another host that leads to it.")
@click.option("--name", help="The id when left out.")
@click.option("--locale", default="es", show_default=True)
@click.option("--cluster", help="Where all it has is kept; else the lightest.")
@local
@as_json
def add(
    *,
    site_id: str,
    base_url: str,
    hosts: tuple[str, ...],
    name: str | None,
    locale: str,
    cluster: str | None,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Add a site to the house."""
    values = {"base_url": base_url, "hosts": list(hosts), "name": name, "locale": locale}
    values["cluster"] = cluster
    body = _checked(NewSite, {"id": site_id, **values})
    with _house(is_local=is_local) as (sites, audit, database):
        added = sites.add_site(body.id, body.model_dump(exclude={"id"}))
        audit.record_command(DEFAULT_SITE, "site add", "site.added", added.id)
        facts = _facts(sites, database, added)
    say(wants_json, facts, _lines(facts))


@site.command()
@click.argument("source", metavar="FROM")
@click.argument("site_id", metavar="ID")
@click.option("--base-url", required=True, help="How the world reaches it: https://shop.example")
@click.option("--host", "hosts", multiple=True, help="Another host that leads to it.")
@click.option(
    "--with", "parts", help=f"Which parts of it, separated by commas: {','.join(Part)}; else all."
)
@local
@as_json
def clone(
    *,
    source: str,
    site_id: str,
    base_url: str,
    hosts: tuple[str, ...],
    parts: str | None,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Make a site ID out of the site FROM, with copies of what it shows, under new ids.

    Killed, it goes on when it is run again. People keep their role if nobody else knows their
    password; others are counted. Exit code 1: it could not be done, for the reason that is printed.
    """
    named = parts.split(",") if parts is not None else [*Part]
    if wrong := sorted(set(named) - {*Part}):
        raise click.UsageError(f"--with takes {', '.join(Part)}, and not {', '.join(wrong)}.")
    body = _checked(NewSite, {"id": site_id, "base_url": base_url, "hosts": list(hosts)})
    order = CloneOrder(
        original=source,
        target=body.id,
        base_url=body.base_url,
        hosts=tuple(body.hosts),
        parts=frozenset(map(Part, named)),
    )
    with services_of(is_local=is_local) as services:
        settings, database, known = services.settings, services.database, services.sites
        actor = as_operator(command_actor(known.named(HOUSE)))
        begun = services.clones.clone(actor, order)
        services.audit.record_command(
            DEFAULT_SITE, "site clone", "site.added", site_id, details={"from": source}
        )
        job = Background(settings, database).finish(begun.id, draw)
    facts = {"site": site_id, "error": job.error, **(job.result or {})}
    say(wants_json, facts, _clone_lines(facts))
    sys.exit(1 if job.error else 0)


@site.command()
@click.argument("site_id", metavar="ID")
@click.option("--to", "target", metavar="CLUSTER", help="Where all it has is to be.")
@click.option("--now", is_flag=True, help="Delete at once what the cluster before still has.")
@click.option("--abort", is_flag=True, help="Undo a move that has not switched yet.")
@click.option("--dry-run", is_flag=True, help="Check whether it can be moved, and change nothing.")
@local
@as_json
def move(
    *,
    site_id: str,
    target: str | None,
    now: bool,
    abort: bool,
    dry_run: bool,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Move a site ID to another cluster while people use it: see docs/sites.md.

    Killed, it goes on when it is run again. For 24 hours the cluster before keeps what it had, so
    that moving back is quick; with --now that goes at once. Exit code 1: it waits, for the reason
    that is printed.
    """
    if (target is None) is not abort or (abort and (now or dry_run)):
        raise click.UsageError("Give either --to CLUSTER or --abort.")
    with services_of(is_local=is_local) as services:
        settings, database, known = services.settings, services.database, services.sites
        service = services.site_moves
        actor = as_operator(command_actor(known.named(HOUSE)))
        if dry_run:
            outlook = service.look(actor, site_id, target or "")
            say(wants_json, asdict(outlook), _outlook_line(outlook))
            return
        action = "site.move_undone" if abort else "site.moved"
        job = _begin_move(service, actor, site_id, target, now=now)
        services.audit.record_command(
            DEFAULT_SITE, "site move", action, site_id, details={"to": target or ""}
        )
        background = Background(settings, database)
        job = background.finish(job.id, draw)
        found = service.move_of(site_id)
        if now and not job.error and found and found.phase is Phase.KEPT:
            job = background.finish(service.purge(actor, site_id).id, draw)
            found = service.move_of(site_id)
        facts = {**(job.result or {}), "site": site_id, "error": job.error}
        facts |= {"cluster": known.named(site_id).cluster, "move": move_json(found)}
    facts["until"] = facts["move"]["until"] if facts["move"] else None
    say(wants_json, facts, _move_line(facts))
    sys.exit(1 if job.error else 0)


def _begin_move(
    service: MoveService, actor: Actor, site_id: str, target: str | None, *, now: bool
) -> Job:
    if target is None:
        return service.abort(actor, site_id)
    found = service.move_of(site_id)
    if now and found and found.target == target and found.phase in {Phase.KEPT, Phase.PURGING}:
        return service.purge(actor, site_id)
    return service.begin(actor, site_id, target)


def _outlook_line(outlook: Outlook) -> str:
    return (
        f"{outlook.site} can be moved from {outlook.origin} to {outlook.target}: "
        f"{outlook.documents} documents."
    )


def _move_line(facts: dict[str, Any]) -> str:
    if facts["error"]:
        return f"{facts['site']} is on {facts['cluster']}. The move waits: {facts['error']}"
    kept = f" It can be moved back until {facts['until']}." if facts["until"] else ""
    return f"{facts['site']} is on {facts['cluster']}.{kept}"


@site.command()
@click.argument("site_id", metavar="ID")
@click.option("--now", is_flag=True, help="Delete it at once, and wait for the end of that.")
@local
@as_json
def remove(*, site_id: str, now: bool, is_local: bool, wants_json: bool) -> None:
    """Remove a site: it closes now and is deleted in 7 days.

    Until then `site reopen` takes it back. With --now: what was deleted of each collection, and
    what is left there. Exit code 1: the deletion waits, for the reason that is printed.
    """
    with services_of(is_local=is_local) as services:
        settings, database, known = services.settings, services.database, services.sites
        service, house = services.removals, known.named(HOUSE)
        removed = service.remove(as_operator(command_actor(house)), site_id, now=now)
        services.audit.record_command(DEFAULT_SITE, "site remove", "site.removed", site_id)
        facts: dict[str, Any] = {"site": site_id, "due_at": iso(removed.due_at)}
        if removed.job:
            job = Background(settings, database).finish(removed.job.id, draw)
            facts |= {"error": job.error, **(job.result or {})}
    say(wants_json, facts, _removal_lines(facts))
    sys.exit(1 if facts.get("error") else 0)


@site.command()
@click.argument("site_id", metavar="ID")
@local
@as_json
def reopen(*, site_id: str, is_local: bool, wants_json: bool) -> None:
    """Take a removed site back, before it is deleted."""
    with services_of(is_local=is_local) as services:
        known = services.sites
        service, house = services.removals, known.named(HOUSE)
        site = service.reopen(as_operator(command_actor(house)), site_id)
        services.audit.record_command(DEFAULT_SITE, "site reopen", "site.reopened", site_id)
    say(wants_json, {"site": site.id, "state": site.state}, f"{site.id} is open again.")


def _clone_lines(facts: dict[str, Any]) -> str:
    if facts["error"]:
        return f"{facts['site']} is not whole yet: {facts['error']}"
    told = [f"  {name}: {count}" for name, count in facts["counts"].items()]
    left = [f"  left out: {each['id']}, {each['why']}" for each in facts["left"]]
    return "\n".join([f"{facts['site']} is made out of {facts['from']}:", *told, *left])


def _removal_lines(facts: dict[str, Any]) -> str:
    if "error" not in facts:
        return f"{facts['site']} is closed. It will be deleted after {facts['due_at']}."
    if facts["error"]:
        return f"{facts['site']} waits to be deleted: {facts['error']}"
    told = [f"  {name}: {count}" for name, count in sorted(facts["deleted"].items())]
    counted = len(facts["left"])
    total = sum(facts["left"].values())
    lines = [f"{facts['site']} is deleted:", *told]
    return "\n".join([*lines, f"{total} left, counted in {counted} places."])


@contextmanager
def _house(*, is_local: bool) -> Iterator[tuple[SiteService, AuditService, Database]]:
    with services_of(is_local=is_local) as services:
        yield services.site_service, services.audit, services.database


def _facts(sites: SiteService, database: Database, site: Site) -> HouseSite:
    logo_id = logo_in(profiles_of(database, site.id), site.id)
    logo = AssetStore(database).get(site.id, logo_id) if logo_id else None
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
