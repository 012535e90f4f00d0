"""A page as a standalone HTML file with its CSS, which links to the exported pictures."""

import re
from collections.abc import Callable
from html import escape

from avenue.builder.content.references import REFERENCE
from avenue.builder.website.models import Draft

POLICY = "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy: no scripts run, whatever was stored."""


def page_html(draft: Draft, address_of: Callable[[str, str], str]) -> str:
    """Return the page; `address_of` returns the path of a file by id and variant."""

    def placed(found: "re.Match[str]") -> str:
        return address_of(found["asset"], found["variant"])

    css = REFERENCE.sub(placed, draft.css).replace("</", "<\\/")
    return (
        f'<!doctype html>\n<html lang="{escape(draft.locale)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(draft.title)}</title>\n<style>\n{css}\n</style>\n</head>\n<body>\n"
        f"{REFERENCE.sub(placed, draft.html)}\n</body>\n</html>\n"
    )
