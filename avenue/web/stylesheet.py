"""`/theme.css`: the common style of a site's public pages, in one answer.

It contains the tokens of all pages, `css/theme.css`, the site's choices (`Site.theme`) and its
colours (`web.colours`), all in one cascade layer: styles of a page itself take precedence (CSS
Cascade 5, section 6.4). Fonts are served from here, never from elsewhere.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from flask import Flask, Response, current_app, make_response, request

from avenue.identity import Site
from avenue.theme import Corners, Font, Size, Theme
from avenue.web import colours
from avenue.web.assets import ENCODINGS, EXTENSION, FOLDER, IMMUTABLE, asset
from avenue.web.hosts import current_site

PATH = "/theme.css"
SHEETS = 100
"""Number of cached style sheets; each has some 20 kB."""
DIGITS = 12
SYSTEM = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A bundled variable font: its family, the fallback until it is loaded, and its weights."""

    family: str
    fallback: str
    weights: str


FACES = {
    Font.FIGTREE: Face(family="Figtree", fallback=SYSTEM, weights="300 900"),
    Font.INTER: Face(family="Inter", fallback=SYSTEM, weights="100 900"),
    Font.SOURCE_SERIF: Face(
        family="Source Serif 4", fallback="Georgia, Cambria, serif", weights="200 900"
    ),
}
LATIN = "latin"
RANGES = {
    LATIN: "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,"
    "U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD",
    "latin-ext": "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+1D00-1DBF,"
    "U+1E00-1E9F,U+1EF2-1EFF,U+2020,U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF",
}
"""The characters in each file of a font; the second one is fetched only if needed."""
TEXT_SIZES = {Size.SMALL: "1rem", Size.MEDIUM: "1.0625rem", Size.LARGE: "1.1875rem"}
STEPS = {Size.SMALL: "1.18", Size.MEDIUM: "1.24", Size.LARGE: "1.3"}
"""How much larger each heading is than the next one; less on phones."""
FLOWS = {Size.SMALL: "0.75rem", Size.MEDIUM: "1.125rem", Size.LARGE: "1.5rem"}
MEASURES = {Size.SMALL: "34rem", Size.MEDIUM: "42rem", Size.LARGE: "52rem"}
CORNERS = {Corners.SQUARE: "0", Corners.ROUNDED: "0.5rem", Corners.PILL: "99rem"}


def install(app: Flask) -> None:
    """Serve the style sheet; pages name it by `style_url`."""
    app.add_url_rule(PATH, "theme", _serve)
    app.add_template_global(style_url)
    app.add_template_global(font_urls)


def style_url(site: Site) -> str:
    """Return the address of the site's style sheet, with a hash of its content."""
    return f"{PATH}?v={_sheet(site)[1]}"


def font_urls(site: Site) -> list[str]:
    """Return the fonts to preload, so that text is shown in its font from the beginning."""
    return [_font_url(each, LATIN) for each in _bundled(site.theme)]


def style_sheet(theme: Theme, colors: Mapping[str, str]) -> str:
    """Return the whole style sheet of a site with this theme and these colours."""
    faces = "".join(_face(font, part) for font in _bundled(theme) for part in RANGES)
    own = f":root {{{_tokens(theme)} }}\n"
    layered = _file("tokens.css") + _file("theme.css") + own + colours.style_sheet(colors)
    return f"{faces}@layer theme {{\n{layered}}}\n"


def _sheet(site: Site) -> tuple[str, str]:
    """Return the style sheet of `site`, and a hash of it."""
    return _made(site.theme, tuple(site.colors.items()), current_app.extensions[EXTENSION])


@lru_cache(maxsize=SHEETS)
def _made(theme: Theme, colors: tuple[tuple[str, str], ...], _assets: str) -> tuple[str, str]:
    text = style_sheet(theme, dict(colors))
    return text, hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _tokens(theme: Theme) -> str:
    declared = {
        "font-text": _family(theme.text),
        "font-headings": _family(theme.headings),
        "text-size": TEXT_SIZES[theme.size],
        "step": STEPS[theme.size],
        "flow": FLOWS[theme.spacing],
        "measure": MEASURES[theme.measure],
        "button-radius": CORNERS[theme.buttons],
    }
    return "".join(f" --{name}: {value};" for name, value in declared.items())


def _family(font: Font) -> str:
    face = FACES.get(font)
    return f'"{face.family}", {face.fallback}' if face else SYSTEM


def _face(font: Font, part: str) -> str:
    face = FACES[font]
    # `optional`: a font that loads late is used on the next page, so that no text moves.
    return (
        f'@font-face {{ font-family: "{face.family}"; font-weight: {face.weights}; '
        f'font-display: optional; src: url("{_font_url(font, part)}") format("woff2"); '
        f"unicode-range: {RANGES[part]}; }}\n"
    )


def _bundled(theme: Theme) -> list[Font]:
    return [each for each in dict.fromkeys((theme.text, theme.headings)) if each in FACES]


def _font_url(font: Font, part: str) -> str:
    return asset(f"vendor/fonts/{font}-{part}-wght-normal.woff2")


@cache
def _file(name: str) -> str:
    return (FOLDER / "css" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=SHEETS)
def _encoded(text: str, coding: str) -> bytes:
    return ENCODINGS[coding](text.encode())


def _serve() -> Response:
    text, version = _sheet(current_site())
    coding = request.accept_encodings.best_match(ENCODINGS)
    response = make_response(_encoded(text, coding) if coding else text)
    if coding:
        response.headers["Content-Encoding"] = coding
    response.vary.add("Accept-Encoding")
    response.content_type = "text/css; charset=utf-8"
    is_current = request.args.get("v") == version
    # Another process may not know a change yet: its answer is not cached.
    response.headers["Cache-Control"] = IMMUTABLE if is_current else "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
