"""Records the errors of a web process's requests, and stores them every few seconds."""

import logging
import threading
from collections.abc import Callable

from avenue.clock import utc_now
from avenue.errors import Unavailable
from avenue.health.history.failures.models import (
    LONGEST_NAME,
    MOST_KINDS,
    Occurrences,
    name_of,
    trace_of,
)
from avenue.health.history.failures.store import FailureStore

EVERY_SECONDS = 5.0

log = logging.getLogger(__name__)


class FailureRecorder:
    """Records errors in memory, at most 100 kinds; no request waits for the database.

    Each kind costs one write every few seconds, however many errors there were. What could not be
    written waits. Errors that a killed process had not written are only in its log.
    """

    def __init__(self, store: FailureStore, *, admit: Callable[[], None] = lambda: None) -> None:
        """`admit` raises `Unavailable` while nothing may be written to the database."""
        self._store = store
        self._admit = admit
        self._waiting: dict[tuple[str, str], Occurrences] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def note(self, error: Exception, *, route: str, status: int, request_id: str) -> None:
        """Record that a request ended in `error`; never raises."""
        try:
            self._note(error, route[:LONGEST_NAME], status, request_id)
        except Exception:
            log.exception("An error could not be noted.")

    def _note(self, error: Exception, route: str, status: int, request_id: str) -> None:
        key, at = (route, name_of(error)), utc_now()
        with self._lock:
            known = self._waiting.get(key)
            if known is None and len(self._waiting) >= MOST_KINDS:
                return
        seen = Occurrences(
            route=route,
            exception=key[1],
            status=status,
            count=1,
            first_at=at,
            last_at=at,
            request_ids=(request_id,) if request_id else (),
            traceback="" if known else trace_of(error),  # once per kind: it reads source files
        )
        with self._lock:
            known = self._waiting.get(key)
            self._waiting[key] = known + seen if known else seen

    def write(self) -> None:
        """Write the recorded errors; raise `Unavailable`, then the rest waits."""
        with self._writing:
            if not self._waiting:
                return
            self._admit()
            with self._lock:
                taken, self._waiting = self._waiting, {}
            for key, seen in [*taken.items()]:
                try:
                    self._store.add(seen)
                except Unavailable:
                    self._put_back(taken)
                    raise
                except Exception:  # a kind that cannot be written does not stop the others
                    log.exception("An error noted here could not be written.")
                del taken[key]

    def run_forever(self, stop: threading.Event) -> None:
        """Write every few seconds until `stop` is set."""
        while not stop.wait(EVERY_SECONDS):
            try:
                self.write()
            except Unavailable:
                log.info("The errors noted here wait for the database.")
            except Exception:
                log.exception("The errors noted here could not be written.")

    def _put_back(self, taken: dict[tuple[str, str], Occurrences]) -> None:
        with self._lock:
            newer, self._waiting = self._waiting, taken.copy()
            for key, seen in newer.items():
                before = self._waiting.get(key)
                if before:
                    self._waiting[key] = before + seen
                elif len(self._waiting) < MOST_KINDS:
                    self._waiting[key] = seen
