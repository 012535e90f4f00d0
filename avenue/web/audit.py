"""Every change that is answered well is written down: who, what, of which thing.

A route says what it does with `@audited("product.deleted", "product_id")`; what only the view
knows it tells with `note` and `nothing_changed`. The entry is written after the view, when the
change has happened, and names of path parameters and changed fields come along by themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from flask import Flask, Response, current_app, g, request

from avenue.errors import Unauthenticated
from avenue.identity import Actor
from avenue.web.auth import current_actor
from avenue.web.csrf import SAFE_METHODS
from avenue.web.hosts import current_site
from avenue.web.requestlog import request_id

View = TypeVar("View", bound=Callable[..., object])
Detail = str | int | bool | Sequence[str]
Entry = tuple[str, str | None, Mapping[str, Detail]]

MARK = "audited_as"
REPLAYED = "Idempotent-Replayed"
GUARD = "revision"  # says from which state a change was made, and is none itself


class AuditTrail(Protocol):
    """Who writes it down. Must not raise: the change has happened."""

    def record(
        self,
        actor: Actor,
        action: str,
        object_id: str | None,
        *,
        request_id: str | None,
        details: Mapping[str, Detail],
    ) -> None:
        """Write down what `actor` did, to which object."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What a route does: `action` is `<kind of object>.<what happened>`.

    `{name}` in it stands for a path parameter. `object_from` is the path parameter with the
    object's id; None: the view notes it, or the JSON answer has it as `id`. `by_itself`: what it
    notes by `note_each` is written down, whatever the method and the answer, and nothing else.
    """

    action: str
    object_from: str | None
    by_itself: bool = False


def audited(action: str, object_from: str | None = None) -> Callable[[View], View]:
    """Mark a view that changes something; see `Audited`. A test wants it on every unsafe route."""

    def mark(view: View) -> View:
        setattr(view, MARK, Audited(action, object_from))
        return view

    return mark


def audits_itself(action: str) -> Callable[[View], View]:
    """Mark a view that changes something by GET, or before it refuses; see `Audited`."""

    def mark(view: View) -> View:
        setattr(view, MARK, Audited(action, None, by_itself=True))
        return view

    return mark


def audited_as(view: Callable[..., object] | None) -> Audited | None:
    """Return what `view` was marked with, or None."""
    return getattr(view, MARK, None)


def note(
    *, actor: Actor | None = None, object_id: str | None = None, **details: Detail | None
) -> None:
    """Tell the entry of this request what only the view knows. No secrets, no bodies.

    `actor`, when the request began or ended their being signed in; `details` are ids and counts,
    None stands for none.
    """
    if actor is not None:
        g.audit_actor = actor
    if object_id is not None:
        g.audit_object = object_id
    known = {name: value for name, value in details.items() if value is not None}
    g.audit_details = {**g.get("audit_details", {}), **known}


def note_each(action: str, object_ids: Sequence[str], **details: Detail) -> None:
    """Write `action` down for each of `object_ids` instead of one entry for this request."""
    entries = [(action, each, details) for each in object_ids]
    g.audit_each = [*g.get("audit_each", ()), *entries]


def nothing_changed() -> None:
    """Say that this request found everything as it should become: no entry is written."""
    g.audit_nothing = True


def install(app: Flask, trail: AuditTrail) -> None:
    """Let `trail` hear of every change that `app` answers with 2xx or 3xx."""

    def record(response: Response) -> Response:
        marked = audited_as(current_app.view_functions.get(request.endpoint or ""))
        if marked and ("audit_each" in g if marked.by_itself else _is_a_change(response)):
            actor = g.get("audit_actor") or _actor()
            for action, object_id, details in _entries(marked, response):
                trail.record(
                    actor, action, object_id, request_id=request_id() or None, details=details
                )
        return response

    app.after_request(record)


def _actor() -> Actor:
    """Return who asks; a token that is not good is nobody on a route that is for everybody."""
    try:
        return current_actor()
    except Unauthenticated:
        return Actor(site=current_site())


def _is_a_change(response: Response) -> bool:
    return (
        request.method not in SAFE_METHODS
        and response.status_code < 400  # noqa: PLR2004 - the refusals begin here
        and REPLAYED not in response.headers
        and not g.get("audit_nothing")
    )


def _entries(marked: Audited, response: Response) -> Sequence[Entry]:
    """Return what is to be written down of this request: one entry, or those it has noted."""
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
