"""Adds the counts of a web process to those of the whole deployment, once a minute."""

import logging
import threading
from collections.abc import Callable

from avenue.errors import Unavailable
from avenue.health.history.traffic.models import Counts
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.identity import new_id

EVERY_SECONDS = 60.0

log = logging.getLogger(__name__)


class Reporter:
    """Adds what this process counts from now on.

    What could not be added is sent again under the same number, so that it counts once even if only
    the answer was lost. Counts that a killed process had not added are lost.
    """

    def __init__(
        self,
        store: MongoTrafficStore,
        counted: Callable[[], Counts],
        *,
        admit: Callable[[], None] = lambda: None,
    ) -> None:
        """`admit` raises `Unavailable` while nothing may be written to the database."""
        self._store = store
        self._admit = admit
        self._counted = counted
        self._process = new_id()
        self._number = 0
        self._taken = counted()
        self._waiting = Counts()
        self._lock = threading.Lock()

    def report(self) -> None:
        """Add the counts since the last time; raise `Unavailable`, then they wait."""
        with self._lock:
            self._hand_over()
            now = self._counted()
            self._waiting, self._taken = now.since(self._taken), now
            self._number += 1
            self._hand_over()

    def run_forever(self, stop: threading.Event) -> None:
        """Report once a minute until `stop` is set."""
        while not stop.wait(EVERY_SECONDS):
            try:
                self.report()
            except Unavailable:
                log.info("The traffic counted here waits for the database.")
            except Exception:
                log.exception("The traffic counted here could not be added.")

    def _hand_over(self) -> None:
        if self._waiting:
            self._admit()
            self._store.add(self._process, self._number, self._waiting)
            self._waiting = Counts()
