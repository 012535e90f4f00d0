"""What an editor should look at before a page is published. Nothing of it stands in the way."""

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
"""So large is a picture that comes in one size only before it is named; a photo in sizes is not."""
MOST = 100
LONGEST_EXCERPT = 80
LATIN = "lorem ipsum"


class Kind(StrEnum):
    """What may be wrong."""

    PLACEHOLDER_TEXT = "placeholder_text"
    EMPTY_LINK = "empty_link"
    PICTURE_WITHOUT_ALT = "picture_without_alt"
    HEAVY_PICTURE = "heavy_picture"
    BROKEN_ADDRESS = "broken_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to look at; `where` is a text of the page, an address, or the name of a file."""

    kind: Kind
    where: str


def remarks_on(site: Site, pictured: PicturedPage, placeholders: Collection[str]) -> list[Remark]:
    """Return what is to be looked at in the draft of a page, at most `MOST`, each once.

    `placeholders` are the texts that blocks begin with.
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
    """Reads cleaned HTML, in which every attribute value is quoted."""

    def __init__(self, assets: Mapping[str, Asset], placeholders: frozenset[str]) -> None:
        super().__init__()
        self.remarks: list[Remark] = []
        self._assets = assets
        self._placeholders = placeholders
        self._link: list[str] | None = None  # the texts inside of a link that leads nowhere

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
        """Take what is left."""
        super().close()
        self._end_link()

    def _end_link(self) -> None:
        if self._link is not None:
            self._remark(Kind.EMPTY_LINK, "".join(self._link))
        self._link = None

    def _is_described(self, values: Mapping[str, str]) -> bool:
        """Tell whether a picture says what it shows, or that it shows nothing worth a word."""
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
