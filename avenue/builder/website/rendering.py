"""Renders a published page as an HTML document, the same for every visitor.

Everything in it that may change without publishing the page again (URLs of pictures, their
alternative texts, the name of the site) is an input of `mark_of`.
"""

import hashlib
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

from avenue.builder.content.cleaning import expanded
from avenue.builder.content.models import Content
from avenue.builder.content.references import REFERENCE
from avenue.builder.website.models import Draft, PicturedPage, is_shown
from avenue.builder.website.presenting import address_of, link_of
from avenue.builder.website.references import Picture, asset_in, with_pictures
from avenue.identity import Site
from avenue.media.addresses import is_out_of_reach
from avenue.media.models import Asset
from avenue.media.old_urls import legacy_path
from avenue.media.pictures.variants import (
    VARIANTS,
    Variant,
    form_on,
    own_rows,
    row_named,
    size_of,
    token,
)
from avenue.media.presenting import has_sizes, logo_shown, sources
from avenue.media.serving.cache import ByteCache
from avenue.media.urls import original_url, variant_url
from avenue.web.site_frame import Frame, Logo

REVISION = 7
"""Increased when the same page is to be rendered differently."""
SHARED = "og.jpg"
"""The picture for previews in other programs: not all of them support WebP."""
KEPT_BYTES = 8 * 1024 * 1024
SIZES = tuple(token("", name) for name in VARIANTS)
"""Represents the table of sizes: when a row changes, so do the URLs of every picture."""
MOST_SIZED = 1_000
"""Pictures of a page that get narrower sources: each makes its text twenty times as long."""
BASE_CSS = ":where(img,video){max-width:100%;height:auto}:where(body){margin:0}"
"""The base style of a page without the site's theme."""
NOTE_STYLE = (
    "margin:0;padding:.5rem 1rem;background:#1c2420;color:#fff;font:1rem/1.5 system-ui,sans-serif"
)
NO_PICTURE = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='160' height='120'%3E"
    "%3Cpath fill='%23999' fill-opacity='.2' d='M0 0h160v120H0z'/%3E%3C/svg%3E"
)
"""Shown for a picture without a URL, for which browsers show a broken one."""
MISSING = re.compile('<p class="avenue-missing">[^<]*</p>')
"""A picture that an editor still has to choose (`blocks.py`)."""
MAIN = re.compile(r"<main[\s>]")
FIRST_HEADING = re.compile(r"<h1[\s>]")
SECOND_HEADING = re.compile(r"<h2[\s>]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The parts of a page from its site: URLs of the style sheet and of `fonts`, and a `frame`.

    `style` represents everything in the sheet.
    """

    style: str
    fonts: Sequence[str]
    frame: Callable[[], Frame]


def logo_of(site: Site, pictured: PicturedPage) -> Logo | None:
    """Return the site's logo, if there is a public one."""
    logo = pictured.assets.get(pictured.logo or "")
    if logo is None or not is_shown(logo):
        return None
    return logo_shown(logo, has_sizes=has_sizes(site, logo))


def mark_of(site: Site, pictured: PicturedPage, around: Surroundings) -> str:
    """Return hex digits that change whenever the document may."""
    draft = pictured.page.draft
    told: list[object] = [
        REVISION,
        SIZES,
        site.base_url,
        site.hosts,
        site.name,
        site.language,
        site.shows_variants,
        sorted(site.sizes.items()),
        pictured.page.slug,
        draft,
        pictured.translations,
        sorted(pictured.lost_paths),
    ]
    if draft.themed:
        told += [around.style, site.theme.scheme, site.menu, site.legal]
        told += [*site.contact.items(), logo_of(site, pictured)]
    told += [_facts(pictured.assets.get(each)) for each in sorted(draft.assets)]
    return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Documents:
    """The documents of published pages; a worker caches at most `most_bytes` of them."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._kept = ByteCache(most_bytes)

    def get(self, site: Site, pictured: PicturedPage, mark: str, around: Surroundings) -> bytes:
        """Return the document of a page whose `mark_of` is `mark`."""
        kept: bytes | None = self._kept.get(mark)
        if kept is None:
            kept = document(site, pictured, around).encode()
            self._kept.put(mark, kept)
        return kept


def document(site: Site, pictured: PicturedPage, around: Surroundings, *, note: str = "") -> str:
    """Return the whole HTML document; `note` is a text above everything."""
    draft = pictured.page.draft
    html = MISSING.sub("", _with_sizes(site, draft, pictured.assets))
    found = expanded(
        Content(html=html, css=draft.css),
        link_of(site, pictured.assets),
        partial(_is_lost, site, pictured.lost_paths),
    )
    shown = with_pictures(found.html, lambda given: {} if "src" in given else {"src": NO_PICTURE})
    style = "".join(_style(found.css, around if draft.themed else None))
    above = f'<p role="note" style="{NOTE_STYLE}">{escape(note)}</p>\n' if note else ""
    body = (
        _framed(draft, above, shown, around.frame())
        if draft.themed
        else f"<body>\n{above}{shown}\n</body>"
    )
    look = f' data-theme="{site.theme.scheme}"' if draft.themed else ""
    head = "\n".join(_head(site, pictured))
    return (
        f'<!doctype html>\n<html lang="{escape(draft.locale)}"{look}>\n<head>\n'
        f'<meta charset="utf-8">\n{head}\n{style}</head>\n{body}\n</html>\n'
    )


def _is_lost(site: Site, lost_paths: Collection[str], url: str) -> bool:
    """Return whether visitors cannot get the picture at `url`, neither here nor elsewhere."""
    is_path = url.startswith("/") and not url.startswith("//")
    return is_out_of_reach(site, url) or (is_path and legacy_path(url) in lost_paths)


def _style(css: str, around: Surroundings | None) -> Iterator[str]:
    """Yield the styles of a document; those of the page itself come last."""
    if around is not None:
        for font in around.fonts:
            yield f'<link rel="preload" href="{escape(font)}" as="font" crossorigin>\n'
        yield f'<link rel="stylesheet" href="{escape(around.style)}">\n'
    own = (css if around else BASE_CSS + css).replace("</", "<\\/")
    if own:
        yield f"<style>{own}</style>\n"


def _framed(draft: Draft, above: str, html: str, frame: Frame) -> str:
    """Return the body of a page with its site around it: one `main`, and at least one `h1`."""
    element = "div" if MAIN.search(html) else "main"
    title = ""
    if not FIRST_HEADING.search(html):
        # A page that begins with its own headings does not get another visible one.
        unseen = ' class="unseen"' if SECOND_HEADING.search(html) else ""
        title = f"<h1{unseen}>{escape(draft.title)}</h1>\n"
    return (
        f'<body class="storefront">\n{above}{frame.header}\n'
        f'<{element} id="main" class="site-content" tabindex="-1">\n{title}{html}\n</{element}>\n'
        f"{frame.footer}\n</body>"
    )


def _facts(asset: Asset | None) -> object:
    """Return the properties of an asset that the document contains."""
    if asset is None or not is_shown(asset):
        return None
    alt = tuple(asset.alt.items())  # of several that would do, the first is shown
    return asset.id, asset.current.sha256, asset.focal_point, alt, asset.decorative


def _head(site: Site, pictured: PicturedPage) -> Iterator[str]:
    page, draft = pictured.page, pictured.page.draft
    title, address = draft.seo.title or draft.title, address_of(site, page.slug)
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title>"
    if draft.seo.description:
        yield _meta("name", "description", draft.seo.description)
    yield f'<link rel="canonical" href="{escape(address)}">'
    yield from _languages(site, pictured)
    yield '<link rel="icon" href="data:,">'  # none, or browsers ask for /favicon.ico
    yield _meta("property", "og:type", "website")
    yield _meta("property", "og:title", title)
    if draft.seo.description:
        yield _meta("property", "og:description", draft.seo.description)
    yield _meta("property", "og:url", address)
    yield _meta("property", "og:site_name", site.name)
    language, _, territory = draft.locale.partition("-")
    if territory:
        yield _meta("property", "og:locale", f"{language}_{territory}")
    chosen = [draft.seo.image] if draft.seo.image else []
    named = [found["asset"] for found in REFERENCE.finditer(draft.html)]
    shown = (pictured.assets.get(each) for each in [*chosen, *named])
    image = next((each for each in shown if each is not None and is_shown(each)), None)
    if image is not None:
        yield from _preview(site, draft, image)


def _languages(site: Site, pictured: PicturedPage) -> Iterator[str]:
    """Yield where search engines find the page in each language, if there are several."""
    if not pictured.translations[1:]:
        return
    for each in pictured.translations:
        address = escape(address_of(site, each.slug))
        yield f'<link rel="alternate" hreflang="{escape(each.locale)}" href="{address}">'
        if each.locale == site.locale:
            yield f'<link rel="alternate" hreflang="x-default" href="{address}">'


def _preview(site: Site, draft: Draft, image: Asset) -> Iterator[str]:
    """Yield what other programs show of a page: the picture chosen for it, or its first one."""
    width, height = image.current.width, image.current.height
    if has_sizes(site, image) and width and height:
        yield _meta("property", "og:image", variant_url(site, image, SHARED))
        for name, pixels in zip(
            ("width", "height"), size_of(VARIANTS["og"], width, height), strict=True
        ):
            yield _meta("property", f"og:image:{name}", str(pixels))
    else:
        yield _meta("property", "og:image", original_url(site, image))
    alt = alt_of(site, draft, image)
    if alt:
        yield _meta("property", "og:image:alt", alt)
    yield _meta("name", "twitter:card", "summary_large_image")


def _meta(kind: str, name: str, content: str) -> str:
    return f'<meta {kind}="{name}" content="{escape(content)}">'


def alt_of(site: Site, draft: Draft, asset: Asset) -> str:
    """Return what a picture shows, in the page's language, else the site's, else any."""
    if asset.decorative:
        return ""
    language = draft.locale.partition("-")[0]
    wanted = (draft.locale, language, site.language, *asset.alt)
    return next((asset.alt[each] for each in wanted if asset.alt.get(each)), "")


def _with_sizes(site: Site, draft: Draft, assets: Mapping[str, Asset]) -> str:
    """Return the HTML with what its own pictures lack: alt texts, measures, narrower sources.

    What the page says itself stays. All pictures but the first are loaded when they come near.
    Those behind `MOST_SIZED` lack the rest.
    """
    numbers = itertools.count()

    def more(given: Picture) -> dict[str, str]:
        number = next(numbers)
        found = {"loading": "lazy"} if number else {}
        named = asset_in(given.get("src", "")) if number < MOST_SIZED else None
        asset = assets.get(named[0]) if named else None
        if named and asset is not None and is_shown(asset):
            found |= _lacking(site, draft, asset, named[1], given)
        return {name: escape(value) for name, value in found.items() if name not in given}

    return with_pictures(draft.html, more)


def _lacking(
    site: Site, draft: Draft, asset: Asset, variant: str, given: Picture
) -> dict[str, str]:
    """Return the attributes of a picture that follow from its asset."""
    alt = alt_of(site, draft, asset)
    more = {"alt": alt} if alt or asset.decorative else {}  # none says: somebody has to write it
    width, height = asset.current.width, asset.current.height
    if width is None or height is None:
        return more
    row = row_named(form_on(site.sizes, variant)) if has_sizes(site, asset) else None
    if row is not None:
        width, height = size_of(row, width, height)
    if not given.keys() & {"width", "height", "style"}:
        more |= {"width": str(width), "height": str(height)}
    narrower = _narrower(site, asset, row, width)
    if len(narrower) > 1 and "srcset" not in given:
        more["srcset"] = ", ".join(f"{url} {wide}w" for wide, url in narrower)
        more["sizes"] = f"(max-width: {width}px) 100vw, {width}px"
    return more


def _narrower(site: Site, asset: Asset, row: Variant | None, width: int) -> list[tuple[int, str]]:
    """Return (width, URL) of what shows the same as `row` and is no wider, the narrowest first.

    Of a cut, those sizes of the site's own that have its ratio.
    """
    if row is None or row.height is None:
        return [(wide, url) for wide, url in sources(site, asset) if wide <= width]
    ratio = (row.width, row.height)
    same = {
        size_of(each, asset.current.width or 1, asset.current.height or 1)[0]: each.name
        for each in own_rows(site.sizes).values()
        if each.height is not None and each.width * ratio[1] == each.height * ratio[0]
    }
    return [(w, variant_url(site, asset, each)) for w, each in sorted(same.items()) if w <= width]
