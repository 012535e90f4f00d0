"""The table of answers that shared caches may store, and for how long.

Routes that are not in `ROUTES` are never shared. The others are shared only without sign-in: a GET
or HEAD without any of our cookies and without `Authorization`, at the canonical address, with no
query but the names in its row. The language of a shared page is the site's own; a person who has
chosen another has a cookie. An answer that sets a cookie or has written to the session is never
shared.

Answers that a purge can name are stored for the seconds of their row, which a site may change;
those that it cannot name (with a query) for a minute at most.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, Response, g, request, session

from avenue.identity import Site
from avenue.web.request_kinds import is_api

COOKIES = "avenue_"
"""The common prefix of all our cookies: session, language, theme, and one-time messages."""
STALE_SECONDS = 60
"""How long a cache may serve a stale copy while it revalidates."""
UNNAMED_SECONDS = 60
"""The maximum for answers that no purge can name."""
MOST_SECONDS = 7 * 24 * 3600
SHARED_STATUSES = frozenset({HTTPStatus.OK, HTTPStatus.NOT_MODIFIED, HTTPStatus.PERMANENT_REDIRECT})


class Kind(StrEnum):
    """Kinds of answers for which a site can set the seconds."""

    HOME = "home"
    LISTS = "lists"
    PRODUCTS = "products"
    PAGES = "pages"
    MENU_PAGES = "menu_pages"
    LEGAL_PAGES = "legal_pages"
    SITEMAP = "sitemap"


SECONDS: Mapping[Kind, int] = {
    Kind.HOME: 10 * 60,
    Kind.LISTS: 10 * 60,
    Kind.PRODUCTS: 5 * 60,
    Kind.PAGES: 30 * 60,
    Kind.MENU_PAGES: 3600,
    Kind.LEGAL_PAGES: 24 * 3600,
    Kind.SITEMAP: 3600,
}
"""The default seconds of each kind; 0 means not at all."""


def seconds_of(site: Site, kind: Kind) -> int:
    """Return for how long answers of a `kind` may be stored, on `site`."""
    return max(0, min(site.edge_seconds.get(kind, SECONDS[kind]), MOST_SECONDS))


def _kind_of_page(site: Site) -> Kind:
    """Return the kind of the current published page: legal page, menu page, or any other."""
    if any(each.to == request.path for each in site.legal):
        return Kind.LEGAL_PAGES
    if any(each.to == request.path for each in site.menu):
        return Kind.MENU_PAGES
    return Kind.PAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A route: its kind of answers, and the query parameters of a shared one.

    `is_for_all` routes give the same answer to everyone, signed in or not. A row without a kind
    cannot be named by a purge.
    """

    kind: Kind | Callable[[Site], Kind] | None
    names: frozenset[str] = frozenset()
    is_for_all: bool = False

    def seconds(self, site: Site) -> int:
        """Return for how long the answer to this request may be stored."""
        if self.kind is None:
            return UNNAMED_SECONDS
        kind = self.kind if isinstance(self.kind, Kind) else self.kind(site)
        seconds = seconds_of(site, kind)
        return min(seconds, UNNAMED_SECONDS) if request.args else seconds


_SITEMAP = Row(kind=Kind.SITEMAP, is_for_all=True)
ROUTES: Mapping[str, Row] = {
    "/": Row(kind=Kind.HOME, names=frozenset({"after"})),
    "/categories/<path:key>": Row(kind=Kind.LISTS, names=frozenset({"after", "attribute"})),
    "/products/<product_id>": Row(kind=Kind.PRODUCTS),
    "/products/<product_id>/<slug>": Row(kind=Kind.PRODUCTS),
    "/p/<slug>": Row(kind=_kind_of_page, is_for_all=True),
    "/status": Row(kind=None),
    "/status.json": Row(kind=None, is_for_all=True),
    "/status/badge.svg": Row(kind=None, is_for_all=True),
    "/sitemap.xml": _SITEMAP,
    "/sitemap/pages.xml": _SITEMAP,
    "/sitemap/products-<int:number>.xml": _SITEMAP,
    "/api/shop/products": Row(
        kind=Kind.LISTS,
        names=frozenset({"after", "attribute", "category", "group", "limit", "sort"}),
    ),
    "/api/shop/products/<product_id>": Row(kind=Kind.PRODUCTS),
    "/api/shop/groups": Row(kind=Kind.LISTS, names=frozenset({"after", "limit", "sort"})),
    "/api/shop/groups/<group_id>": Row(kind=Kind.PRODUCTS),
}
"""By the rule of each route."""


def install(app: Flask) -> None:
    """Mark the shareable answers of `app`; install it last, so that it runs first."""
    app.before_request(_begin)
    app.after_request(_mark)


def cache_for_a_minute() -> None:
    """Limit this answer to a minute, because no purge can name it."""
    g.edge_seconds = min(g.get("edge_seconds", 0), UNNAMED_SECONDS)


def cache_nowhere() -> None:
    """Keep this answer out of shared caches."""
    g.edge_seconds = 0


def uses_site_language() -> bool:
    """Return whether this page is in the language of its site unless a cookie says otherwise."""
    return bool(g.get("uses_site_language"))


def row_of(rule: str) -> Row | None:
    """Return the row of a route, None if its answers are never shared."""
    return ROUTES.get(rule)


def is_anonymous() -> bool:
    """Return whether the request has no credentials and no preferences."""
    return "Authorization" not in request.headers and not any(
        name.startswith(COOKIES) for name in request.cookies
    )


def _begin() -> None:
    row = _row()
    if row is None or "site" not in g:
        return
    g.edge_seconds = row.seconds(g.site) if _may_be_shared(row) else 0
    g.uses_site_language = not (is_api() or row.is_for_all or _is_signed_in())


def _row() -> Row | None:
    return ROUTES.get(request.url_rule.rule) if request.url_rule else None


def _is_signed_in() -> bool:
    return "Authorization" in request.headers or "_user_id" in session


def _may_be_shared(row: Row) -> bool:
    names = [name for name, _ in request.args.items(multi=True)]
    return (
        request.method in {"GET", "HEAD"}
        and (row.is_for_all or is_anonymous())
        and len(names) == len(set(names))
        and set(names) <= row.names
        and _is_spelt_as_usual()
    )


def _is_spelt_as_usual() -> bool:
    """Return whether the address is in the canonical form that a purge names."""
    path, question, query = str(request.environ.get("RAW_URI", "")).partition("?")
    return path == quote(request.path) and bool(question) == bool(query)


def _mark(response: Response) -> Response:
    row = _row()
    seconds = g.get("edge_seconds", 0)
    if row is None or not seconds or response.status_code not in SHARED_STATUSES:
        return response
    # Reading the session makes the answer depend on it; routes for everyone do not read it.
    if "Set-Cookie" in response.headers or (not row.is_for_all and session.modified):
        return response
    if response.status_code == HTTPStatus.PERMANENT_REDIRECT:
        seconds = min(seconds, UNNAMED_SECONDS)
    response.headers["Cache-Control"] = (
        f"public, max-age=0, s-maxage={seconds}, stale-while-revalidate={STALE_SECONDS}"
    )
    # For nginx, which uses only the seconds and removes this header.
    response.headers["X-Accel-Expires"] = str(seconds)
    response.vary.clear()
    if not row.is_for_all:
        response.vary.update(("Cookie", "Authorization"))
    if response.status_code == HTTPStatus.OK and "ETag" not in response.headers:
        response.add_etag()
        response.make_conditional(request)
    return response
