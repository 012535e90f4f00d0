"""Pages for people: common parts.

A package renders its templates with `page`. They extend `narrow.html` (one small task),
`panel.html` (the panel, with its navigation) or `base.html`, and can use: `site`, `actor`,
`language`, `theme`, `asset()`, `csrf_token()`, `_()`, the filters `price`, `bytes`, `moment`, `day`
and `here`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from babel.numbers import format_currency, format_decimal
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    render_template,
    request,
)
from flask_babel import LazyString, format_date, format_datetime, get_locale, to_user_timezone
from werkzeug.utils import redirect

from avenue.errors import AvenueError, Unauthenticated
from avenue.identity import Actor, Role
from avenue.web import language as languages
from avenue.web.assets import asset
from avenue.web.auth import current_actor, require, safe_next
from avenue.web.hosts import current_site
from avenue.web.language import language, lazy_gettext as _
from avenue.web.listing import SAID

THEME_COOKIE = "avenue_theme"
SAID_COOKIE = "avenue_said"
SAID_SECONDS = 60
ONCE = (*SAID, "refused", "file")
"""The query parameters with a one-time message for the page."""
THEMES = ("auto", "light", "dark")
MOST_SHOWN = 99
"""Items behind a line of the navigation are counted up to this number."""
YEAR_SECONDS = 365 * 24 * 3600
EXTENSION = "avenue.navigation"
KILO = 1024
FROM_NEXT = 1000
"""From here on the next unit is used: 1 MB, not 1,021 kB."""

blueprint = Blueprint("preferences", __name__, template_folder="templates")


View = Callable[..., Response]
Errors = type[AvenueError] | tuple[type[AvenueError], ...]


class Group(Enum):
    """The groups of the panel's navigation, in this order."""

    STORE = _("Store")
    CONTENT = _("Content")
    SYSTEM = _("System")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the panel's navigation, for people with one of `roles` (any if empty).

    `title` is a lazy text, `path` its link, `icon` one of `icons.html`. `count` returns how many
    items wait there, reading no more than needed to count to `MOST_SHOWN`; None for more. `counted`
    says what is counted, if the title does not.
    """

    path: str
    title: LazyString
    icon: str
    group: Group
    roles: tuple[Role, ...] = ()
    count: Callable[[Actor], int | None] | None = None
    counted: LazyString | None = None

    def is_for(self, actor: Actor) -> bool:
        """Return whether `actor` may go there."""
        return actor.id is not None and (not self.roles or actor.has_role(*self.roles))


def install(app: Flask, navigation: Sequence[Entry]) -> None:
    """Provide templates with what they need, including `navigation` in this order."""
    app.extensions[EXTENSION] = tuple(navigation)
    app.register_blueprint(blueprint)
    app.context_processor(_at_hand)
    app.before_request(_say_once)
    app.after_request(_was_said)
    app.add_template_filter(price)
    app.add_template_filter(size, "bytes")
    app.add_template_filter(moment)
    app.add_template_filter(day)
    app.add_template_filter(local)
    app.add_template_filter(here)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def page(
    template: str,
    *,
    status: int = 200,
    error: AvenueError | None = None,
    csp: str | None = None,
    **facts: Any,
) -> Response:
    """Return the page rendered from `template`; it depends on the reader and their language.

    A page that shows an `error` has its status and headers. `csp` is a Content-Security-Policy
    other than that of most pages.
    """
    response = make_response(render_template(template, **facts), error.status if error else status)
    response.headers.update(error.headers if error else {})
    if csp:
        response.headers["Content-Security-Policy"] = csp
    response.vary.update(("Cookie", "Accept-Language"))
    return response


def shown_again(
    show: Callable[..., Response], errors: Errors = AvenueError, *, besides: Errors = ()
) -> Callable[[View], View]:
    """Answer the `errors` of a view, but those in `besides`, by `show(error, **its arguments)`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def careful(**arguments: str) -> Response:
            try:
                return view(**arguments)
            except besides:
                raise
            except errors as error:
                return show(error, **arguments)

        return careful

    return decorate


def see(path: str) -> Response:
    """Redirect the browser to `path` by GET, after a form was processed (RFC 9110, section 15.4.4).

    The message of `path` (`?said=`) is shown once: the cookie ends with the page that shows it.
    """
    response = make_response(redirect(path, code=303))
    if _says_something(parse_qsl(urlsplit(path).query)):
        response.set_cookie(
            SAID_COOKIE, "1", max_age=SAID_SECONDS, secure=request.is_secure, samesite="Lax"
        )
    return response


def _says_something(query: Iterable[tuple[str, str]]) -> bool:
    return any(name in {"said", "refused"} for name, _ in query)


def _say_once() -> Response | None:
    """Redirect from an address with a message to the one without, unless the message is new.

    So it is not repeated on a reload, or for someone who gets the link. A program with a token has
    no cookies.
    """
    told = [*request.args.items(multi=True)]
    if request.method != "GET" or not request.path.startswith(("/admin", "/login")):
        return None
    if not _says_something(told) or "Authorization" in request.headers:
        return None
    if SAID_COOKIE in request.cookies:
        g.was_said = True
        return None
    kept = [(name, value) for name, value in told if name not in ONCE]
    path = f"{request.path}?{urlencode(kept)}" if kept else request.path
    response = make_response(redirect(path))
    response.headers["Cache-Control"] = "no-store"
    return response


def _was_said(response: Response) -> Response:
    if g.get("was_said") and response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        response.delete_cookie(SAID_COOKIE)
    return response


@blueprint.post("/preferences")
def prefer() -> Response:
    """Store the chosen language and theme, and redirect to `next`."""
    response = see(safe_next(request.form.get("next")))
    for cookie, choices in ((languages.COOKIE, languages.LANGUAGES), (THEME_COOKIE, THEMES)):
        chosen = request.form.get(cookie.removeprefix("avenue_"), "")
        if chosen in choices:
            response.set_cookie(
                cookie,
                chosen,
                max_age=YEAR_SECONDS,
                secure=current_app.config["SESSION_COOKIE_SECURE"],
                httponly=True,
                samesite="Lax",
            )
    return response


@blueprint.get("/admin/counts")
@require()
def count_waiting() -> Response:
    """Return how many items wait behind lines of the navigation, by path; null for more than 99.

    The page requests it after loading (`js/everywhere.js`), so that it does not wait.
    """
    actor = current_actor()
    counts = {each.path: each.count(actor) for each in navigation() if each.count}
    return jsonify({path: count for path, count in counts.items() if count != 0})


def navigation() -> list[Entry]:
    """Return the navigation entries for the current person."""
    actor = reader()
    return [each for each in current_app.extensions[EXTENSION] if each.is_for(actor)]


def grouped(entries: Sequence[Entry]) -> list[tuple[LazyString, list[Entry]]]:
    """Return `entries` by the names of their groups; empty groups are left out."""
    found = [(group.value, [each for each in entries if each.group is group]) for group in Group]
    return [(title, lines) for title, lines in found if lines]


# Filters


def price(amount: Decimal | str | None, currency: str) -> str:
    """Return a price in the reader's format, such as `Gs. 150.000`; "" without one."""
    if amount is None:
        return ""
    return str(format_currency(Decimal(amount), currency, locale=get_locale()))


def size(count: float, kilo: int = KILO) -> str:
    """Return a number of bytes for people, such as `3,2 MB`; a kB has `kilo` of them."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if round(amount) < FROM_NEXT or unit == "TB":
            break
        amount /= kilo
    pattern = "#,##0" if unit in {"B", "kB"} else "#,##0.#"
    return f"{format_decimal(amount, pattern, locale=get_locale())} {unit}"


def moment(at: datetime) -> str:
    """Return date and time in the site's time zone and the reader's format, with `GMT-03:00`."""
    return f"{format_datetime(at, 'medium')} {format_datetime(at, 'ZZZZ')}"


def day(at: datetime) -> str:
    """Return the day in the site's time zone and the reader's format."""
    return str(format_date(at, "medium"))


def local(at: datetime) -> str:
    """Return a time in the site's time zone for a `datetime-local` field."""
    return f"{to_user_timezone(at):%Y-%m-%dT%H:%M}"


def here(url: str) -> str:
    """Return an own URL without its host: the reader may use another host of the site."""
    base = current_site().base_url
    if not url.startswith(f"{base}/"):
        return url
    parts = urlsplit(base)
    return url.removeprefix(f"{parts.scheme}://{parts.netloc}")


def _at_hand() -> dict[str, Any]:
    if not g.get("site"):
        return {"language": language(), "theme": theme(), "asset": asset}
    return {
        "site": current_site(),
        "site_name": current_site().name,
        "actor": reader(),
        "navigation": grouped(navigation()),
        "language": language(),
        "theme": theme(),
        "path": request.full_path.rstrip("?"),
    }


def reader() -> Actor:
    """Return the reader of a public page; an invalid token counts as not signed in."""
    try:
        return current_actor()
    except Unauthenticated:
        return Actor(site=current_site())


def theme() -> str:
    """Return `light`, `dark`, or `auto` for the setting of the system."""
    return chosen_theme() or THEMES[0]


def chosen_theme() -> str | None:
    """Return the chosen theme, None if none was chosen."""
    chosen = request.cookies.get(THEME_COOKIE)
    return chosen if chosen in THEMES else None
