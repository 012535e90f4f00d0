"""Makes the renditions that are missing, after the table or the encoders have changed.

Originals are only read. What no longer belongs to a picture as it is goes with the next sweep.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from avenue.errors import AvenueError, Unavailable
from avenue.media.models import Asset
from avenue.media.pictures.variants import DEFAULT_EXTENSION
from avenue.media.renditions.service import Renditions
from avenue.media.store.swept import SweptStore

OWN = "own"
BATCH = 50
REST = 1.0  # times as long as the work took, so that half of the decoders are left to people

Save = Callable[[str, int, int], None]


class Rebuild:
    """Goes through every live picture of the house in the order of their ids."""

    def __init__(
        self,
        store: SweptStore,
        renditions: Renditions,
        sizes_of: Callable[[str], Sequence[str]],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`sizes_of` returns the names of a site's own sizes, which `OWN` stands for."""
        self._sizes_of = sizes_of
        self._store = store
        self._renditions = renditions
        self._sleep = sleep

    def run(self, variants: Sequence[str], cursor: str | None, save: Save) -> Mapping[str, int]:
        """Make what is missing of `variants`, from behind the asset `cursor` on.

        `save` is told the last asset, how many are done and how many there are. Return how many
        renditions were made since `cursor`, and how many pictures could not be read. Raise
        `Unavailable` when database or decoders are away or busy.
        """
        counts = {"made": 0, "failed": 0}
        last, total = cursor or "", self._store.count_live()
        done = self._store.count_live(up_to=last) if last else 0
        while assets := self._store.live_after(last, BATCH):
            for asset in assets:
                self._rebuild(asset, variants, counts)
                last, done = asset.id, done + 1
                save(last, done, max(total, done))
        return counts

    def _rebuild(self, asset: Asset, variants: Sequence[str], counts: dict[str, int]) -> None:
        own = self._sizes_of(asset.site) if OWN in variants else ()
        named = [*(each for each in variants if each != OWN), *own]
        wanted = [each for each in named if self._renditions.has(asset, each, DEFAULT_EXTENSION)]
        missing = self._renditions.missing(asset, wanted, DEFAULT_EXTENSION) if wanted else []
        if not missing:
            return
        began_at = time.monotonic()
        try:
            counts["made"] += len(self._renditions.make(asset, missing))
        except Unavailable:
            raise  # says nothing of this picture: the job goes on with it later
        except AvenueError:  # damaged, or gone meanwhile: the inspection and the sweeper see to it
            counts["failed"] += 1
        self._sleep((time.monotonic() - began_at) * REST)
