"""Generates sizes of an upload after the reply (`AVENUE_PIPELINE_MODE=eager-after`).

A thread of the process that received the upload does so; waiting uploads get a decode process
first. Sizes that it does not reach, because there are too many, the database stays unreachable or
the process ends, are generated on the first request, like any other size.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from avenue.errors import AvenueError, Unavailable
from avenue.media.models import Asset
from avenue.media.pictures.variants import DEFAULT_EXTENSION
from avenue.media.renditions.service import Renditions

MOST_WAITING = 500
"""Pictures in the queue; a new one displaces the oldest."""
PAUSE_SECONDS = 1.0
"""Pause when the database is unreachable or all decode processes are busy."""
MOST_SECONDS = 600.0
"""A picture is dropped this long after its first failure: its cluster may stay unreachable."""

log = logging.getLogger(__name__)


class LaterSizes:
    """A queue of pictures whose sizes are generated one picture at a time."""

    def __init__(self, renditions: Callable[[], Renditions]) -> None:
        """`renditions` is called for the first picture."""
        self._renditions = renditions
        self._waiting: deque[tuple[Asset, Sequence[str], float | None]] = deque(maxlen=MOST_WAITING)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def note(self, asset: Asset, variants: Sequence[str]) -> None:
        """Generate `variants` of `asset` soon."""
        with self._changed:
            self._waiting.append((asset, variants, None))
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="later-sizes", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                asset, variants, since = self._waiting.popleft()
            try:
                self.make(asset, variants)
            except Unavailable as error:
                self._put_back(asset, variants, since, error)
            except AvenueError:  # gone or replaced meanwhile, or damaged
                continue
            except Exception:
                log.exception("sizes of a picture were not made after its upload")

    def _put_back(
        self, asset: Asset, variants: Sequence[str], since: float | None, error: Unavailable
    ) -> None:
        """Let a picture wait again, unless it first failed (`since`) too long ago; then pause."""
        now = time.monotonic()
        since = now if since is None else since
        with self._changed:
            if now - since > MOST_SECONDS:
                log.warning(
                    "The sizes of picture %s were not made after its upload: %s",
                    asset.id,
                    error.message,
                )
            elif len(self._waiting) < MOST_WAITING:
                self._waiting.append((asset, variants, since))  # behind those of other clusters
            self._changed.wait_for(lambda: False, PAUSE_SECONDS)

    def make(self, asset: Asset, variants: Sequence[str]) -> None:
        """Generate the missing ones of `variants`; raise as `Renditions.make`."""
        renditions = self._renditions()
        missing = renditions.missing(asset, variants, DEFAULT_EXTENSION)
        if missing:
            renditions.make(asset, missing)
