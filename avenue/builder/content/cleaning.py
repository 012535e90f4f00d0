"""Pages come in and go out: what is stored does no harm and names no host."""

from functools import cache

from avenue.builder.content import css
from avenue.builder.content.addresses import Address, Incoming, Outgoing, Use
from avenue.builder.content.errors import ContentTooLarge
from avenue.builder.content.html import HTML, rewritten_html
from avenue.builder.content.models import Content, Keep, Link, Received
from avenue.builder.content.references import reference
from avenue.identity import Site

MAX_RECEIVED_CHARACTERS = 32 * 1024 * 1024
"""Of HTML and of CSS each, with the pictures in it."""

MAX_STORED_CHARACTERS = {HTML: 1024 * 1024, css.CSS: 256 * 1024}
"""Of what is stored, when the pictures have left it."""


def received(content: Content, own: Site, keep: Keep) -> Received:
    """Return what is stored of a page that was sent.

    It is cleaned; addresses of assets on any host of `own` become references; each picture in the
    page itself is handed to `keep`. Doing it again with the result changes nothing. Raise
    `ContentTooLarge`, `ContentTooTangled`, `TooManyInlinePictures`, `BadInlinePicture`, and what
    `keep` raises.
    """
    address = Incoming(own, keep)
    html = _bounded(content.html, HTML, MAX_RECEIVED_CHARACTERS)
    sheet = _bounded(content.css, css.CSS, MAX_RECEIVED_CHARACTERS)
    pictures = _pictures(address)
    style = cache(lambda text: css.cleaned_declarations(text, pictures))
    html = rewritten_html(html, address, style)
    sheet = css.cleaned(sheet, pictures)
    for part, text in ((HTML, html), (css.CSS, sheet)):
        _bounded(text, part, MAX_STORED_CHARACTERS[part])
    return Received(
        content=Content(html=html, css=sheet), assets=address.assets, flagged=address.flagged
    )


def expanded(content: Content, link: Link) -> Content:
    """Return stored content as a browser is given it, with `link` for each reference.

    Where `link` gives None, a picture is left without address, so that its `alt` text is shown; a
    link becomes plain text; and a background is none. Received again, what had a URL is what it
    was; so for an editor `link` has to give one for every asset.
    """
    address = Outgoing(link)
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
    address = Outgoing(reference)
    pictures = _pictures(address)
    sheet = _bounded(content.css, css.CSS, MAX_STORED_CHARACTERS[css.CSS])
    html = _bounded(content.html, HTML, MAX_RECEIVED_CHARACTERS)
    return Content(
        html=rewritten_html(html, address, lambda text: css.cleaned_declarations(text, pictures)),
        css=css.cleaned(sheet, pictures),
    )


def _pictures(address: Address) -> css.PictureAddress:
    return lambda url: address(url, Use.PICTURE)


def _bounded(text: str, part: str, limit: int) -> str:
    """Return `text` without halves of characters; raise `ContentTooLarge`."""
    if len(text) > limit:
        raise ContentTooLarge(part=part, limit=limit)
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
