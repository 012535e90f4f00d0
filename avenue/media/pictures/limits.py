"""Limits for the work that one picture may cause."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil

from avenue.media.pictures.variants import FORMATS

MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """Limits of opening one picture; a JPEG may have more pixels because it is decoded reduced.

    `max_scans` counts the passes of a JPEG; `cpu_seconds` and `memory_mb` limit the decode process.
    """

    max_megapixels: int
    max_jpeg_megapixels: int
    max_side_pixels: int
    max_frames: int
    max_scans: int
    cpu_seconds: int
    memory_mb: int

    def with_renditions(self, extensions: Iterable[str]) -> "ImageLimits":
        """Return these limits plus the allowance for renditions of `extensions`."""
        formats = [FORMATS[each] for each in extensions]
        return replace(
            self,
            cpu_seconds=self.cpu_seconds + ceil(sum(each.cpu_seconds for each in formats)),
            memory_mb=self.memory_mb + sum(each.memory_mb for each in formats),
        )
