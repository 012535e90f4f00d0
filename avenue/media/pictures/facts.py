"""What is known about a picture once it has been opened, and what may be made of it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """A picture that can be shown.

    `width` and `height` are pixels as people see them: `orientation` (the EXIF tag, 1 to 8, 1 when
    there is none) is already applied. `frames` is what the file claims, 1 for a still picture.
    """

    width: int
    height: int
    orientation: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a page needs of a picture before it has loaded, and where its subject is.

    `color` is the dominant colour as `#rrggbb`, `placeholder` a WebP of less than 200 bytes,
    `focal` the default focal point: parts of width and height, from the upper left.
    """

    has_alpha: bool
    color: str
    placeholder: bytes
    focal: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A rendition to be made: names of `variants.VARIANTS` and `variants.FORMATS`.

    Without a `focal` point a cut is made around the picture's default one.
    """

    variant: str
    extension: str
    focal: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A finished rendition: its bytes hold upright sRGB pixels and nothing else."""

    variant: str
    extension: str
    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanCopy:
    """A picture without its metadata: how many bytes it has, and their hash, as hex.

    `removed` says what went, in words of `cleaning.REMOVABLE`.
    """

    removed: tuple[str, ...]
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Everything one decode told and made; `renditions` in the order they were wanted.

    `clean_copy` is None when there was nothing to remove, or nobody wanted it removed.
    """

    facts: PictureFacts
    look: Look
    renditions: Sequence[Rendition] = ()
    clean_copy: CleanCopy | None = None

    @property
    def width(self) -> int:
        """Pixels of the upright picture."""
        return self.facts.width

    @property
    def height(self) -> int:
        """Pixels of the upright picture."""
        return self.facts.height
