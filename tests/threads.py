"""Several threads that begin together, and pools whose threads are not waited for without end."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

from tests.waiting import DEADLINE_SECONDS

T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """A pool that fails when what it does is not done `seconds` after its block.

    The pool of the standard library would wait, and hang for good with one thread that does.
    """

    def __init__(self, count: int, *, seconds: float = DEADLINE_SECONDS) -> None:
        super().__init__(count)
        self._seconds = seconds

    def map(self, work: Callable[..., T], *of: Any, **options: Any) -> Iterator[T]:
        return super().map(work, *of, **{"timeout": self._seconds, **options})

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown(wait=False, cancel_futures=error is not None)
        try:
            joined(*self._threads, seconds=self._seconds)
        except AssertionError:
            if error is None:
                raise


def joined(*threads: threading.Thread, seconds: float = DEADLINE_SECONDS) -> None:
    """Return when all `threads` are over; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert not (left := [each for each in threads if each.is_alive()]), f"still at work: {left}"


def at_once(count: int, work: Callable[[int], T], *, seconds: float = DEADLINE_SECONDS) -> list[T]:
    """Call `work` with 0 to `count` - 1 in as many threads that begin together."""
    gate = threading.Barrier(count)

    def begin(number: int) -> T:
        gate.wait(seconds)
        return work(number)

    with Threads(count, seconds=seconds) as pool:
        return list(pool.map(begin, range(count)))
