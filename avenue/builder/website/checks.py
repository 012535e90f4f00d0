"""Remarks on a draft before it is published. They do not prevent publishing."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from html.parser import HTMLParser

from avenue.builder.content.references import REFERENCE
from avenue.builder.website.models import PicturedPage
from avenue.identity import Site
from avenue.media.models import Asset
from avenue.media.presenting import has_sizes

HEAVY_BYTES = 1_000_000
"""The size from which a picture that comes in one size only is reported; a photo in sizes is not.
"""
MOST = 100
LONGEST_EXCERPT = 80
LATIN = "lorem ipsum"


class Kind(StrEnum):
    """Kinds of remark."""

    PLACEHOLDER_TEXT = "placeholder_text"
    EMPTY_LINK = "empty_link"
    PICTURE_WITHOUT_ALT = "picture_without_alt"
    HEAVY_PICTURE = "heavy_picture"
    BROKEN_ADDRESS = "broken_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A remark; `where` is a text of the page, a URL, or the name of a file."""

    kind: Kind
    where: str


def remarks_on(site: Site, pictured: PicturedPage, placeholders: Collection[str]) -> list[Remark]:
    """Return the remarks on the draft of a page, at most `MOST`, without duplicates.

    `placeholders` are the initial texts of blocks.
    """
    reader = _Reader(pictured.assets, frozenset(map(_plain, placeholders)))
    reader.feed(pictured.page.draft.html)
    reader.close()
    found = [*reader.remarks, *_heavy(site, pictured)]
    found += [Remark(kind=Kind.BROKEN_ADDRESS, where=each.url) for each in pictured.flagged]
    return list(dict.fromkeys(found))[:MOST]


def _heavy(site: Site, pictured: PicturedPage) -> Iterator[Remark]:
    for asset_id in sorted(pictured.page.draft.assets):
        asset = pictured.assets.get(asset_id)
        if asset and asset.current.bytes > HEAVY_BYTES and not has_sizes(site, asset):
            yield Remark(kind=Kind.HEAVY_PICTURE, where=asset.name)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


class _Reader(HTMLParser):
    """Parses cleaned HTML, in which every attribute value is quoted."""

    def __init__(self, assets: Mapping[str, Asset], placeholders: frozenset[str]) -> None:
        super().__init__()
        self.remarks: list[Remark] = []
        self._assets = assets
        self._placeholders = placeholders
        self._link: list[str] | None = None  # the texts inside a link without a target

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._end_link()
            self._link = [] if values.get("href", "").strip() in {"", "#"} else None
        elif tag == "img" and not self._is_described(values):
            source = values.get("src", "")
            named = REFERENCE.match(source)
            asset = self._assets.get(named["asset"]) if named else None
            self._remark(Kind.PICTURE_WITHOUT_ALT, asset.name if asset else source)

    def handle_data(self, data: str) -> None:
        text = _plain(data)
        if LATIN in text or text in self._placeholders:
            self._remark(Kind.PLACEHOLDER_TEXT, data)
        if self._link is not None:
            self._link.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._end_link()

    def close(self) -> None:
        """Finish the last element."""
        super().close()
        self._end_link()

    def _end_link(self) -> None:
        if self._link is not None:
            self._remark(Kind.EMPTY_LINK, "".join(self._link))
        self._link = None

    def _is_described(self, values: Mapping[str, str]) -> bool:
        """Return whether a picture has an alternative text, or an empty one on purpose."""
        if "alt" in values:
            return True
        named = REFERENCE.match(values.get("src", ""))
        asset = self._assets.get(named["asset"]) if named else None
        return asset is not None and (any(asset.alt.values()) or asset.decorative)

    def _remark(self, kind: Kind, where: str) -> None:
        text = " ".join(where.split())
        short = text if len(text) <= LONGEST_EXCERPT else f"{text[: LONGEST_EXCERPT - 1]}…"
        if len(self.remarks) < MOST:
            self.remarks.append(Remark(kind=kind, where=short))
