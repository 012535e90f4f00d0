"""Pictures and prices for the templates of the storefront."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

from avenue.identity import Site
from avenue.media.addresses import KnownPaths, targets_of
from avenue.media.elsewhere import sized
from avenue.media.models import Asset, External
from avenue.media.pictures.variants import VARIANTS, size_of
from avenue.media.presenting import DISPLAYED, WIDTHS, data_url, has_sizes, sources
from avenue.media.references import Fault
from avenue.media.urls import original_path, variant_path
from avenue.shop.models import Picture
from avenue.web.language import LANGUAGES, LOCALES, language
from avenue.web.pages import here

SHARED = ("og", "jpg")
"""The variant for link previews, and its format, because not all programs know WebP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One picture on a page. `src` is for browsers without `srcset`, `large` for zooming.

    `alt` is in `alt_language` if that is not the page's. `width` and `height` are None if unknown.
    `placeholder` is a data URL; it and `color` are not set for pictures with transparency.
    """

    src: str
    srcset: str = ""
    large: str
    width: int | None = None
    height: int | None = None
    alt: str = ""
    alt_language: str | None = None
    decorative: bool = False
    color: str | None = None
    placeholder: str | None = None
    external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The picture of a page in link previews: an absolute URL, its size if known."""

    url: str
    width: int | None = None
    height: int | None = None
    alt: str = ""


def reachable(site: Site, pictures: Sequence[Picture], known_paths: KnownPaths) -> list[Picture]:
    """Return the pictures that visitors can see: none on a disk, or on a private host."""
    urls = [each.url for each in pictures if isinstance(each, External)]
    targets = targets_of(site, urls, known_paths) if urls else {}
    return [
        each
        for each in pictures
        if not (isinstance(each, External) and isinstance(targets[each.url], Fault))
    ]


def shown(site: Site, pictures: Sequence[Picture]) -> list[Shown]:
    """Return `pictures` for the template."""
    return [_shown(site, each) for each in pictures]


def preview(site: Site, pictures: Sequence[Picture], name: str) -> Preview | None:
    """Return the link preview of a page: the first of `pictures`, called `name`."""
    if not pictures:
        return None
    first = pictures[0]
    if isinstance(first, External):
        return Preview(url=_secure(first.url), alt=name)
    alt, _ = alt_of(site, first)
    if not has_sizes(site, first):
        return Preview(
            url=site.base_url + original_path(first),
            width=first.current.width,
            height=first.current.height,
            alt=alt or name,
        )
    variant, extension = SHARED
    width, height = size_of(VARIANTS[variant], first.current.width or 1, first.current.height or 1)
    url = site.base_url + variant_path(first, variant, extension)
    return Preview(url=url, width=width, height=height, alt=alt or name)


def alt_of(site: Site, asset: Asset) -> tuple[str, str]:
    """Return a picture's text in the reader's language, else the site's, else any; and which.

    Both are "" if there is none, or if it is decorative.
    """
    if asset.decorative:
        return "", ""
    for each in (language(), site.language, *LANGUAGES, *asset.alt):
        if text := asset.alt.get(each):
            return text, each
    return "", ""


def site_price(site: Site, amount: Decimal | None, currency: str) -> str:
    """Return a price in the site's format, such as `Gs. 150.000`; "" without one."""
    if amount is None:
        return ""
    return str(format_currency(amount, currency, locale=_locale(site)))


def _locale(site: Site) -> Locale:
    """Return the site's number format: by its country, otherwise by its language."""
    text = site.locale.replace("-", "_")
    try:
        found = Locale.parse(LOCALES.get(text, text))
    except (UnknownLocaleError, ValueError):
        found = Locale.parse(LOCALES[LANGUAGES[0]])
    return found


def _shown(site: Site, picture: Picture) -> Shown:
    if isinstance(picture, External):
        return _shown_from_elsewhere(_secure(picture.url))
    version = picture.current
    alt, alt_language = alt_of(site, picture)
    at = [(width, here(url)) for width, url in sources(site, picture)]
    whole = original_path(picture)
    see_through = version.has_alpha
    return Shown(
        src=variant_path(picture, DISPLAYED) if at else whole,
        srcset=", ".join(f"{url} {width}w" for width, url in at),
        large=at[-1][1] if at else whole,
        width=version.width,
        height=version.height,
        alt=alt,
        alt_language=None if alt_language in {"", language()} else alt_language,
        decorative=picture.decorative,
        color=None if see_through else version.color,
        placeholder=None if see_through else data_url(version.placeholder),
    )


def _shown_from_elsewhere(address: str) -> Shown:
    """Return an external picture, in the sizes of its service if that is known."""
    at = [(row.width, sized(address, row.width)) for row in WIDTHS]
    return Shown(
        src=sized(address, VARIANTS[DISPLAYED].width) or address,
        srcset=", ".join(f"{url} {width}w" for width, url in at if url),
        large=address,
        external=True,
    )


def _secure(url: str) -> str:
    """Return the https address of an external picture, as browsers request it on https pages."""
    return f"https:{url.removeprefix('http:')}" if url.startswith("http:") else url
