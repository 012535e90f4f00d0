"""Many ask for the same at once: one goes and gets it, the others wait for what comes back."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Lets one thread do a piece of work while the others that want the same wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, Future[T]] = {}

    def share(self, key: str, work: Callable[[], T], wait_seconds: float | None = None) -> T:
        """Return the result of `work`, ours or that of whoever began before.

        Raise what it raises, or TimeoutError when another one's takes longer than `wait_seconds`.
        """
        mine: Future[T] = Future()
        with self._lock:
            running = self._running.setdefault(key, mine)
        if running is not mine:
            return running.result(wait_seconds)
        try:
            mine.set_result(work())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._running[key]
        return mine.result()
