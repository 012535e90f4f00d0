"""Pages come in and go out: what is stored does no harm and names no host."""

from collections.abc import Callable

from avenue.builder.content import css
from avenue.builder.content.addresses import Address, Incoming, Outgoing, Use
from avenue.builder.content.errors import ContentTooLarge
from avenue.builder.content.html import HTML, Style, rewritten_html
from avenue.builder.content.long_data import LongData
from avenue.builder.content.models import Content, Keep, Link, Received
from avenue.builder.content.references import reference
from avenue.identity import Site

MAX_RECEIVED_CHARACTERS = 32 * 1024 * 1024
"""Of HTML and of CSS each, with the pictures in it."""

MAX_STORED_CHARACTERS = {HTML: 1024 * 1024, css.CSS: 256 * 1024}
"""Of what is stored, when the pictures have left it."""

MAX_READ_CHARACTERS = {part: 2 * stored for part, stored in MAX_STORED_CHARACTERS.items()}
"""Of what is parsed, long `data:` URLs not counted: addresses are longer than the references that
are stored. `style` attributes count as CSS, those with the same text once. The worst of so much CSS
takes 70 MB and, in Python, one to two seconds."""


def received(content: Content, own: Site, keep: Keep) -> Received:
    """Return what is stored of a page that was sent.

    It is cleaned; addresses of assets on any host of `own` become references; each picture in the
    page itself is handed to `keep`. Doing it again with the result changes nothing. Raise
    `ContentTooLarge`, `ContentTooTangled`, `TooManyInlinePictures`, `BadInlinePicture`, and what
    `keep` raises.
    """
    long_data = LongData()
    address = Incoming(own, keep, long_data)
    stored = _read(content, long_data, address)
    for part, text in ((HTML, stored.html), (css.CSS, stored.css)):
        _bounded(text, part, MAX_STORED_CHARACTERS[part])
    return Received(content=stored, assets=address.assets, flagged=address.flagged)


def expanded(
    content: Content, link: Link, is_hidden: Callable[[str], bool] = lambda _: False
) -> Content:
    """Return stored content as a browser is given it, with `link` for each reference.

    Where `link` gives None, a picture is left without address, so that its `alt` text is shown; a
    link becomes plain text; and a background is none. So is a picture elsewhere whose address
    `is_hidden`. Received again, what had a URL is what it was; so for an editor `link` has to give
    one for every asset, and nothing is hidden.
    """
    address = Outgoing(link, is_hidden)
    pictures = _pictures(address)
    return Content(
        html=rewritten_html(content.html, address, lambda text: css.expanded(text, pictures)),
        css=css.expanded(content.css, pictures),
    )


def tidied(content: Content) -> Content:
    """Return stored content that nobody has cleaned as it may be shown, references as they are.

    Nothing is kept of pictures in it, and own addresses stay as they stand: `received` does that
    when it is saved. Raise `ContentTooLarge` or `ContentTooTangled`.
    """
    return _read(content, LongData(), Outgoing(reference))


def _read(content: Content, long_data: LongData, address: Address) -> Content:
    """Return cleaned content; what is parsed of it is bounded first."""
    texts = {HTML: content.html, css.CSS: content.css}
    for part, text in texts.items():
        short = long_data.taken_out(_bounded(text, part, MAX_RECEIVED_CHARACTERS))
        texts[part] = _bounded(short, part, MAX_READ_CHARACTERS[part])
    pictures = _pictures(address)
    style = _sparing(lambda text: css.cleaned_declarations(text, pictures), len(texts[css.CSS]))
    html, sheet = rewritten_html(texts[HTML], address, style), css.cleaned(texts[css.CSS], pictures)
    return Content(html=_whole(html, HTML, long_data), css=_whole(sheet, css.CSS, long_data))


def _sparing(style: Style, read: int) -> Style:
    """Return `style` that reads each text once, and what came of it never.

    Raise `ContentTooLarge` where they have too many characters, `read` of which are read.
    """
    known: dict[str, str] = {}

    def once(text: str) -> str:
        nonlocal read
        if text not in known:
            read += len(text)
            if read > MAX_READ_CHARACTERS[css.CSS]:
                raise ContentTooLarge(part=css.CSS, limit=MAX_READ_CHARACTERS[css.CSS])
            known[text] = style(text)
            known.setdefault(known[text], known[text])
        return known[text]

    return once


def _whole(text: str, part: str, long_data: LongData) -> str:
    """Return `text` with what of `long_data` is left in it; raise `ContentTooLarge`."""
    if long_data.whole_length(text) > MAX_READ_CHARACTERS[part]:
        raise ContentTooLarge(part=part, limit=MAX_READ_CHARACTERS[part])
    return long_data.put_back(text)


def _pictures(address: Address) -> css.PictureAddress:
    return lambda url: address(url, Use.PICTURE)


def _bounded(text: str, part: str, limit: int) -> str:
    """Return `text` without halves of characters; raise `ContentTooLarge`."""
    if len(text) > limit:
        raise ContentTooLarge(part=part, limit=limit)
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
