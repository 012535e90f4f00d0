"""Cleans pages when they are stored and delivered: what is stored is safe and contains no host."""

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
"""Of HTML and of CSS each, including inline pictures."""

MAX_STORED_CHARACTERS = {HTML: 1024 * 1024, css.CSS: 256 * 1024}
"""Of what is stored, without inline pictures."""

MAX_READ_CHARACTERS = {part: 2 * stored for part, stored in MAX_STORED_CHARACTERS.items()}
"""Of what is parsed, not counting long `data:` URLs: URLs are longer than the references that are
stored. `style` attributes count as CSS, identical ones once. In the worst case so much CSS takes
70 MB and, in Python, one to two seconds."""


def received(content: Content, own: Site, keep: Keep) -> Received:
    """Return what is stored of a submitted page.

    It is cleaned; URLs of assets on any host of `own` become references; each inline picture is
    passed to `keep`. Repeating it with the result changes nothing. Raise `ContentTooLarge`,
    `ContentTooTangled`, `TooManyInlinePictures`, `BadInlinePicture`, and what `keep` raises.
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
    """Return stored content for delivery, with `link` for each reference.

    Where `link` returns None, a picture gets no URL, so that nothing is requested; a link
    becomes plain text; and a background is removed. So is an external picture whose URL
    `is_hidden`. When the result is submitted again, everything that had a URL is as before; so for
    an editor `link` must return one for every asset, and nothing may be hidden.
    """
    address = Outgoing(link, is_hidden)
    pictures = _pictures(address)
    return Content(
        html=rewritten_html(content.html, address, lambda text: css.expanded(text, pictures)),
        css=css.expanded(content.css, pictures),
    )


def tidied(content: Content) -> Content:
    """Return stored content that was never cleaned in a safe form, with references unchanged.

    Inline pictures are removed, and own URLs stay: `received` handles them on the next save. Raise
    `ContentTooLarge` or `ContentTooTangled`.
    """
    return _read(content, LongData(), Outgoing(reference))


def _read(content: Content, long_data: LongData, address: Address) -> Content:
    """Return cleaned content; the amount that is parsed is limited first."""
    texts = {HTML: content.html, css.CSS: content.css}
    for part, text in texts.items():
        short = long_data.taken_out(_bounded(text, part, MAX_RECEIVED_CHARACTERS))
        texts[part] = _bounded(short, part, MAX_READ_CHARACTERS[part])
    pictures = _pictures(address)
    style = _sparing(lambda text: css.cleaned_declarations(text, pictures), len(texts[css.CSS]))
    html, sheet = rewritten_html(texts[HTML], address, style), css.cleaned(texts[css.CSS], pictures)
    return Content(html=_whole(html, HTML, long_data), css=_whole(sheet, css.CSS, long_data))


def _sparing(style: Style, read: int) -> Style:
    """Return `style` with a cache: each text is cleaned once, and a result is not cleaned again.

    Raise `ContentTooLarge` when they have too many characters, including the `read` ones.
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
    """Return `text` with the rest of `long_data` put back; raise `ContentTooLarge`."""
    if long_data.whole_length(text) > MAX_READ_CHARACTERS[part]:
        raise ContentTooLarge(part=part, limit=MAX_READ_CHARACTERS[part])
    return long_data.put_back(text)


def _pictures(address: Address) -> css.PictureAddress:
    return lambda url: address(url, Use.PICTURE)


def _bounded(text: str, part: str, limit: int) -> str:
    """Return `text` without surrogates; raise `ContentTooLarge`."""
    if len(text) > limit:
        raise ContentTooLarge(part=part, limit=limit)
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
