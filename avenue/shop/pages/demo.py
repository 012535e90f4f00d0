"""`/admin/demo`: loading and removing sample products."""

from flask import Blueprint, Response, request

from avenue.errors import AvenueError
from avenue.identity import Role
from avenue.shop.errors import SamplesBusy
from avenue.shop.service.samples import SampleService, SampleStanding
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext as _, lazy_gettext
from avenue.web.pages import page, reader, see
from avenue.web.services import using

PATH = "/admin/demo"
SAID = {
    "removed": lazy_gettext("Sample products removed. Their photos stay in the trash for a while."),
}

blueprint = Blueprint("sample_pages", __name__, url_prefix=PATH, template_folder="../templates")


@blueprint.get("")
@require(Role.ADMIN)
def show_samples() -> Response:
    """Show the progress of loading, the existing samples, or the offer to load them."""
    said = SAID.get(request.args.get("said", ""))
    return _page(str(said) if said else "")


@blueprint.post("")
@require(Role.ADMIN)
@audited("samples.wanted")
def load_samples() -> Response:
    """Start loading the samples."""
    actor = current_actor()
    using(SampleService).load(actor)
    note(object_id=actor.site.id)
    return see(PATH)


@blueprint.post("/remove")
@require(Role.ADMIN)
@audited("samples.removed")
def remove_samples() -> Response:
    """Delete the samples only."""
    actor = current_actor()
    try:
        count = using(SampleService).remove(actor)
    except SamplesBusy as error:
        return _page(problem=error)
    note(object_id=actor.site.id, products=count)
    if not count:
        nothing_changed()
    return see(f"{PATH}?said=removed")


@blueprint.app_template_global()
def samples_here() -> SampleStanding:
    """Return the state of the site's samples, for the current person."""
    return using(SampleService).standing(reader())


def _page(said: str = "", problem: AvenueError | None = None) -> Response:
    return page(
        "shop/samples.html",
        status=problem.status if problem else 200,
        said=said,
        problem=_("Loading the sample products.") if problem else "",
        samples=using(SampleService).listed(current_actor()),
    )
