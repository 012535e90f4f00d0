"""Uploads on a container's disk, which the next deployment would delete."""

from collections.abc import Iterator, Sequence
from pathlib import Path

LEFT_FOLDERS = ("uploads", "media", "static/uploads")


def files_left(folders: Sequence[str], *, below: Path = Path()) -> Iterator[Path]:
    """Yield the files in `folders`."""
    for folder in folders:
        for path in (below / folder).rglob("*"):
            if path.is_file():
                yield path
