"""The cluster of each site, as this process knows it from the collection `sites`.

A moving site has records on two clusters. Its `epoch` is raised with every step that processes must
know; an older state never replaces a newer one.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from avenue.identity import HOME_CLUSTER


class Phase(StrEnum):
    """The phase of a site's move."""

    COPYING = "copying"
    SETTLING = "settling"  # all was copied once; later changes are being copied
    FENCED = "fenced"  # writes wait
    SWITCHED = "switched"  # it is on the other cluster, and writes still wait
    KEPT = "kept"  # done; the previous cluster still has its copy
    PURGING = "purging"  # that is being deleted
    ABORTING = "aborting"  # the copy is being deleted


WRITES_WAIT = frozenset({Phase.FENCED.value, Phase.SWITCHED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The cluster of a site; `elsewhere` is another cluster that has records of it, too."""

    cluster: str
    epoch: int = 0
    elsewhere: str | None = None
    is_fenced: bool = False


class Directory:
    """Caches the places of sites for `seconds`.

    What is known is replaced and never changed, so readers need no lock.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = max(seconds, 1)
        self._known: dict[str, tuple[Place, float]] = {}
        self._changed = threading.Condition()
        self._writers: dict[str, int] = {}

    def learn(self, sites: Iterable[Mapping[str, Any]]) -> None:
        """Update from the documents of all sites."""
        good_until = time.monotonic() + self._seconds
        with self._changed:
            self._known = {
                each["_id"]: (self._newer(each["_id"], place_in(each)), good_until)
                for each in sites
            }
            self._changed.notify_all()

    def note(self, site: Mapping[str, Any]) -> str:
        """Update from the document of one site; return its cluster."""
        with self._changed:
            place = self._newer(site["_id"], place_in(site))
            noted = place, time.monotonic() + self._seconds
            self._known = {**self._known, site["_id"]: noted}
            self._changed.notify_all()
        return place.cluster

    def known(self, site_id: str) -> str | None:
        """Return the cluster of a site, None if unknown."""
        place = self._place(site_id)
        return place.cluster if place else None

    def is_fresh(self, site_id: str) -> bool:
        """Return whether that is still valid."""
        return time.monotonic() < self._known.get(site_id, (None, 0.0))[1]

    def epochs(self) -> dict[str, int]:
        """Return the last step of each moved site that this process follows.

        While requests that began to write before the fence are still running, that is the step
        before.
        """
        with self._changed:
            known = {site_id: place for site_id, (place, _) in self._known.items() if place.epoch}
            return {
                site_id: place.epoch - (place.is_fenced and self._writers.get(site_id, 0) > 0)
                for site_id, place in known.items()
            }

    def newest_epochs(self) -> dict[str, int]:
        """Return the newest known step of each moved site, without regard to writers."""
        return {site_id: place.epoch for site_id, (place, _) in self._known.items()}

    def not_of(self, cluster: str) -> list[str]:
        """Return the sites that have records on a cluster that is not theirs.

        They are being copied there, or were left there by a move, and must not be used.
        """
        known = self._known.items()
        return [site_id for site_id, (place, _) in known if place.elsewhere == cluster]

    def is_moving(self) -> bool:
        """Return whether any site has records on two clusters."""
        return any(place.elsewhere for place, _ in self._known.values())

    def begin_writing(self, site_id: str, seconds: float) -> bool:
        """Count a writer once writing is allowed; return False after `seconds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._is_fenced(site_id), seconds):
                return False
            self._writers[site_id] = self._writers.get(site_id, 0) + 1
            return True

    def end_writing(self, site_id: str) -> None:
        """Stop counting a writer."""
        with self._changed:
            self._writers[site_id] -= 1

    def _is_fenced(self, site_id: str) -> bool:
        place = self._place(site_id)
        return place is not None and place.is_fenced

    def _place(self, site_id: str) -> Place | None:
        return self._known.get(site_id, (None, 0.0))[0]

    def _newer(self, site_id: str, found: Place) -> Place:
        known = self._place(site_id)
        return known if known and known.epoch > found.epoch else found


def cluster_in(site: Mapping[str, Any]) -> str:
    """Return the cluster in the document of a site."""
    cluster = site.get("cluster", HOME_CLUSTER)
    return cluster if isinstance(cluster, str) else HOME_CLUSTER


def place_in(site: Mapping[str, Any]) -> Place:
    """Return the place in the document of a site."""
    cluster, move = cluster_in(site), site.get("move")
    epoch = site.get("epoch")
    if not isinstance(move, dict):
        return Place(cluster=cluster, epoch=epoch if isinstance(epoch, int) else 0)
    others = [each for each in (move.get("from"), move.get("to")) if each != cluster]
    return Place(
        cluster=cluster,
        epoch=epoch if isinstance(epoch, int) else 0,
        elsewhere=others[0] if others else None,
        is_fenced=move.get("phase") in WRITES_WAIT,
    )
