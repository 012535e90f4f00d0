"""The described routes of an application, and the errors that they may answer with."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from avenue.errors import (
    AvenueError,
    Forbidden,
    MalformedRecord,
    NotFound,
    SiteMoves,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from avenue.web.auth import (
    InsufficientScope,
    InvalidToken,
    SecondFactorSetupRequired,
    guard_of,
)
from avenue.web.csrf import SAFE_METHODS, CsrfFailed
from avenue.web.describing import Description, description_of
from avenue.web.errors import (
    BadMultipart,
    BodyCutOff,
    BodyTooLarge,
    FileTooLarge,
    InvalidBody,
    NoFile,
    SiteNotReady,
    SiteRemoved,
    SpoolUnavailable,
    TextFieldTooLong,
    TooManyParts,
    UnknownHost,
)
from avenue.web.limits import upload_route
from avenue.web.request_kinds import API, WITHOUT_SITE

PLACE_IN_RULE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")

OF_UPLOADS = (
    BadMultipart,
    NoFile,
    BodyCutOff,
    FileTooLarge,
    BodyTooLarge,
    TooManyParts,
    TextFieldTooLong,
    SpoolUnavailable,
)
OF_JSON_BODIES = (InvalidBody, BodyTooLarge, BodyCutOff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one rule of the URL map, and the description of its view."""

    rule: Rule
    method: str
    view: Any
    said: Description

    @property
    def path(self) -> str:
        """The rule as OpenAPI writes it."""
        return PLACE_IN_RULE.sub(r"{\1}", self.rule.rule)


def operations(app: Flask) -> Iterator[Operation]:
    """Yield every described operation of `app`, in the order they were registered."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        said = description_of(view)
        if said is None:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Operation(rule=rule, method=method, view=view, said=said)


def refusals(operation: Operation) -> Iterator[type[AvenueError]]:
    """Yield the view's own errors, then those of permissions, body, limits and database."""
    yield from operation.said.refuses
    path, guard = operation.rule.rule, guard_of(operation.view)
    if guard:
        yield from (Unauthenticated, InvalidToken, SecondFactorSetupRequired)
        yield from (Forbidden,) if guard.roles or guard.superuser else ()
        yield from (InsufficientScope,) if guard.scope_for(operation.method) else ()
    if operation.method not in SAFE_METHODS:
        yield CsrfFailed
    has_json = operation.said.body and not is_bytes(operation.said.body)
    yield from OF_JSON_BODIES if has_json else ()
    yield from OF_UPLOADS if upload_route.is_on(operation.view) else ()
    if operation.rule.arguments and all(each.status != 404 for each in operation.said.refuses):  # noqa: PLR2004
        yield NotFound
    if path.startswith(f"{API}/"):
        yield TooManyRequests
    if path not in WITHOUT_SITE:
        yield from (UnknownHost, SiteRemoved, SiteNotReady, Unavailable, MalformedRecord)
        yield from () if operation.method in SAFE_METHODS else (SiteMoves,)


def is_bytes(body: Any) -> bool:
    """Return whether a body is described by its media type only."""
    return isinstance(body, str)
