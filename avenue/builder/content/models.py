"""What goes into the cleaning of pages and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The HTML inside `body`, and the CSS, of a page."""

    html: str
    css: str


class Reason(StrEnum):
    """Why an address in a page deserves a look."""

    LOCAL_PATH = "local_path"  # a file on a disk that only one machine has, or had
    LOCALHOST = "localhost"  # a host that only one machine or one network can reach
    MALFORMED_ENTRY = "malformed_entry"  # no program can read it; it was left out
    NOT_A_PICTURE = "not_a_picture"  # a `data:` URL of something else, or SVG; it was left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """An address that visitors of the page get nothing from; `url` is cut to what can be shown."""

    url: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Content as it is stored: it names `assets`, in the order in which it does so first."""

    content: Content
    assets: tuple[str, ...]
    flagged: tuple[Flagged, ...]


Keep = Callable[[bytes, str], str]
"""Takes the bytes and declared media type of a picture, returns the id of its asset, or raises."""

Link = Callable[[str, str], str | None]
"""Returns the URL of an asset as a variant, or None where visitors get none."""
