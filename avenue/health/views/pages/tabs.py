"""The tabs of `/admin/infrastructure`, and what all of them show."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, request
from flask_babel import LazyString

from avenue.errors import AvenueError, NotFound
from avenue.health.views.pages import words
from avenue.identity import Actor
from avenue.web.audit import nothing_changed
from avenue.web.auth import current_actor
from avenue.web.language import lazy_gettext
from avenue.web.pages import page, see

INFRASTRUCTURE = "/admin/infrastructure"
TABS = (
    (INFRASTRUCTURE, lazy_gettext("State")),
    (f"{INFRASTRUCTURE}/alerts", lazy_gettext("Alerts")),
    (f"{INFRASTRUCTURE}/mails", lazy_gettext("Emails")),
    (f"{INFRASTRUCTURE}/history", lazy_gettext("History")),
    (f"{INFRASTRUCTURE}/migration", lazy_gettext("Background work")),
    (f"{INFRASTRUCTURE}/cost", lazy_gettext("Cost")),
)
DEPLOYMENT_TABS = (
    (f"{INFRASTRUCTURE}/errors", lazy_gettext("Errors")),
    (f"{INFRASTRUCTURE}/backups", lazy_gettext("Backups")),
)
"""Tabs for operators of the deployment."""
SUPERUSER_TABS = (
    (f"{INFRASTRUCTURE}/sites", lazy_gettext("Sites")),
    (f"{INFRASTRUCTURE}/move", lazy_gettext("Move in or out")),
)
"""Tabs for superusers."""


def tabs_for(actor: Actor) -> Sequence[tuple[str, LazyString]]:
    """Return the tabs that `actor` may see."""
    if not actor.runs_deployment:
        return TABS
    return (
        (*TABS, *DEPLOYMENT_TABS, *SUPERUSER_TABS) if actor.superuser else (*TABS, *DEPLOYMENT_TABS)
    )


def tab_page(template: str, **facts: Any) -> Response:
    """Return the page of a tab, with the result of the last action from the URL."""
    problem = words.PROBLEMS.get(request.args.get("problem", ""))
    return page(
        template,
        tabs=tabs_for(current_actor()),
        here=request.path,
        said=words.SAID.get(request.args.get("said", "")),
        problem=" ".join(map(str, problem)) if problem else None,
        chips=words.CHIPS,
        **facts,
    )


def done(path: str, said: str, do: Callable[[], object]) -> Response:
    """Run the action of a form and redirect to its tab, which shows the result."""
    try:
        do()
    except NotFound:
        raise
    except AvenueError as error:
        nothing_changed()
        return see(f"{path}?problem={error.code}")
    return see(f"{path}?said={said}")
