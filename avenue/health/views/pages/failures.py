"""`/admin/infrastructure/errors`: the kinds of errors of requests."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from avenue.health.history.failures.models import FailureState
from avenue.health.history.failures.service import FailureService
from avenue.health.views.pages import words
from avenue.health.views.pages.tabs import INFRASTRUCTURE, tabs_for
from avenue.identity import Role
from avenue.web.audit import audited
from avenue.web.auth import current_actor, require
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import page, see
from avenue.web.parsing import one_of
from avenue.web.services import using

PATH = f"{INFRASTRUCTURE}/errors"
STATES = {FailureState.OPEN: _("Unresolved"), FailureState.RESOLVED: _("Resolved")}
SAID = {
    "resolved": _("Marked as resolved. It reopens if it happens again."),
    "reopened": _("Reopened."),
}

blueprint = Blueprint("failure_pages", __name__, url_prefix=PATH, template_folder="../../templates")


@blueprint.get("")
@require(Role.OPS)
def show_failures() -> Response:
    """Show the kinds of errors, newest first: `?state`."""
    actor, chosen = current_actor(), request.args.get("state", "")
    state = FailureState(one_of("state", chosen, [*FailureState])) if chosen else None
    return page(
        "health/errors.html",
        tabs=tabs_for(actor),
        here=request.path,
        failures=using(FailureService).list(actor, state),
        states=STATES,
        chosen=chosen,
        number=lambda value: words.number(value, 0),
        said=SAID.get(request.args.get("said", "")),
    )


@blueprint.post("/<error_id>/resolve")
@audited("error.resolved", "error_id")
@require(Role.OPS)
def resolve(error_id: str) -> Response:
    """Mark an error kind as resolved."""
    return _done("resolved", lambda each: each.resolve(current_actor(), error_id))


@blueprint.post("/<error_id>/reopen")
@audited("error.reopened", "error_id")
@require(Role.OPS)
def reopen(error_id: str) -> Response:
    """Mark an error kind as unresolved."""
    return _done("reopened", lambda each: each.reopen(current_actor(), error_id))


def _done(said: str, change: Callable[[FailureService], object]) -> Response:
    change(using(FailureService))
    return see(f"{PATH}?said={said}")
