"""Snippets of a picture for copying: its URL, HTML with `srcset`, Markdown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape

from avenue.builder.library.replies import Media
from avenue.identity import Site
from avenue.media.models import Asset
from avenue.media.pictures.variants import EAGER, ORIGINAL, VARIANTS, own_rows, size_of
from avenue.media.presenting import has_sizes
from avenue.media.urls import original_url, variant_path

MEANT_IN_MARKDOWN = re.compile(r"([\\\[\]])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """One size of a picture; `url` is absolute."""

    name: str
    width: int | None
    height: int | None
    url: str


def sizes_of(site: Site, picture: Asset) -> Sequence[Sized]:
    """Return every size of a picture, the original first, then cropped ones and widths."""
    version = picture.current
    original = Sized(
        name=ORIGINAL,
        width=version.width,
        height=version.height,
        url=original_url(site, picture),
    )
    if not has_sizes(site, picture) or version.width is None or version.height is None:
        return [original]
    found = [original]
    for name in (*EAGER, *(each for each in VARIANTS if each not in EAGER)):
        width, height = size_of(VARIANTS[name], version.width, version.height)
        url = site.base_url + variant_path(picture, name)
        if name in EAGER or (width, height) not in {(each.width, each.height) for each in found}:
            found.append(Sized(name=name, width=width, height=height, url=url))
    for name, row in own_rows(site.sizes).items():
        width, height = size_of(row, version.width, version.height)
        url = site.base_url + variant_path(picture, row.name)
        found.append(Sized(name=name, width=width, height=height, url=url))
    return found


def html_of(told: Media, alt: str) -> str:
    """Return the picture as an element from which the browser chooses a size."""
    shown = told["variants"].get("gallery")
    width = shown["width"] if shown else told["width"]
    height = shown["height"] if shown else told["height"]
    parts = [f'<img src="{escape(told["display_url"])}"']
    if told["srcset"]:
        parts.append(f'srcset="{escape(told["srcset"])}"')
        parts.append(f'sizes="(max-width: {width}px) 100vw, {width}px"')
    parts.append(f'width="{width}" height="{height}" alt="{escape(alt)}" loading="lazy">')
    return "\n  ".join(parts)


def markdown_of(told: Media, alt: str) -> str:
    """Return the picture in Markdown, in a size for pages."""
    words = MEANT_IN_MARKDOWN.sub(r"\\\1", " ".join(alt.split()))
    return f"![{words}]({told['display_url']})"
