"""Makes the sizes of uploads that follow the reply (`AVENUE_PIPELINE_MODE=eager-after`).

One thread of the process that took the upload does, after all uploads that wait for a decode
process. What it does not come to, for it is too much or the process ends, is made when somebody
asks for it, as any other size.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from avenue.errors import AvenueError, Unavailable
from avenue.media.models import Asset
from avenue.media.pictures.variants import DEFAULT_EXTENSION
from avenue.media.renditions.service import Renditions

MOST_WAITING = 500
"""Pictures; the oldest are forgotten for later ones."""
PAUSE_SECONDS = 1.0
"""How long it rests when the database is away, or all decode processes are taken."""

log = logging.getLogger(__name__)


class LaterSizes:
    """Remembers pictures and makes sizes of them, one picture after the other."""

    def __init__(self, renditions: Callable[[], Renditions]) -> None:
        """`renditions` is called when the first are to be made."""
        self._renditions = renditions
        self._waiting: deque[tuple[Asset, Sequence[str]]] = deque(maxlen=MOST_WAITING)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def note(self, asset: Asset, variants: Sequence[str]) -> None:
        """Make `variants` of `asset` soon."""
        with self._changed:
            self._waiting.append((asset, variants))
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="later-sizes", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                asset, variants = self._waiting.popleft()
            try:
                self.make(asset, variants)
            except Unavailable:
                with self._changed:
                    if len(self._waiting) < MOST_WAITING:
                        self._waiting.appendleft((asset, variants))
                    self._changed.wait_for(lambda: False, PAUSE_SECONDS)
            except AvenueError:  # gone or replaced meanwhile, or damaged
                continue
            except Exception:
                log.exception("sizes of a picture were not made after its upload")

    def make(self, asset: Asset, variants: Sequence[str]) -> None:
        """Make those of `variants` that are missing; raise what `Renditions.make` does."""
        renditions = self._renditions()
        wanted = [each for each in variants if renditions.has(asset, each, DEFAULT_EXTENSION)]
        missing = renditions.missing(asset, wanted, DEFAULT_EXTENSION) if wanted else []
        if missing:
            renditions.make(asset, missing)
