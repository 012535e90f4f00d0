"""Load shedding: limits the requests that wait for an unreachable database.

A planned change of the primary takes about a second, and all requests wait for its end. If it takes
longer, waiting requests would soon use all threads of a process, and requests that need no database
(cached pictures, health checks) would wait behind them. Then at most half of the threads may wait;
further requests get an immediate 503.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from avenue.errors import DATABASE_AWAY, Unavailable

PATIENCE_SECONDS = 1.5
"""How long all requests wait. Step-down and orderly shutdown took 0.02 to 1.2 s until writes were
possible again (MongoDB 6.0.5, three members)."""
LOOK_SECONDS = 0.05

_is_guest: ContextVar[bool] = ContextVar("is_guest", default=False)


class LoadShedding:
    """Counts waiting threads; safe to use from many threads."""

    def __init__(
        self,
        is_away: Callable[[], bool],
        *,
        slots: int | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without `slots` no one waits longer than `PATIENCE_SECONDS`, nor in the driver."""
        self._is_away = is_away
        self._slots = None if slots is None else threading.Semaphore(slots)
        self._now = now
        self._away_since: float | None = None

    @contextmanager
    def guest(self) -> Iterator[None]:
        """Run the block as a request, which needs one of the slots to wait longer."""
        token = _is_guest.set(True)
        try:
            yield
        finally:
            _is_guest.reset(token)

    @contextmanager
    def turn(self) -> Iterator[Callable[[], None]]:
        """Yield a function to call before each attempt; it raises `Unavailable` instead of waiting.

        A slot that it took is released at the end.
        """
        has_slot = False

        def check() -> None:
            nonlocal has_slot
            if self._slots is None:
                self._wait_shortly()
                return
            if has_slot or not self._needs_slot():
                return
            if not self._slots.acquire(blocking=False):
                raise Unavailable(DATABASE_AWAY)
            has_slot = True

        try:
            yield check
        finally:
            if has_slot and self._slots is not None:
                self._slots.release()

    def _wait_shortly(self) -> None:
        while self._is_away():
            if self._away_since is None:
                self._away_since = self._now()
            if self._now() >= self._away_since + PATIENCE_SECONDS:
                raise Unavailable(DATABASE_AWAY)
            time.sleep(LOOK_SECONDS)
        self._away_since = None

    def _needs_slot(self) -> bool:
        if not self._is_away():
            self._away_since = None
            return False
        now = self._now()
        since = self._away_since
        if since is None:
            since = self._away_since = now
        return _is_guest.get() and now >= since + PATIENCE_SECONDS
