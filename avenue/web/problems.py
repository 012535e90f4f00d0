"""Turns errors into answers: JSON for programs, a page for people.

::

    {"success": 0, "error": "<sentence for people>", "message": <same>, "code": "file_too_large",
     "status": 413, "hint": "<what to do>", "request_id": "…", …facts}

Sentences are in the language of the request (`web/language.py`), `code` never changes. `error` is a
text because most upload clients show it; CKEditor expects `{"message": …}` there and gets it with
`?as=ckeditor`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal, Protocol, cast
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, g, jsonify, redirect, request
from flask_babel import LazyString
from pydantic import ConfigDict, Field
from typing_extensions import TypedDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from avenue.errors import (
    AvenueError,
    Forbidden,
    MalformedRecord,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from avenue.identity import Site
from avenue.web import metrics
from avenue.web.auth import SecondFactorSetupRequired, current_actor
from avenue.web.describing import description_of
from avenue.web.errors import (
    BadRequest,
    MethodNotAllowed,
    RangeNotSatisfiable,
    TooLarge,
)
from avenue.web.headers import STOREFRONT_POLICY
from avenue.web.language import COOKIE, gettext, language, lazy_gettext as _
from avenue.web.marks import current_view
from avenue.web.pages import chosen_theme, theme
from avenue.web.request_kinds import PANEL, is_file, under, wants_page
from avenue.web.requestlog import request_id
from avenue.web.services import using
from avenue.web.site_frame import Logo, Logos

log = logging.getLogger("avenue.problems")

LOGIN_PATH = "/login"
SECOND_FACTOR_PATH = f"{PANEL}/account/second-factor"
EXTENSION = "avenue.problems"
NOTHING_THERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
"""The statuses for which a public address shows the site's own page."""
TITLES: Mapping[int, tuple[LazyString, LazyString]] = {
    400: (_("Invalid request"), _("Go back and try again.")),
    401: (_("You need to sign in"), _("Sign in and try again.")),
    403: (_("Your account is not allowed to do this"), _("Ask a site administrator.")),
    404: (_("Page not found"), _("Check the address; it may have been removed.")),
    405: (_("This cannot be done here"), _("Go back and try again.")),
    409: (
        _("Someone changed this in the meantime"),
        _("Go back and reload the previous page."),
    ),
    410: (_("This is no longer available"), _("Ask for a new link.")),
    413: (_("This is too large"), _("Send less, or smaller files.")),
    429: (_("Too many attempts"), _("Wait a minute, then continue.")),
    503: (
        _("Temporarily unavailable"),
        _("Nothing is lost. Try again in a few seconds."),
    ),
    507: (_("No space left"), _("Tell a site administrator.")),
    4: (_("This cannot be done"), _("Go back and try again.")),
    5: (
        _("Something went wrong on our side"),
        _("Try again. If the problem persists, send us the code below."),
    ),
}
"""Title and advice of the page about an error: by its status, otherwise by its first digit."""

OURS: Mapping[int, type[AvenueError]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        TooLarge,
        RangeNotSatisfiable,
        Unavailable,
    )
}
"""Our errors for those of Flask and Werkzeug, by status."""


class ProblemInError(TypedDict):
    """The form of `error` that CKEditor expects; only with `?as=ckeditor`."""

    message: str


class Problem(TypedDict):
    """Why a request was refused; some codes have additional keys."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    success: Literal[0]
    error: Annotated[str | ProblemInError, Field(description="The same as `message`.")]
    message: Annotated[str, Field(description="A sentence for people.")]
    code: Annotated[str, Field(description="For programs; never changes its meaning.")]
    status: Annotated[int, Field(ge=400, le=599)]
    hint: Annotated[str, Field(description="What to do about it, for people.")]
    request_id: Annotated[str, Field(description="The same id is in the log.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The facts of an error, in the language of the request."""

    status: int
    code: str
    message: str
    hint: str
    headers: Mapping[str, str]
    facts: Mapping[str, object]


class NotesErrors(Protocol):
    """Receives the facts of each internal error."""

    def note(self, error: Exception, *, route: str, status: int, request_id: str) -> None:
        """Record an error; never raises."""


def note_in(app: Flask, notes: NotesErrors) -> None:
    """Also pass the internal errors of `app` to `notes`."""
    app.extensions[EXTENSION] = notes


def install(app: Flask) -> None:
    """Answer every error of `app` here."""
    app.register_blueprint(Blueprint("problems", __name__, template_folder="templates"))
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> AnyResponse:
    """Return the answer for `error`; internal errors are logged, unexpected ones with traceback."""
    if isinstance(error, HTTPException) and error.response is not None:
        # A werkzeug exception with its own response.
        return cast("AnyResponse", error.response)
    problem = refusal_of(error)
    response = _written(problem)
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    # this answer is never cached, while a shared cache should store one copy of a file
    if not is_file():
        response.vary.add("Accept-Language")
        if COOKIE in request.cookies:
            response.vary.add("Cookie")
    return response


def refusal_of(error: Exception) -> Refusal:
    """Return the facts of `error`; it is counted, and logged if it is internal."""
    if isinstance(error, MalformedRecord) and not _is_administrator():
        log.error("%s", error.code, exc_info=error)
        _note(error, error.status)
        error = _nothing_there()
    problem = _problem(error)
    metrics.count_refusal(problem.code)
    if isinstance(error, AvenueError) and problem.status > HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s: %s", error.code, error.message)  # English, as everything in the log
    elif problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s", problem.code, exc_info=error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _note(error, problem.status)
    return problem


def _note(error: Exception, status: int) -> None:
    notes: NotesErrors | None = current_app.extensions.get(EXTENSION)
    if notes is not None:
        rule = request.url_rule
        route = f"{request.method} {rule.rule}" if rule else "no route"
        notes.note(error, route=route, status=status, request_id=request_id())


def _is_administrator() -> bool:
    """Return whether the caller may see details of stored records: for others it is a 404."""
    try:
        return current_actor().is_admin
    except AvenueError:
        return False


def _nothing_there() -> AvenueError:
    """Return the error that this route raises for a missing object."""
    view = current_view()
    told = description_of(view) if view else None
    raised = [each for each in told.refuses if each.status == NotFound.status] if told else []
    return raised[0]() if raised else NotFound()


def _problem(error: Exception) -> Refusal:
    if isinstance(error, HTTPException):
        return _from_http(error)
    known = error if isinstance(error, AvenueError) else AvenueError()
    message, hint = known.said(gettext)
    return Refusal(
        status=known.status,
        code=known.code,
        message=message,
        hint=hint,
        headers=known.headers,
        facts=known.facts,
    )


def _from_http(error: HTTPException) -> Refusal:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    fallback = BadRequest if status < HTTPStatus.INTERNAL_SERVER_ERROR else AvenueError
    ours = OURS.get(status, fallback)()
    message, hint = ours.said(gettext)
    own = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return Refusal(
        status=status,
        code=ours.code,
        message=message,
        hint=hint,
        headers={**ours.headers, **own},
        facts={},
    )


def _written(problem: Refusal) -> AnyResponse:
    if not wants_page():
        return _json(problem)
    if problem.status == HTTPStatus.UNAUTHORIZED and request.path != LOGIN_PATH:
        return redirect(_login_url(), HTTPStatus.SEE_OTHER)
    if problem.code == SecondFactorSetupRequired.code:
        return redirect(SECOND_FACTOR_PATH, HTTPStatus.SEE_OTHER)
    return _page(problem)


def _json(problem: Refusal) -> Response:
    for_ckeditor = request.args.get("as") == "ckeditor"
    response = jsonify(
        {
            **problem.facts,
            "success": 0,
            "error": {"message": problem.message} if for_ckeditor else problem.message,
            "message": problem.message,
            "code": problem.code,
            "status": problem.status,
            "hint": problem.hint,
            "request_id": request_id(),
        }
    )
    response.status_code = problem.status
    return response


def _page(problem: Refusal) -> Response:
    # Rendered directly: what other packages add to pages (the signed-in person) may have failed.
    title, advice = TITLES.get(problem.status) or TITLES[problem.status // 100]
    site: Site | None = g.get("site")
    is_of_site = site is not None and problem.status in NOTHING_THERE and _is_public()
    facts: dict[str, object] = {"theme": theme()}
    if site is not None and is_of_site:
        look = chosen_theme() or site.theme.scheme
        facts = {"theme": look, "site": site, "logo": _logo(site)}
    template = "missing.html" if is_of_site else "problem.html"
    page = current_app.jinja_env.get_template(template).render(
        **facts,
        problem=problem,
        title=title,
        advice=advice,
        language=language(),
        request_id=request_id(),
        site_name=site.name if site else "Avenue",
    )
    response = Response(page, status=problem.status, content_type="text/html; charset=utf-8")
    if is_of_site:
        response.headers["Content-Security-Policy"] = STOREFRONT_POLICY
    response.vary.add("Accept")
    return response


def _is_public() -> bool:
    """Return whether the address could be a public page of the site."""
    path = request.path
    return not (is_file() or under(PANEL, path) or under(LOGIN_PATH, path))


def _logo(site: Site) -> Logo | None:
    try:
        return using(Logos).of(site)
    except (AvenueError, KeyError):  # then its name has to do
        return None


def _login_url() -> str:
    """Return the sign-in page, which leads back to the current page if it is one."""
    if request.method not in {"GET", "HEAD"}:
        return LOGIN_PATH
    query = request.query_string.decode("latin-1")
    # One slash: `//elsewhere` would be another host.
    path = quote("/" + request.path.lstrip("/\\"))
    return f"{LOGIN_PATH}?next={quote(f'{path}?{query}' if query else path)}"
