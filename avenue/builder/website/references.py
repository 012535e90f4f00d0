"""Pictures in stored HTML, which has a fixed form, and removal of assets from drafts."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from avenue.builder.content.cleaning import expanded
from avenue.builder.content.models import Content
from avenue.builder.content.references import REFERENCE, reference
from avenue.builder.website.models import Draft

_PICTURE = re.compile(r"""<img((?:\s+[^\s"'<>/=]+(?:="[^"]*")?)*)\s*/?>""")
_ATTRIBUTE = re.compile(r"""\s([^\s"'<>/=]+)(?:="([^"]*)")?""")

Picture = Mapping[str, str]
"""The attributes of an `<img>` as in the HTML."""


def with_pictures(html: str, changed: Callable[[Picture], Mapping[str, str] | None]) -> str:
    """Return stored HTML with what `changed` adds to each `<img>`, in order; None removes it."""

    def put(tag: re.Match[str]) -> str:
        more = changed(dict(_ATTRIBUTE.findall(tag[1])))
        if more is None:
            return ""
        added = "".join(f' {name}="{value}"' for name, value in more.items())
        return f"<img{tag[1]}{added}>"

    return _PICTURE.sub(put, html)


def asset_in(address: str) -> tuple[str, str] | None:
    """Return asset and variant of a reference; None for anything else."""
    found = REFERENCE.fullmatch(address)
    return (found["asset"], found["variant"]) if found else None


def without(draft: Draft, gone: Collection[str]) -> Draft:
    """Return `draft` without `gone`: pictures are removed, links become text, backgrounds none."""
    html = with_pictures(draft.html, lambda each: None if _is_of(each, gone) else {})
    found = expanded(
        Content(html=html, css=draft.css),
        lambda asset, variant: None if asset in gone else reference(asset, variant),
    )
    # A reference in plain text, not in a URL, would still be counted as a use.
    left = [
        REFERENCE.sub(lambda each: "" if each["asset"] in gone else each[0], text)
        for text in (found.html, found.css)
    ]
    image = None if draft.seo.image in gone else draft.seo.image
    return replace(draft, html=left[0], css=left[1], seo=replace(draft.seo, image=image))


def _is_of(picture: Picture, assets: Collection[str]) -> bool:
    named = asset_in(picture.get("src", ""))
    return named is not None and named[0] in assets
