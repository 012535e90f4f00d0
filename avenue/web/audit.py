"""Records every successful change: who changed what on which object.

A route declares its action with `@audited("product.deleted", "product_id")`; the view adds what
only it knows with `note` and `nothing_changed`. The entry is written after the view, when the
change has happened; path parameters and names of changed fields are added automatically.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from flask import Flask, Response, g, request

from avenue.errors import Unauthenticated
from avenue.identity import Actor
from avenue.web.auth import current_actor
from avenue.web.csrf import SAFE_METHODS
from avenue.web.hosts import current_site
from avenue.web.marks import Mark, View, current_view
from avenue.web.requestlog import request_id

Detail = str | int | bool | Sequence[str]
Entry = tuple[str, str | None, Mapping[str, Detail]]

REPLAYED = "Idempotent-Replayed"
GUARD = "revision"  # the revision a change is based on, not a changed field


class AuditTrail(Protocol):
    """Writes entries to the audit log. Must not raise: the change has already happened."""

    def record(
        self,
        actor: Actor,
        action: str,
        object_id: str | None,
        *,
        request_id: str | None,
        details: Mapping[str, Detail],
    ) -> None:
        """Record that `actor` did `action` to an object."""


@dataclass(frozen=True, slots=True)
class Audited:
    """The audit mark of a route: `action` is `<kind of object>.<what happened>`.

    `{name}` in it is replaced by a path parameter. `object_from` is the path parameter with the
    object's id; None: the view notes it, or the JSON answer has it as `id`. `by_itself`: only what
    the view notes with `note_each` is recorded, whatever the method and the answer.
    """

    action: str
    object_from: str | None
    by_itself: bool = False


_AUDITED = Mark[Audited]("audited_as")
audited_as = _AUDITED.of
"""Returns the audit mark of a view, or None."""


def audited(action: str, object_from: str | None = None) -> Callable[[View], View]:
    """Mark a view that changes something; see `Audited`. Required on every unsafe route."""
    return _AUDITED.says(Audited(action, object_from))


def audits_itself(action: str) -> Callable[[View], View]:
    """Mark a view that changes something on GET, or before it refuses; see `Audited`."""
    return _AUDITED.says(Audited(action, None, by_itself=True))


def note(
    *, actor: Actor | None = None, object_id: str | None = None, **details: Detail | None
) -> None:
    """Add facts to the entry of this request. No secrets, no bodies.

    `actor` is for requests that begin or end the person's session; `details` are ids and counts,
    None is left out.
    """
    if actor is not None:
        g.audit_actor = actor
    if object_id is not None:
        g.audit_object = object_id
    known = {name: value for name, value in details.items() if value is not None}
    g.audit_details = {**g.get("audit_details", {}), **known}


def note_each(action: str, object_ids: Sequence[str], **details: Detail) -> None:
    """Record `action` for each of `object_ids` instead of one entry for this request."""
    entries = [(action, each, details) for each in object_ids]
    g.audit_each = [*g.get("audit_each", ()), *entries]


def nothing_changed() -> None:
    """Declare that this request changed nothing, so that no entry is written."""
    g.audit_nothing = True


def install(app: Flask, trail: AuditTrail) -> None:
    """Pass every change that `app` answers with 2xx or 3xx to `trail`."""

    def record(response: Response) -> Response:
        marked = audited_as(current_view())
        if marked and ("audit_each" in g if marked.by_itself else _is_a_change(response)):
            actor = g.get("audit_actor") or _actor()
            for action, object_id, details in _entries(marked, response):
                trail.record(
                    actor, action, object_id, request_id=request_id() or None, details=details
                )
        return response

    app.after_request(record)


def _actor() -> Actor:
    """Return the actor; on a public route an invalid token counts as not signed in."""
    try:
        return current_actor()
    except Unauthenticated:
        return Actor(site=current_site())


def _is_a_change(response: Response) -> bool:
    return (
        request.method not in SAFE_METHODS
        and response.status_code < 400  # noqa: PLR2004 - the first error status
        and REPLAYED not in response.headers
        and not g.get("audit_nothing")
    )


def _entries(marked: Audited, response: Response) -> Sequence[Entry]:
    """Return the entries to record for this request: one, or those it has noted."""
    if "audit_each" in g:
        noted: Sequence[Entry] = g.audit_each
        return noted
    action = marked.action.format_map(request.view_args or {})
    return [(action, _object_id(marked, response), _details(marked))]


def _object_id(marked: Audited, response: Response) -> str | None:
    if marked.object_from:
        return str((request.view_args or {})[marked.object_from])
    noted: str | None = g.get("audit_object")
    if noted is None and response.is_json:
        answer = response.get_json()
        noted = str(answer["id"]) if isinstance(answer, dict) and "id" in answer else None
    return noted


def _details(marked: Audited) -> dict[str, Detail]:
    told = {marked.object_from, *((request.url_rule and request.url_rule.defaults) or ())}
    path = (request.view_args or {}).items()
    details: dict[str, Detail] = {name: str(value) for name, value in path if name not in told}
    if request.method == "PATCH":
        details["fields"] = [name for name in g.get("body_fields", ()) if name != GUARD]
    return {**details, **g.get("audit_details", {})}
