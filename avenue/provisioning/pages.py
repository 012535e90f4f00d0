"""`/admin/infrastructure/sites`: all sites and their weights, for superusers."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import LazyString
from pydantic import ValidationError

from avenue.errors import AvenueError, NotFound, filled
from avenue.health.views.pages import words
from avenue.health.views.pages.jobs import jobs_shown
from avenue.health.views.pages.tabs import INFRASTRUCTURE, tabs_for
from avenue.identity import DEFAULT_SITE, SiteState
from avenue.provisioning.service import ProvisioningService
from avenue.provisioning.weights import FORECAST_DAYS
from avenue.sites import forms
from avenue.sites.bodies import NewSite
from avenue.sites.cloning import CloneOrder, CloneService, Part
from avenue.sites.moving import MoveService
from avenue.sites.removal import GRACE_DAYS, RemovalService
from avenue.sites.service import SiteService
from avenue.storage.clusters import State
from avenue.storage.directory import Phase
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext, lazy_gettext as _
from avenue.web.pages import page, see, shown_again, size
from avenue.web.services import using

PATH = f"{INFRASTRUCTURE}/sites"
NEW_SITE = ("id", "base_url", "name", "locale", "hosts", "cluster")
FORMS = ("add", "clone")
NOTHING = dict.fromkeys((*NEW_SITE, "from"), "")
LONGEST_TYPED = 10_000
LONGEST_NAME = 100
OUR_FAULT = 500
PAST_SHOWN = 10
LOCALES: Mapping[str, LazyString] = {
    "es-PY": _("Spanish (Paraguay)"),
    "es": _("Spanish"),
    "en": _("English"),
}
PARTS: Mapping[Part, LazyString] = {
    Part.SETTINGS: _("Settings, theme, menus and logo"),
    Part.CATEGORIES: _("Upload categories"),
    Part.PEOPLE: _("People's roles"),
    Part.PAGES: _("Pages"),
    Part.LIBRARY: _("Media library"),
    Part.PRODUCTS: _("Products and groups with their photos"),
}
SAID: Mapping[str, LazyString] = {
    "added": _("Site added. Add people, and point its host to this server."),
    "cloning": _("Cloning has started. The new site stays closed until everything is copied."),
    "removed": _("Site closed. You can reopen it until it is deleted."),
    "reopened": _("Site reopened."),
}
CLUSTER_STATES: Mapping[State, tuple[str, LazyString]] = {
    State.AWAY: ("bad", _("Unreachable")),
    State.NOT_READY: ("bad", _("Not ready")),
    State.UNKNOWN: ("bad", _("Not set up")),
}
MOVE_SAID: Mapping[str, LazyString] = {
    "moving": _("The move has started. See its progress below."),
    "undoing": _("The move is being undone."),
    "purging": _("Deleting the data left on the previous cluster."),
}
PHASES: Mapping[Phase, LazyString] = {
    Phase.COPYING: _("Everything is copied and compared while people keep using the site."),
    Phase.SETTLING: _("Changes made in the meantime are copied again until little is left."),
    Phase.FENCED: _("Writes wait for about a second."),
    Phase.SWITCHED: _("The site is on the new cluster; writes resume in a moment."),
    Phase.KEPT: _("Done. The previous cluster keeps its data for 24 hours."),
}
"""The steps of each state, in order."""
ENDS: Mapping[Phase, LazyString] = {
    Phase.PURGING: _("Deleting the data left on the previous cluster."),
    Phase.ABORTING: _("The move was undone: deleting the copied data."),
}
STATES: Mapping[SiteState, tuple[str, LazyString]] = {
    SiteState.PREPARING: ("", _("Cloning")),
    SiteState.REMOVED: ("warn", _("Closed")),
    SiteState.DELETING: ("bad", _("Deleting")),
}

blueprint = Blueprint("provisioning_pages", __name__, url_prefix=PATH, template_folder="templates")


@blueprint.get("")
@require(superuser=True)
def show_sites() -> Response:
    """Show all sites with their weights, and the forms for new ones."""
    return _sites({}, {})


@blueprint.post("/add")
@require(superuser=True)
@audited("site.added")
def add_site() -> Response:
    """Add an empty site."""
    typed = _typed(NEW_SITE)

    def add(values: dict[str, Any]) -> None:
        added = using(SiteService).add(current_actor(), values.pop("id"), values)
        note(object_id=added.id)

    return _made("add", typed, forms.site_of(typed), add, "added")


@blueprint.post("/clone")
@require(superuser=True)
@audited("site.added")
def clone_site() -> Response:
    """Start cloning a site."""
    typed = _typed(("from", "id", "base_url", "hosts"))
    parts = frozenset(each for each in Part if each in request.form.getlist("parts"))
    given = forms.site_of({name: text for name, text in typed.items() if name != "from"})

    def clone(values: dict[str, Any]) -> None:
        order = CloneOrder(
            original=typed.get("from", ""),
            target=values["id"],
            base_url=values["base_url"],
            hosts=tuple(values.get("hosts", ())),
            parts=parts,
        )
        using(CloneService).clone(current_actor(), order)
        note(object_id=order.target)

    return _made("clone", typed, given, clone, "cloning")


@blueprint.post("/<site_id>/remove")
@require(superuser=True)
@audited("site.removed", "site_id")
def remove_site(site_id: str) -> Response:
    """Close a site; after some days it is deleted."""
    return _changed(
        "removed", lambda: using(RemovalService).remove(current_actor(), site_id, now=False)
    )


@blueprint.post("/<site_id>/reopen")
@require(superuser=True)
@audited("site.reopened", "site_id")
def reopen_site(site_id: str) -> Response:
    """Reopen a removed site."""
    return _changed("reopened", lambda: using(RemovalService).reopen(current_actor(), site_id))


def _move(error: AvenueError | None, site_id: str) -> Response:
    actor = current_actor()
    standing = using(MoveService).standing(actor, site_id)
    phase = standing.move.phase if standing.move else None
    return page(
        "provisioning/move.html",
        error=error,
        tabs=tabs_for(actor),
        sites=PATH,
        here=f"{PATH}/{site_id}/move",
        standing=standing,
        phase=phase,
        may_begin=standing.site.is_open and phase is None,
        may_abort=phase in {Phase.COPYING, Phase.SETTLING, Phase.FENCED},
        is_kept=phase is Phase.KEPT,
        phases=PHASES,
        ends=ENDS.get(phase) if phase else None,
        is_first=site_id == DEFAULT_SITE,
        job=jobs_shown([standing.job], actor)[0] if standing.job else None,
        texts=words.texts(),
        problem=" ".join(error.said(gettext)) if error else "",
        said=MOVE_SAID.get(request.args.get("said", "")),
    )


@blueprint.get("/<site_id>/move")
@require(superuser=True)
def show_site_move(site_id: str) -> Response:
    """Show the cluster of a site and the progress of its move, and the forms to change that."""
    return _move(None, site_id)


@blueprint.post("/<site_id>/move")
@require(superuser=True)
@audited("site.moved", "site_id")
@shown_again(_move, besides=NotFound)
def move_site(site_id: str) -> Response:
    """Start to move a site to another cluster, or continue."""
    target = request.form.get("to", "")
    note(to=target[:LONGEST_NAME])
    using(MoveService).begin(current_actor(), site_id, target)
    return see(f"{PATH}/{site_id}/move?said=moving")


@blueprint.post("/<site_id>/move/abort")
@require(superuser=True)
@audited("site.move_undone", "site_id")
@shown_again(_move, besides=NotFound)
def abort_site_move(site_id: str) -> Response:
    """Undo the move of a site that has not switched yet."""
    using(MoveService).abort(current_actor(), site_id)
    return see(f"{PATH}/{site_id}/move?said=undoing")


@blueprint.post("/<site_id>/move/purge")
@require(superuser=True)
@audited("site.moved", "site_id")
@shown_again(_move, besides=NotFound)
def purge_site_move(site_id: str) -> Response:
    """Delete at once the data of a moved site on its previous cluster."""
    using(MoveService).purge(current_actor(), site_id)
    return see(f"{PATH}/{site_id}/move?said=purging")


def _changed(said: str, do: Callable[[], object]) -> Response:
    try:
        do()
    except NotFound:
        raise
    except AvenueError as error:
        if error.status >= OUR_FAULT:
            raise
        nothing_changed()
        return _sites({}, {}, problem=" ".join(error.said(gettext)), status=error.status)
    return see(f"{PATH}?said={said}")


def _made(
    form: str,
    typed: Mapping[str, str],
    given: Mapping[str, Any],
    do: Callable[[dict[str, Any]], None],
    said: str,
) -> Response:
    """Create a site from a form; errors are shown beside their fields."""
    try:
        do(forms.checked(NewSite, given))
    except (ValidationError, AvenueError) as error:
        if isinstance(error, AvenueError) and error.status >= OUR_FAULT:
            raise
        nothing_changed()
        mistakes = forms.mistakes(error, given)
        wrong = {
            field: filled(text, said_with, gettext) for field, (text, said_with) in mistakes.items()
        }
        return _sites({form: typed}, {form: wrong}, problem=wrong.get("", ""), status=400)
    return see(f"{PATH}?said={said}")


def _sites(
    typed: Mapping[str, Mapping[str, str]],
    wrong: Mapping[str, Mapping[str, str]],
    *,
    problem: str = "",
    status: int = 200,
) -> Response:
    actor = current_actor()
    overview = using(ProvisioningService).overview(actor)
    jobs = overview.jobs
    return page(
        "provisioning/sites.html",
        status=status,
        tabs=tabs_for(actor),
        here=PATH,
        overview=overview,
        states=STATES,
        cluster_states=CLUSTER_STATES,
        levels=words.LEVELS,
        chips=words.CHIPS,
        first=DEFAULT_SITE,
        grace_days=GRACE_DAYS,
        forecast_days=FORECAST_DAYS,
        parts=PARTS,
        chosen=request.form.getlist("parts") if "clone" in typed else [*Part],
        typed={form: {**NOTHING, **typed.get(form, {})} for form in FORMS},
        wrong={form: wrong.get(form, {}) for form in FORMS},
        problem=problem,
        said=SAID.get(request.args.get("said", "")),
        locales=LOCALES,
        jobs=jobs_shown([each for each in jobs if not each.is_finished], actor),
        past=jobs_shown([each for each in jobs if each.is_finished][:PAST_SHOWN], actor),
        size=size,
        number=words.number,
    )


def _typed(fields: tuple[str, ...]) -> dict[str, str]:
    return {
        name: request.form[name][:LONGEST_TYPED].replace("\r\n", "\n")
        for name in fields
        if name in request.form
    }
