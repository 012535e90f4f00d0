"""`/site.css`: the site's own colours, adjusted until the text is readable.

Contrast is that of WCAG 2.2: at least 4.5 for text on its background, 3 for edges of controls, in
the light and in the dark theme. The storefront uses all colours, the sign-in page the accent only,
and the panel none: it looks the same on every site.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Flask, Response, make_response, request

from avenue.web.assets import IMMUTABLE
from avenue.web.hosts import current_site

TEXT_CONTRAST, EDGE_CONTRAST = 4.5, 3.0
STEPS = 100
LINEAR_UP_TO = 0.04045
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
DARK_LUMINANCE = 0.18
"""Below it white has a higher contrast than black."""

Rgb = tuple[int, int, int]
Tokens = Mapping[str, Rgb]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The colours of tokens.css that the others depend on, for the light and the dark theme."""

    paper: Rgb
    ground: Rgb
    ink: Rgb


LIGHT = Look(paper=WHITE, ground=(0xF3, 0xF4, 0xF1), ink=(0x1C, 0x21, 0x1D))
DARK = Look(paper=(0x1D, 0x21, 0x1F), ground=(0x12, 0x15, 0x13), ink=(0xEC, 0xEE, 0xEC))


def install(app: Flask) -> None:
    """Serve `/site.css`; base.html adds the site's revision to its address."""
    app.add_url_rule("/site.css", "site_colours", _serve)


def style_sheet(colors: Mapping[str, str]) -> str:
    """Return the custom properties derived from the site's `colors` (`#rrggbb` by name)."""
    own = {name: rgb(each) for name, each in colors.items()}
    rules = [
        *_in_both_looks("", lambda look: _accent(own, [look.paper, look.ground], look)),
        *_in_both_looks(" body.storefront", lambda look: _storefront(own, look)),
    ]
    return "\n".join(rules) + "\n" if rules else ""


def rgb(text: str) -> Rgb:
    """Return `#rrggbb` as numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: Rgb) -> float:
    """Return the relative luminance of a colour, 0 to 1 (WCAG 2.2)."""
    red, green, blue = map(_linear, color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable(color: Rgb, grounds: Sequence[Rgb], least: float) -> Rgb:
    """Return `color`, darkened or lightened as little as needed for the contrast with `grounds`."""
    end = _opposite(grounds)
    for step in range(STEPS + 1):
        moved = mixed(color, end, step / STEPS)
        if all(contrast(moved, each) >= least for each in grounds):
            return moved
    return end


def on(color: Rgb) -> Rgb:
    """Return black or white, whichever has the higher contrast on `color`: at least 4.58."""
    return BLACK if contrast(color, BLACK) >= contrast(color, WHITE) else WHITE


def mixed(one: Rgb, other: Rgb, part: float) -> Rgb:
    """Return `one` mixed with `part` (0 to 1) of `other`."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _linear(channel: int) -> float:
    part = channel / 255
    return part / 12.92 if part <= LINEAR_UP_TO else float(((part + 0.055) / 1.055) ** 2.4)


def _opposite(grounds: Sequence[Rgb]) -> Rgb:
    """Return black or white: whichever has the higher contrast with the worst of `grounds`."""
    return max((BLACK, WHITE), key=lambda end: min(contrast(end, each) for each in grounds))


def _accent(own: Tokens, grounds: Sequence[Rgb], look: Look) -> Tokens:
    """Return the tokens of buttons and links; they must be readable on the soft shade, too."""
    color = own.get("accent") or own.get("primary")
    if color is None:
        return {}
    soft = mixed(grounds[0], readable(color, grounds, TEXT_CONTRAST), 0.12)
    if contrast(look.ink, soft) < TEXT_CONTRAST:
        soft = grounds[0]
    accent = readable(color, [*grounds, soft], TEXT_CONTRAST)
    return {"accent": accent, "on-accent": on(accent), "accent-soft": soft}


def _storefront(own: Tokens, look: Look) -> Tokens:
    """Return the tokens of the storefront.

    Background and text are for the light theme; a site that is dark itself has them in both.
    """
    ground = own.get("background", look.ground)
    is_own = look is LIGHT or luminance(ground) < DARK_LUMINANCE
    brand = {"brand": own["primary"], "on-brand": on(own["primary"])} if "primary" in own else {}
    if not is_own or not {"background", "text"} & own.keys():
        return brand
    far = _opposite([ground])
    near = WHITE if far == BLACK else BLACK
    # Away from the text, so that text readable on the background is readable on cards, too.
    paper = mixed(ground, near, 0.4)
    grounds = [paper, ground]
    ink = readable(own.get("text", far), grounds, TEXT_CONTRAST)
    own_look = Look(paper=paper, ground=ground, ink=ink)
    accent = own if {"accent", "primary"} & own.keys() else {"accent": ink}
    return {
        **brand,
        "paper": paper,
        "ground": ground,
        "sunken": mixed(ground, ink, 0.06),
        "ink": ink,
        "faint": readable(mixed(ink, ground, 0.3), grounds, TEXT_CONTRAST),
        "line": readable(mixed(ink, ground, 0.5), grounds, EDGE_CONTRAST),
        "hairline": mixed(ink, ground, 0.82),
        **_accent(accent, grounds, own_look),
    }


def _in_both_looks(below: str, tokens: Callable[[Look], Tokens]) -> list[str]:
    """Return the rules for `below` the root; each theme gets only its own tokens."""
    return [
        rule
        for name, look in (("light", LIGHT), ("dark", DARK))
        if (declared := _declared(tokens(look)))
        for rule in (
            f':root[data-theme="{name}"]{below} {{{declared} }}',
            f"@media (prefers-color-scheme: {name}) "
            f'{{ :root[data-theme="auto"]{below} {{{declared} }} }}',
        )
    ]


def _declared(tokens: Tokens) -> str:
    return "".join(f" --{name}: {_hex(each)};" for name, each in tokens.items())


def _hex(color: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _serve() -> Response:
    site = current_site()
    response = make_response(style_sheet(site.colors))
    response.content_type = "text/css; charset=utf-8"
    is_current = request.args.get("v") == str(site.revision)
    # Another process may not know a change yet: its answer is not cached.
    response.headers["Cache-Control"] = IMMUTABLE if is_current else "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
