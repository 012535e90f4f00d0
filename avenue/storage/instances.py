"""The processes of a deployment with several clusters: each polls the places of sites.

A record with a lease says which step of each move its process follows. A mover waits for all
processes with a valid lease. A stopped process is waited for no longer than its lease; its later
writes are refused by the server (`storage.refusing`).
"""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pymongo.errors import PyMongoError

from avenue.errors import Unavailable, sentence
from avenue.identity import new_id

if TYPE_CHECKING:
    from avenue.storage.connection import Database

INSTANCES = "instances"
LEASE_SECONDS = 3
TELL_SECONDS = 1.0
CALM_SECONDS = 0.5
BUSY_SECONDS = 0.05
"""How often a process polls, and how often while a site moves."""
LOOK_SECONDS = 1.0
MOST_WRITING_SECONDS = 1.0
"""How long running writes are waited for before a step is published anyway."""
PATIENCE_SECONDS = 15.0
SLOW = sentence("Some processes have not picked up where the sites are: {names}.")

log = logging.getLogger(__name__)


class Instance:
    """A process of the deployment, as registered in the home database."""

    def __init__(self, home: "Database") -> None:
        self._home = home
        self._id = new_id()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._told: tuple[dict[str, int], float] = ({}, 0.0)
        self._since: dict[str, float] = {}

    def begin(self) -> None:
        """Poll once, and from now on in a thread; do nothing if that was done already."""
        if self._thread is None and self._home.clusters:
            with self._lock:
                self._start()

    def _start(self) -> None:
        if self._thread is None and not self._over.is_set():
            self._look()
            self._thread = threading.Thread(target=self._go_on, name="directory", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Stop polling, and delete the registration."""
        with self._lock:
            self._over.set()
            if self._thread is None:
                return
            self._thread.join(2 * LOOK_SECONDS)
            try:
                with self._home.deadline(LOOK_SECONDS):
                    self._home.raw[INSTANCES].delete_one({"_id": self._id})
            except PyMongoError:  # its lease ends by itself
                log.debug("The record of this process stays until its lease is over.")

    def _go_on(self) -> None:
        while not self._over.wait(self._pause()):
            self._look()

    def _pause(self) -> float:
        return BUSY_SECONDS if self._home.directory.is_moving() else CALM_SECONDS

    def _look(self) -> None:
        try:
            with self._home.deadline(LOOK_SECONDS):
                shown = {"cluster": 1, "epoch": 1, "move.from": 1, "move.to": 1, "move.phase": 1}
                self._home.directory.learn(list(self._home.raw["sites"].find({}, shown)))
                self._tell()
        except PyMongoError as error:  # the last known state is used
            log.debug("Where the sites are could not be asked: %r", error)

    def _tell(self) -> None:
        epochs = self._gone_by(self._home.directory.epochs())
        before, at = self._told
        now = time.monotonic()
        if epochs == before and now - at < TELL_SECONDS:
            return
        told = {
            "epochs": {"$literal": epochs},
            "clusters": {"$literal": sorted(self._home.clusters)},
            "until": {"$add": ["$$NOW", LEASE_SECONDS * 1000]},
        }
        self._home.raw[INSTANCES].update_one({"_id": self._id}, [{"$set": told}], upsert=True)
        self._told = (epochs, now)

    def _gone_by(self, epochs: dict[str, int]) -> dict[str, int]:
        """Return `epochs`; for fenced sites, one step later if writers take too long."""
        known = self._home.directory.newest_epochs()
        now = time.monotonic()
        late = {each for each in epochs if epochs[each] < known.get(each, 0)}
        self._since = {each: self._since.get(each, now) for each in late}
        over = {each for each in late if now - self._since[each] > MOST_WRITING_SECONDS}
        return {each: known[each] if each in over else epoch for each, epoch in epochs.items()}


def wait_for_all(home: "Database", site_id: str, epoch: int) -> None:
    """Return once every process with a valid lease follows a step of a move.

    Raise `Unavailable` if one of them does not in time.
    """
    ends_at = time.monotonic() + PATIENCE_SECONDS
    behind = {f"epochs.{site_id}": {"$not": {"$gte": epoch}}}
    while names := _living(home, behind):
        if time.monotonic() > ends_at:
            raise Unavailable(SLOW, words={"names": ", ".join(sorted(names))})
        time.sleep(BUSY_SECONDS)


def without_clusters(home: "Database", names: Iterable[str]) -> list[str]:
    """Return the running processes that lack the URI of any of these clusters."""
    needed = sorted(set(names) & set(home.clusters))
    return _living(home, {"clusters": {"$not": {"$all": needed}}}) if needed else []


def _living(home: "Database", query: Mapping[str, object]) -> list[str]:
    alive = {"$expr": {"$gt": ["$until", "$$NOW"]}}
    instances = home.raw[INSTANCES]
    found = home.repeat(
        lambda: list(instances.find({**alive, **query}, {"_id": 1})), home.read_seconds
    )
    return [each["_id"] for each in found]
