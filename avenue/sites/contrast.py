"""Whether people can read one colour on another (WCAG 2.2, success criteria 1.4.3 and 1.4.11)."""

from collections.abc import Mapping
from dataclasses import dataclass

from avenue.web.colours import EDGE_CONTRAST, TEXT_CONTRAST, contrast, rgb

USUAL = {"primary": "#17593f", "accent": "#17593f", "background": "#ffffff", "text": "#1c211d"}
"""The colours of a site that says nothing of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two colours of a site that meet, by name, and the ratio they need."""

    front: str
    behind: str
    least: float


PAIRS = (
    Pair(front="text", behind="background", least=TEXT_CONTRAST),
    Pair(front="accent", behind="background", least=TEXT_CONTRAST),
    Pair(front="primary", behind="background", least=EDGE_CONTRAST),
)


def too_weak(colors: Mapping[str, str]) -> list[tuple[Pair, float]]:
    """Return the pairs of a site's `colors` that are hard to tell apart, with their ratio."""
    shown = {**USUAL, **colors}
    found = [(pair, contrast(rgb(shown[pair.front]), rgb(shown[pair.behind]))) for pair in PAIRS]
    return [(pair, measured) for pair, measured in found if measured < pair.least]
