"""`/status`, `/status.json` and `/status/badge.svg`, where a site has chosen to show them."""

from typing import Any
from xml.sax.saxutils import escape

from flask import Blueprint, Response, jsonify, request
from flask_babel import force_locale

from avenue.errors import NotFound
from avenue.health.views.public.models import Condition, Part, PublicStatus
from avenue.health.views.public.service import PublicStatusService
from avenue.identity import Site
from avenue.web.describing import described
from avenue.web.fields import facts_of
from avenue.web.headers import STOREFRONT_POLICY
from avenue.web.hosts import current_site
from avenue.web.language import LOCALES, language, lazy_gettext
from avenue.web.pages import chosen_theme, page
from avenue.web.services import using
from avenue.web.site_frame import Logos, spoken

PARTS = {
    Part.PICTURES: lazy_gettext("Pictures"),
    Part.UPLOADS: lazy_gettext("Uploads"),
    Part.PAGES: lazy_gettext("Pages and products"),
    Part.DATABASE: lazy_gettext("Database"),
}
CONDITIONS = {
    Condition.OK: lazy_gettext("Operational"),
    Condition.DEGRADED: lazy_gettext("Degraded"),
    Condition.OUTAGE: lazy_gettext("Outage"),
}
VERDICTS = {
    Condition.OK: lazy_gettext("All systems operational"),
    Condition.DEGRADED: lazy_gettext("Some systems are degraded"),
    Condition.OUTAGE: lazy_gettext("Some systems are down"),
}
SIGNS = {
    Condition.OK: ("good", "✓"),
    Condition.DEGRADED: ("warn", "!"),
    Condition.OUTAGE: ("bad", "✕"),
}
LABEL = lazy_gettext("status")
COLOURS = {Condition.OK: "#1a7f37", Condition.DEGRADED: "#8a5a00", Condition.OUTAGE: "#b42318"}
CHARACTER, MARGIN, HEIGHT = 7, 12, 20
"""Pixels: the average character of the badge, the space beside its words, and the height."""

blueprint = Blueprint("public_status", __name__, template_folder="../../templates")


@blueprint.get("/status")
def show_status() -> Response:
    """Show whether the site works."""
    site, status = _asked()
    return page(
        "health/status.html",
        csp=STOREFRONT_POLICY,
        found=status,
        parts=PARTS,
        conditions=CONDITIONS,
        verdict=VERDICTS[status.state],
        signs=SIGNS,
        **_frame(site),
    )


@blueprint.get("/status.json")
@described(replies={200: PublicStatus}, refuses=(NotFound,))
def tell_status() -> Response:
    """Return whether the site works, without numbers and names. 404 where the site hides it."""
    return jsonify(facts_of(_asked()[1]))


@blueprint.get("/status/badge.svg")
def draw_badge() -> Response:
    """Draw whether the site works, in its language, for other pages."""
    site, status = _asked()
    with force_locale(LOCALES[spoken(site, site.locale)]):
        svg = badge(str(LABEL), str(CONDITIONS[status.state]), COLOURS[status.state])
    return Response(svg, mimetype="image/svg+xml")


def badge(label: str, word: str, colour: str) -> str:
    """Return an SVG with two words; `colour` is behind the second."""
    first, second = (len(each) * CHARACTER + MARGIN for each in (label, word))
    texts = "".join(
        f'<text x="{x}" y="14" text-anchor="middle">{escape(text)}</text>'
        for x, text in ((first / 2, label), (first + second / 2, word))
    )
    said = escape(f"{label}: {word}", {'"': "&quot;"})
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" height="{HEIGHT}" '
        f'role="img" aria-label="{said}"><rect width="{first}" height="{HEIGHT}" fill="#444"/>'
        f'<rect x="{first}" width="{second}" height="{HEIGHT}" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,Geneva,sans-serif" font-size="11">{texts}</g></svg>'
    )


def _asked() -> tuple[Site, PublicStatus]:
    """Return the site and its status; raise `NotFound` where that is not shown."""
    site = current_site()
    if not site.has_status_page:
        raise NotFound
    return site, using(PublicStatusService).of(site.id)


def _frame(site: Site) -> dict[str, Any]:
    return {
        "logo": using(Logos).of(site),
        "here_path": request.path,
        "theme": chosen_theme() or site.theme.scheme,
        "canonical": f"{site.base_url}/status",
        "territory": LOCALES[language()],
        "preview": None,
    }
