"""Pages for people: what all of them have in common.

A room renders its templates with `page`. They extend `narrow.html` (one small thing to do),
`panel.html` (the work of a site, with the navigation) or `base.html`, and have at hand: `site`,
`actor`, `language`, `theme`, `asset()`, `csrf_token()`, `_()`, the filters `price`, `bytes`,
`moment`, `day` and `here`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
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

from avenue.errors import Unauthenticated
from avenue.identity import Actor, Role
from avenue.web import language as languages
from avenue.web.assets import asset
from avenue.web.auth import current_actor, require, safe_next
from avenue.web.hosts import current_site
from avenue.web.language import language
from avenue.web.language import lazy_gettext as _
from avenue.web.listing import SAID

THEME_COOKIE = "avenue_theme"
SAID_COOKIE = "avenue_said"
SAID_SECONDS = 60
ONCE = (*SAID, "refused", "file")
"""What an address has for its page to say once."""
THEMES = ("auto", "light", "dark")
MOST_SHOWN = 99
"""What waits behind a line of the navigation is counted so far."""
YEAR_SECONDS = 365 * 24 * 3600
EXTENSION = "avenue.navigation"
KILO = 1024
FROM_NEXT = 1000
"""From here on the next unit is written: 1 MB, not 1,021 kB."""

blueprint = Blueprint("preferences", __name__, template_folder="templates")


class Group(Enum):
    """What a line of the panel's navigation stands under, in this order."""

    STORE = _("Store")
    CONTENT = _("Content")
    SYSTEM = _("System")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the panel's navigation, for somebody with one of `roles` (any if there are none).

    `title` is a lazy text, `path` where it leads, `icon` one of `icons.html`. `count` says how much
    waits there, reading no more than it takes to count to `MOST_SHOWN`; None for more. `counted`
    says what that is, where the title does not.
    """

    path: str
    title: LazyString
    icon: str
    group: Group
    roles: tuple[Role, ...] = ()
    count: Callable[[Actor], int | None] | None = None
    counted: LazyString | None = None

    def is_for(self, actor: Actor) -> bool:
        """Tell whether `actor` may go there."""
        return actor.id is not None and (not self.roles or actor.has_role(*self.roles))


def install(app: Flask, navigation: Sequence[Entry]) -> None:
    """Give templates what they need, `navigation` in this order among it."""
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


def page(template: str, *, status: int = 200, **facts: Any) -> Response:
    """Return the page made of `template`; it depends on who reads it and in which language."""
    response = make_response(render_template(template, **facts), status)
    response.vary.update(("Cookie", "Accept-Language"))
    return response


def see(path: str) -> Response:
    """Send the browser to `path` by GET, after a form was taken (RFC 9110, section 15.4.4).

    What `path` has to say (`?said=`) is said once: the cookie ends with the page that says it.
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
    """Lead from an address that has something to say to the one without, unless it is news.

    A reload and whoever got the link are told nothing. A program with a token has no cookies.
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
    """Keep the language and the theme a person chooses, and go back to `next`."""
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
    """Tell how much waits behind lines of the navigation, by path; null for more than 99.

    A page asks for it when it is there (`js/everywhere.js`), so that none has to wait.
    """
    actor = current_actor()
    counts = {each.path: each.count(actor) for each in navigation() if each.count}
    return jsonify({path: count for path, count in counts.items() if count != 0})


def navigation() -> list[Entry]:
    """Return where whoever asks may go."""
    actor = reader()
    return [each for each in current_app.extensions[EXTENSION] if each.is_for(actor)]


def grouped(entries: Sequence[Entry]) -> list[tuple[LazyString, list[Entry]]]:
    """Return `entries` under the names of their groups; a group without any is left out."""
    found = [(group.value, [each for each in entries if each.group is group]) for group in Group]
    return [(title, lines) for title, lines in found if lines]


# Filters


def price(amount: Decimal | str | None, currency: str) -> str:
    """Return a price as the reader writes it, as `Gs. 150.000`; "" when there is none."""
    if amount is None:
        return ""
    return str(format_currency(Decimal(amount), currency, locale=get_locale()))


def size(count: float, kilo: int = KILO) -> str:
    """Return a number of bytes as people say it, as `3,2 MB`; a kB has `kilo` of them."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if round(amount) < FROM_NEXT or unit == "TB":
            break
        amount /= kilo
    pattern = "#,##0" if unit in {"B", "kB"} else "#,##0.#"
    return f"{format_decimal(amount, pattern, locale=get_locale())} {unit}"


def moment(at: datetime) -> str:
    """Return date and time in the site's time zone as the reader writes them, with `GMT-03:00`."""
    return f"{format_datetime(at, 'medium')} {format_datetime(at, 'ZZZZ')}"


def day(at: datetime) -> str:
    """Return the day in the site's time zone as the reader writes it."""
    return str(format_date(at, "medium"))


def local(at: datetime) -> str:
    """Return a moment in the site's time zone as a field `datetime-local` has it."""
    return f"{to_user_timezone(at):%Y-%m-%dT%H:%M}"


def here(url: str) -> str:
    """Return an own URL without its host: the reader may have come by another name of the site."""
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
    """Return who asks for a page that is for everybody; whose token is not good is nobody there."""
    try:
        return current_actor()
    except Unauthenticated:
        return Actor(site=current_site())


def theme() -> str:
    """Return `light`, `dark`, or `auto` for what the system says."""
    return chosen_theme() or THEMES[0]


def chosen_theme() -> str | None:
    """Return what a person has chosen of that, None before they did."""
    chosen = request.cookies.get(THEME_COOKIE)
    return chosen if chosen in THEMES else None
