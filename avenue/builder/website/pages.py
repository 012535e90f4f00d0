"""Published pages at `/p/<slug>`, for everyone.

The answer is the same for every visitor, signed in or not, and contains no scripts; so shared
caches may keep it (`web/cache_policy.py`): one with products in it only briefly, since no purge
knows which pages show a product.
"""

from flask import Blueprint, Response, make_response, request
from werkzeug.utils import redirect

from avenue.builder.website.models import PicturedPage, path_of
from avenue.builder.website.presenting import address_of
from avenue.builder.website.previews import Previews
from avenue.builder.website.products import ProductCards, with_products
from avenue.builder.website.rendering import Documents, Surroundings, document, logo_of, mark_of
from avenue.builder.website.showing import ShownPages
from avenue.identity import Site
from avenue.web.cache_policy import cache_for_a_minute
from avenue.web.hosts import current_site
from avenue.web.language import gettext as _
from avenue.web.services import using
from avenue.web.site_frame import frame
from avenue.web.stylesheet import font_urls, style_url

POLICY = (
    "default-src 'none'; script-src 'none'; img-src * data:; style-src 'self' 'unsafe-inline'; "
    "media-src *; font-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)

blueprint = Blueprint("published", __name__)


@blueprint.get("/p/<slug>")
def show_published(slug: str) -> Response:
    """Show a published page; a moved one is redirected to its new address."""
    site = current_site()
    plain = using(ShownPages).at(site, slug)
    pictured = with_products(site, plain, using(ProductCards))
    if pictured is not plain:
        cache_for_a_minute()
    if pictured.page.slug != slug:
        response = make_response(redirect(address_of(site, pictured.page.slug), code=308))
    else:
        around = _surroundings(site, pictured)
        mark = mark_of(site, pictured, around)
        is_known = request.if_none_match.contains_weak(mark) or request.if_none_match.star_tag
        response = (
            Response(status=304, mimetype="text/html")
            if is_known
            else Response(using(Documents).get(site, pictured, mark, around), mimetype="text/html")
        )
        response.set_etag(mark)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/preview/<token>")
def show_preview(token: str) -> Response:
    """Show the draft of a page to anyone with a valid preview link."""
    site = current_site()
    pictured = using(ShownPages).previewed(site, using(Previews).page_of(site, token))
    pictured = with_products(site, pictured, using(ProductCards))
    note = _("This is a preview of a draft. Visitors cannot see it.")
    text = document(site, pictured, _surroundings(site, pictured), note=note)
    response = Response(text, mimetype="text/html")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"  # the URL is the permission
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _surroundings(site: Site, pictured: PicturedPage) -> Surroundings:
    page = pictured.page
    return Surroundings(
        style=style_url(site),
        fonts=font_urls(site),
        frame=lambda: frame(
            site,
            logo_of(site, pictured),
            path_of(page.slug),
            page.draft.locale,
            [(each.locale, path_of(each.slug)) for each in pictured.translations],
        ),
    )
