"""Pictures for sample products, drawn beside this process: a web process never loads Pillow."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from avenue.config import bare_environ
from avenue.errors import Unavailable

DRAW_SECONDS = 120
"""A picture takes two seconds; on a busy machine its process waits for its turn."""
_ROOT = Path(__file__).parents[2]


class NotDrawn(Unavailable):
    """A sample picture could not be drawn."""

    message = "A sample picture could not be drawn."
    hint = "Try again; the log of the process says more."


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePicture:
    """A picture to be drawn: a kind of thing, its colour (`#rrggbb`), pixels, and which shot.

    The same one has the same bytes each time, as long as Pillow is the same.
    """

    kind: str
    color: str
    width: int = 1600
    height: int = 1200
    shot: int = 0


def draw(picture: SamplePicture) -> bytes:
    """Return `picture` as a JPEG; raise `NotDrawn`."""
    size = f"{picture.width}x{picture.height}"
    order = [picture.kind, picture.color, size, str(picture.shot)]
    path = ":".join([str(_ROOT), *filter(None, sys.path)])
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "avenue.media.imaging.samples", *order],
            env={**bare_environ(), "PYTHONPATH": path},
            cwd="/",
            capture_output=True,
            timeout=DRAW_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NotDrawn from error
    return done.stdout
