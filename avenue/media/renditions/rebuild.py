"""Generates missing renditions, after a change of the table or the encoders.

Originals are only read. Outdated renditions are deleted by the next sweep.
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
    """Goes through all live pictures of all sites in the order of their ids."""

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
        """Generate the missing ones of `variants`, after the asset `cursor`.

        `save` is called with the last asset, how many are done and how many there are. Return how
        many renditions were generated since `cursor`, and how many pictures could not be read.
        Raise `Unavailable` if database or decoders are unreachable or busy.
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
        missing = self._renditions.missing(asset, named, DEFAULT_EXTENSION)
        if not missing:
            return
        began_at = time.monotonic()
        try:
            counts["made"] += len(self._renditions.make(asset, missing))
        except Unavailable:
            raise  # not a fault of this picture: the job continues with it later
        except AvenueError:  # damaged, or deleted meanwhile: left to the inspection and the sweeper
            counts["failed"] += 1
        self._sleep((time.monotonic() - began_at) * REST)
