"""Single flight: of several threads that want the same, one does the work and the others wait."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")
Turn = Callable[[], AbstractContextManager[Callable[[], None]]]
"""Gives a function to call now and then while waiting; it raises when the wait has to end."""
CHECK_SECONDS = 0.25


@contextmanager
def without_end() -> Iterator[Callable[[], None]]:
    """Let everyone wait without a limit."""
    yield lambda: None


class SingleFlight(Generic[T]):
    """Lets one thread do a piece of work while others that want the same wait for it."""

    def __init__(self, turn: Turn = without_end) -> None:
        """`turn` decides who may wait."""
        self._turn = turn
        self._lock = threading.Lock()
        self._running: dict[str, Future[T]] = {}

    def share(self, key: str, work: Callable[[], T], wait_seconds: float | None = None) -> T:
        """Return the result of `work`, ours or that of the thread that began first.

        Raises as the work, as `turn`, or TimeoutError if another thread's takes longer than
        `wait_seconds`.
        """
        mine: Future[T] = Future()
        with self._lock:
            running = self._running.setdefault(key, mine)
        if running is not mine:
            return self._result(running, wait_seconds)
        try:
            mine.set_result(work())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._running[key]
        return mine.result()

    def _result(self, running: Future[T], wait_seconds: float | None) -> T:
        ends_at = float("inf") if wait_seconds is None else time.monotonic() + wait_seconds
        with self._turn() as check:
            while not running.done():
                check()
                left = ends_at - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                wait([running], min(left, CHECK_SECONDS))
        return running.result()
