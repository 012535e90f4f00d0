"""The facts of an opened picture, and descriptions of renditions."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """A picture that can be shown.

    `width` and `height` are pixels as people see them: `orientation` (the EXIF tag, 1 to 8, 1 if
    there is none) is already applied. `frames` is the number the file claims, 1 for a still
    picture.
    """

    width: int
    height: int
    orientation: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a page needs before the picture has loaded, and its focal point.

    `color` is the dominant colour as `#rrggbb`, `placeholder` a WebP of less than 200 bytes,
    `focal` the default focal point: fractions of width and height, from the upper left.
    """

    has_alpha: bool
    color: str
    placeholder: bytes
    focal: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A requested rendition: names of `variants.VARIANTS` and `variants.FORMATS`.

    Without a `focal` point it is cropped around the picture's default one.
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
    """A picture without its metadata: its length in bytes, and its hash as hex.

    `removed` lists what was removed, from `cleaning.REMOVABLE`.
    """

    removed: tuple[str, ...]
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """The results of one decode; `renditions` in the requested order.

    `clean_copy` is None if there was nothing to remove, or no removal was requested.
    """

    facts: PictureFacts
    look: Look
    renditions: Sequence[Rendition] = ()
    clean_copy: CleanCopy | None = None

    @property
    def width(self) -> int:
        """Width of the upright picture in pixels."""
        return self.facts.width

    @property
    def height(self) -> int:
        """Height of the upright picture in pixels."""
        return self.facts.height
