"""Whatever colours a site has, everybody can read what is written in them."""

import random
import re

import pytest

from avenue.web.colours import contrast, luminance, on, readable, rgb, style_sheet
from tests.table import table

NAMES = ("primary", "accent", "background", "text")
RULE = re.compile(r':root\[data-theme="(light|dark|auto)"\]( body\.storefront)? \{([^}]*)\}')
TOKENS_CSS = {
    "light": {"paper": "#ffffff", "ground": "#f3f4f1", "ink": "#1c211d"},
    "dark": {"paper": "#1d211f", "ground": "#121513", "ink": "#eceeec"},
}


def looks_of(colors: dict[str, str]) -> dict[tuple[str, bool], dict[str, str]]:
    """The tokens in force by look, and whether it is the window."""
    rules = {
        (theme, bool(window)): dict(re.findall(r"--([\w-]+): (#\w{6});", body))
        for theme, window, body in RULE.findall(style_sheet(colors))
        if theme != "auto"
    }
    return {
        (theme, window): {
            **base,
            **rules.get((theme, False), {}),
            **(rules.get((theme, True), {}) if window else {}),
        }
        for theme, base in TOKENS_CSS.items()
        for window in (False, True)
    }


def some_colors(seed: int) -> dict[str, str]:
    draw = random.Random(seed)
    names = [each for each in NAMES if draw.random() < 0.7]
    return {each: f"#{draw.randrange(1 << 24):06x}" for each in names}


CASES = [
    dict.fromkeys(NAMES, color)
    for color in ("#000000", "#ffffff", "#777777", "#757575", "#ffff00", "#0000ff", "#ff0000")
]


@table("colors", [*CASES, *map(some_colors, range(60))])
def test_everything_can_be_read(colors: dict[str, str]) -> None:
    for (theme, window), token in looks_of(colors).items():
        told = f"{theme} {window} {token}"
        grounds = [rgb(token["paper"]), rgb(token["ground"])]
        for name, least in (("ink", 4.5), ("faint", 4.5), ("accent", 4.5), ("line", 3.0)):
            if name in token:
                assert min(contrast(rgb(token[name]), each) for each in grounds) >= least, told
        for name in ("accent", "brand"):
            if name in token:
                assert contrast(rgb(token[f"on-{name}"]), rgb(token[name])) >= 4.5, told
        if "accent-soft" in token:
            soft = rgb(token["accent-soft"])
            assert contrast(rgb(token["accent"]), soft) >= 4.5, told
            assert contrast(rgb(token["ink"]), soft) >= 4.5, told


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    token = looks_of({"accent": "#17593f", "background": "#fffaf0", "text": "#222222"})
    assert token["light", False]["accent"] == "#17593f"
    assert token["light", True]["ground"] == "#fffaf0"
    assert token["light", True]["ink"] == "#222222"
    assert token["dark", True]["ground"] == TOKENS_CSS["dark"]["ground"]


def test_a_dark_shop_is_dark_in_both_looks() -> None:
    token = looks_of({"background": "#101030"})
    assert token["light", True]["ground"] == token["dark", True]["ground"] == "#101030"
    assert token["light", False]["ground"] == TOKENS_CSS["light"]["ground"]


def test_a_site_without_colours_says_nothing() -> None:
    assert style_sheet({}) == ""


def test_contrast_is_that_of_the_standard() -> None:
    black, white = (0, 0, 0), (255, 255, 255)
    assert contrast(black, white) == pytest.approx(21)
    assert contrast((0x76, 0x76, 0x76), white) == pytest.approx(4.54, abs=0.005)
    assert luminance((255, 0, 0)) == pytest.approx(0.2126)
    assert on((255, 204, 0)) == black
    assert readable((255, 204, 0), [white], 4.5) != (255, 204, 0)
