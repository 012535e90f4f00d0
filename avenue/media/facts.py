"""What is known about a picture once it has been opened."""

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
