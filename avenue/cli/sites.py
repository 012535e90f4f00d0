"""Commands about sites: `site show|set|list|add|clone|move|remove|reopen`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.cli.context import (
    as_json,
    draw,
    local,
    of_site,
    operator_of,
    say,
    services_of,
)
from avenue.clock import iso
from avenue.identity import DEFAULT_SITE, Actor, Site
from avenue.jobs.models import Job
from avenue.provisioning.presenting import move_json, move_text, weight_json, weight_text
from avenue.sites.bodies import NewSite, SiteChanges
from avenue.sites.cloning import CloneOrder, Part
from avenue.sites.moving import MoveService, Outlook
from avenue.sites.presenting import full_site_json
from avenue.sites.replies import FullSite
from avenue.storage.directory import Phase
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
    """Show a site and its effective limits."""
    with services_of(is_local=is_local) as services:
        facts = _facts(services, services.site_service.site(site))
    say(wants_json, facts, _lines(facts))


@site.command(name="set")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE …")
@of_site
@local
@as_json
def set_values(*, changes: tuple[str, ...], site: str, is_local: bool, wants_json: bool) -> None:
    """Change settings of a site: name=Zapatos colors.primary=#aa2200 limits.media_mb=5 hosts=a,b.

    Upload categories: upload_categories.orders.readers=seller,editor. An empty value removes a
    colour, a limit, a category, or the address of the default site.
    """
    given = _checked(SiteChanges, _nested(changes)).model_dump(exclude_unset=True)
    revision = given.pop("revision", None)
    with services_of(is_local=is_local) as services:
        changed = services.site_service.change_site(site, given, revision)
        services.audit.record_command(
            site, "site set", "site.changed", site, details={"fields": sorted(given)}
        )
        facts = _facts(services, changed)
    say(wants_json, facts, _lines(facts))


@site.command(name="list")
@local
@as_json
def list_sites(*, is_local: bool, wants_json: bool) -> None:
    """List all sites with their size and load: see docs/sites.md."""
    with services_of(is_local=is_local) as services:
        found = services.provisioning.overview(operator_of(services))
        moves = services.site_moves.moves()
        items = [
            {
                **_facts(services, each),
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
@click.option("--base-url", required=True, help="Public address: https://shop.example")
@click.option("--host", "hosts", multiple=True, help="Additional host name.")
@click.option("--name", help="Name. By default the id.")
@click.option("--locale", default="es", show_default=True)
@click.option("--cluster", help="Cluster for its data. By default the least loaded.")
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
    """Add a site."""
    values = {"base_url": base_url, "hosts": list(hosts), "name": name, "locale": locale}
    body = _checked(NewSite, {"id": site_id, **values, "cluster": cluster})
    with services_of(is_local=is_local) as services:
        added = services.site_service.add_site(body.id, body.model_dump(exclude={"id"}))
        services.audit.record_command(DEFAULT_SITE, "site add", "site.added", added.id)
        facts = _facts(services, added)
    say(wants_json, facts, _lines(facts))


@site.command()
@click.argument("source", metavar="FROM")
@click.argument("site_id", metavar="ID")
@click.option("--base-url", required=True, help="Public address: https://shop.example")
@click.option("--host", "hosts", multiple=True, help="Additional host name.")
@click.option(
    "--with", "parts", help=f"Parts to copy, comma-separated: {','.join(Part)}. By default all."
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
    """Clone the site FROM as a new site ID, with copies of its content under new ids.

    If interrupted, run it again to resume. People keep their role if no one else knows their
    password; the others are counted. Exit code 1: it failed; the reason is printed.
    """
    named = parts.split(",") if parts is not None else [*Part]
    if wrong := sorted(set(named) - {*Part}):
        raise click.UsageError(f"--with takes {', '.join(Part)}, not {', '.join(wrong)}.")
    body = _checked(NewSite, {"id": site_id, "base_url": base_url, "hosts": list(hosts)})
    order = CloneOrder(
        original=source,
        target=body.id,
        base_url=body.base_url,
        hosts=tuple(body.hosts),
        parts=frozenset(map(Part, named)),
    )
    with services_of(is_local=is_local) as services:
        begun = services.clones.clone(operator_of(services), order)
        services.audit.record_command(
            DEFAULT_SITE, "site clone", "site.added", site_id, details={"from": source}
        )
        job = Background(services.settings, services.database).finish(begun.id, draw)
    facts = {"site": site_id, "error": job.error, **(job.result or {})}
    say(wants_json, facts, _clone_lines(facts))
    sys.exit(1 if job.error else 0)


@site.command()
@click.argument("site_id", metavar="ID")
@click.option("--to", "target", metavar="CLUSTER", help="Target cluster.")
@click.option("--now", is_flag=True, help="Delete the copy on the previous cluster at once.")
@click.option("--abort", is_flag=True, help="Abort a move that has not switched yet.")
@click.option(
    "--dry-run", is_flag=True, help="Check whether the site can be moved, change nothing."
)
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
    """Move the site ID to another cluster while it is in use: see docs/sites.md.

    If interrupted, run it again to resume. The previous cluster keeps its copy for 24 hours, so
    that moving back is fast; with --now it is deleted at once. Exit code 1: the move is waiting;
    the reason is printed.
    """
    if (target is None) is not abort or (abort and (now or dry_run)):
        raise click.UsageError("Give either --to CLUSTER or --abort.")
    with services_of(is_local=is_local) as services:
        service, actor = services.site_moves, operator_of(services)
        if dry_run:
            outlook = service.look(actor, site_id, target or "")
            say(wants_json, asdict(outlook), _outlook_line(outlook))
            return
        action = "site.move_undone" if abort else "site.moved"
        job = _begin_move(service, actor, site_id, target, now=now)
        services.audit.record_command(
            DEFAULT_SITE, "site move", action, site_id, details={"to": target or ""}
        )
        background = Background(services.settings, services.database)
        job = background.finish(job.id, draw)
        found = service.move_of(site_id)
        if now and not job.error and found and found.phase is Phase.KEPT:
            job = background.finish(service.purge(actor, site_id).id, draw)
            found = service.move_of(site_id)
        facts = {**(job.result or {}), "site": site_id, "error": job.error}
        facts |= {"cluster": services.sites.named(site_id).cluster, "move": move_json(found)}
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
        return f"{facts['site']} is on {facts['cluster']}. The move is waiting: {facts['error']}"
    kept = f" It can be moved back until {facts['until']}." if facts["until"] else ""
    return f"{facts['site']} is on {facts['cluster']}.{kept}"


@site.command()
@click.argument("site_id", metavar="ID")
@click.option("--now", is_flag=True, help="Delete it at once, and wait until it is deleted.")
@local
@as_json
def remove(*, site_id: str, now: bool, is_local: bool, wants_json: bool) -> None:
    """Remove a site: it closes now and is deleted in 7 days.

    Until then `site reopen` restores it. With --now: prints how many documents of each collection
    were deleted, and how many are left. Exit code 1: the deletion is waiting; the reason is
    printed.
    """
    with services_of(is_local=is_local) as services:
        removed = services.removals.remove(operator_of(services), site_id, now=now)
        services.audit.record_command(DEFAULT_SITE, "site remove", "site.removed", site_id)
        facts: dict[str, Any] = {"site": site_id, "due_at": iso(removed.due_at)}
        if removed.job:
            job = Background(services.settings, services.database).finish(removed.job.id, draw)
            facts |= {"error": job.error, **(job.result or {})}
    say(wants_json, facts, _removal_lines(facts))
    sys.exit(1 if facts.get("error") else 0)


@site.command()
@click.argument("site_id", metavar="ID")
@local
@as_json
def reopen(*, site_id: str, is_local: bool, wants_json: bool) -> None:
    """Restore a removed site before it is deleted."""
    with services_of(is_local=is_local) as services:
        site = services.removals.reopen(operator_of(services), site_id)
        services.audit.record_command(DEFAULT_SITE, "site reopen", "site.reopened", site_id)
    say(wants_json, {"site": site.id, "state": site.state}, f"{site.id} is open again.")


def _clone_lines(facts: dict[str, Any]) -> str:
    if facts["error"]:
        return f"{facts['site']} is not complete yet: {facts['error']}"
    told = [f"  {name}: {count}" for name, count in facts["counts"].items()]
    left = [f"  skipped: {each['id']}, {each['why']}" for each in facts["left"]]
    return "\n".join([f"{facts['site']} cloned from {facts['from']}:", *told, *left])


def _removal_lines(facts: dict[str, Any]) -> str:
    if "error" not in facts:
        return f"{facts['site']} is closed. It will be deleted after {facts['due_at']}."
    if facts["error"]:
        return f"{facts['site']} is waiting to be deleted: {facts['error']}"
    told = [f"  {name}: {count}" for name, count in sorted(facts["deleted"].items())]
    counted = len(facts["left"])
    total = sum(facts["left"].values())
    lines = [f"{facts['site']} is deleted:", *told]
    return "\n".join([*lines, f"{total} documents left in {counted} collections."])


def _facts(services: Services, site: Site) -> FullSite:
    logo_id = logo_in(profiles_of(services.database, site.id), site.id)
    logo = services.assets.get(site.id, logo_id) if logo_id else None
    return full_site_json(site, services.site_service.limits(site), logo)


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
    """Return `values` as a `model`, numbers read from text; raise `UsageError` for a mistake."""
    try:
        return model.model_validate(values, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise click.UsageError(f"{where}: {first['msg']}.") from None


def _lines(facts: FullSite) -> str:
    shown = {**facts, "logo": facts["logo"]["url"] if facts["logo"] else None}
    return "\n".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value)}"
        for name, value in shown.items()
    )
