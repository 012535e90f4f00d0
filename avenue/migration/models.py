"""What is told of a file that was put into Avenue or taken out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file in Avenue; `url` is absolute and names these very bytes.

    `created` is False when it was there before. `width` and `height` are pixels of the upright
    picture, None where it is none.
    """

    id: str
    url: str
    name: str
    media_type: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    created: bool
