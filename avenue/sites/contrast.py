"""Whether people can read one colour on another (WCAG 2.2, success criteria 1.4.3 and 1.4.11)."""

from collections.abc import Mapping
from dataclasses import dataclass

TEXT_RATIO = 4.5
EDGE_RATIO = 3.0
USUAL = {"primary": "#17593f", "accent": "#17593f", "background": "#ffffff", "text": "#1c211d"}
"""The colours of a site that says nothing of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two colours of a site that meet, by name, and the ratio they need."""

    front: str
    behind: str
    least: float


PAIRS = (
    Pair(front="text", behind="background", least=TEXT_RATIO),
    Pair(front="accent", behind="background", least=TEXT_RATIO),
    Pair(front="primary", behind="background", least=EDGE_RATIO),
)


def ratio(one: str, other: str) -> float:
    """Return the contrast of two colours `#rrggbb`, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def too_weak(colors: Mapping[str, str]) -> list[tuple[Pair, float]]:
    """Return the pairs of a site's `colors` that are hard to tell apart, with their ratio."""
    shown = {**USUAL, **colors}
    found = [(pair, ratio(shown[pair.front], shown[pair.behind])) for pair in PAIRS]
    return [(pair, measured) for pair, measured in found if measured < pair.least]


def _luminance(color: str) -> float:
    red, green, blue = (_linear(int(color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB
