"""Input and output of the cleaning of pages."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The HTML inside `body`, and the CSS, of a page."""

    html: str
    css: str


class Reason(StrEnum):
    """The reason why a URL in a page is flagged."""

    LOCAL_PATH = "local_path"  # a file on a disk of one machine
    LOCALHOST = "localhost"  # a host that only one machine or one network can reach
    MALFORMED_ENTRY = "malformed_entry"  # malformed; it was removed
    # a `data:` URL of something other than a picture, or SVG; it was removed
    NOT_A_PICTURE = "not_a_picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """A URL that does not work for visitors of the page; `url` is truncated for display.

    The reasons are those of `Reason`, and for assets of a shown page `gone` and `private`.
    """

    url: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Content as it is stored: it uses `assets`, in the order of their first use."""

    content: Content
    assets: tuple[str, ...]
    flagged: tuple[Flagged, ...]


Keep = Callable[[bytes, str], str]
"""Stores the bytes of a picture with its declared media type; returns the id of its asset, or
raises."""

Link = Callable[[str, str], str | None]
"""Returns the URL of an asset as a variant, or None where visitors get none."""
