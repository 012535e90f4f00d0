"""`/admin/audit`: the audit log for people, and as a table."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from avenue.audit.models import Entry as Change, EntryQuery
from avenue.audit.service import AuditService
from avenue.audit.texts import action_words, choices, details_words, doer_words
from avenue.clock import iso
from avenue.identity import Role
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext as _, lazy_gettext
from avenue.web.pages import Entry, Group, page
from avenue.web.services import using
from avenue.web.tables import table

PATH = "/admin/audit"
SHOWN = 50
AT_ONCE = 500
MOST_ROWS = 20_000
LONGEST_FILTER = 300
FILTERS = ("actor", "action", "object")

NAVIGATION = (
    Entry(
        path=PATH,
        title=lazy_gettext("Audit log"),
        icon="log",
        group=Group.SYSTEM,
        roles=(Role.ADMIN,),
    ),
)

PAGES = {
    "product": "/admin/products/{id}",
    "group": "/admin/groups/{id}",
    "import": "/admin/import/{id}",
    "picture_import": "/admin/import/pictures/{id}",
    "upload": "/admin/uploads/{id}",
    "user": "/admin/people/{id}",
    "site": "/admin/settings",
}
"""The panel's page of each kind of object; linked only if it exists."""

blueprint = Blueprint("audit_pages", __name__, url_prefix=PATH, template_folder="templates")


@blueprint.get("")
@require(Role.ADMIN)
def show_changes() -> Response:
    """Show the audit log, newest first, with the filters of the URL."""
    asked = _asked()
    found = using(AuditService).find(current_actor(), _query(asked, SHOWN), after=_after())
    return page(
        "audit/changes.html",
        changes=[_shown(each, asked) for each in found.items],
        total=found.total,
        asked=asked,
        actions=choices(),
        next=_url(asked, after=found.next) if found.next else None,
        newest=_url(asked) if _after() else None,
        table=f"{PATH}/table.csv{_question(asked)}",
        most_rows=MOST_ROWS,
    )


@blueprint.get("/table.csv")
@require(Role.ADMIN)
def give_table() -> Response:
    """Return the filtered entries as a table, the newest `MOST_ROWS` at most."""
    actor, query = current_actor(), _query(_asked(), AT_ONCE)
    found = using(AuditService).walk(actor, query)  # a refusal is still an answer here
    return table(actor.site.id, _head(), _rows(islice(found, MOST_ROWS)))


def _head() -> Sequence[str]:
    """Return the names of the columns, in the language of the request."""
    return (
        _("When (UTC)"),
        _("Who"),
        _("What"),
        _("Action"),
        _("ID"),
        _("Details"),
        _("Request"),
    )


def _rows(entries: Iterator[Change]) -> Iterator[Sequence[str]]:
    """Yield the row of each entry."""
    for each in entries:
        yield (
            iso(each.at),
            doer_words(each.doer),
            action_words(each.action),
            each.action,
            each.object_id or "",
            "; ".join(details_words(each)),
            each.request_id or "",
        )


def _shown(change: Change, asked: dict[str, str]) -> dict[str, Any]:
    return {
        "at": change.at,
        "iso": iso(change.at),
        "who": doer_words(change.doer),
        "kind": change.doer.kind,
        "of_doer": _url({**asked, "actor": change.doer.name or change.doer.id or ""}),
        "did": action_words(change.action),
        "object_id": change.object_id,
        "of_object": _url({**asked, "object": change.object_id or ""}),
        "page": _page_of(change),
        "details": details_words(change),
        "request_id": change.request_id,
    }


def _page_of(change: Change) -> str | None:
    """Return the panel's page of the object, None where there is none (any more)."""
    pattern = PAGES.get(change.object_kind)
    if pattern is None or change.object_id is None or change.action.endswith(".deleted"):
        return None
    path = pattern.format(id=change.object_id)
    try:
        current_app.url_map.bind("any").match(path, "GET")
    except (HTTPException, RequestRedirect):
        return None
    return path


def _asked() -> dict[str, str]:
    """Return the non-empty filters of the URL."""
    given = {name: request.args.get(name, "").strip()[:LONGEST_FILTER] for name in FILTERS}
    return {name: text for name, text in given.items() if text}


def _after() -> str | None:
    return request.args.get("after") or None


def _query(asked: dict[str, str], limit: int) -> EntryQuery:
    return EntryQuery(
        actor=asked.get("actor"),
        action=asked.get("action"),
        object_id=asked.get("object"),
        limit=limit,
    )


def _url(asked: dict[str, str], **more: str) -> str:
    return f"{PATH}{_question({**asked, **more})}"


def _question(asked: dict[str, str]) -> str:
    given = {name: text for name, text in asked.items() if text}
    return f"?{urlencode(given)}" if given else ""
