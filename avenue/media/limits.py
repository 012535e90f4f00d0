"""How much work one picture may make."""

from dataclasses import dataclass

MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """Bounds of opening one picture; a JPEG may have more pixels because it is decoded shrunk.

    `max_scans` counts the passes of a JPEG; `cpu_seconds` and `memory_mb` bind the decode process.
    """

    max_megapixels: int
    max_jpeg_megapixels: int
    max_side_pixels: int
    max_frames: int
    max_scans: int
    cpu_seconds: int
    memory_mb: int
