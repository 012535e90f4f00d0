"""Models of an export and its result."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

FORMAT = 1
HEADER = "export.json"
MANIFEST = "manifest.jsonl"
TABLE = "products.csv"


class Part(StrEnum):
    """A part of a site that can be exported by itself."""

    PRODUCTS = "products"  # with groups
    MEDIA = "media"
    UPLOADS = "uploads"
    PAGES = "pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOrder:
    """What to export; private files only with `has_private`. A trial writes nothing."""

    parts: frozenset[Part]
    has_private: bool = False
    is_trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A file or record that could not be exported, and why."""

    id: str
    code: str
    message: str


@dataclass(slots=True, kw_only=True)
class Exported:
    """The numbers of exported things, and of written, kept and removed files."""

    products: int = 0
    groups: int = 0
    files: int = 0
    pages: int = 0
    private_left: int = 0
    written: int = 0
    written_bytes: int = 0
    kept: int = 0
    removed: int = 0


Tell = Callable[[Exported], None]
"""Called with the progress after each file."""
