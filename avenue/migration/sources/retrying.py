"""Calling a source in threads: again after temporary errors, and later when it limits the rate."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from http import HTTPStatus
from typing import TypeVar

from avenue.errors import AvenueError, Unavailable
from avenue.migration.sources.errors import AskedTooOften, SourceGone, SourceRefuses
from avenue.outside.errors import FetchFailed, RateLimited
from avenue.storage.idempotency import UploadInProgress

T = TypeVar("T")
TRIES = 8
"""How often a rate-limited request is repeated."""
PATIENCE_SECONDS = 120
"""After so long without success of an entry the database counts as unreachable."""
PAUSE_SECONDS = 1.0
LOOK_SECONDS = 1.0
"""How often a waiting step checks whether to continue."""
GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
SHUT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class Retries:
    """Runs the calls of a source.

    While it limits the rate, all threads wait: until then, or until the end.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._sleep: Callable[[float], object] = self._over.wait
        self._until = float("-inf")

    @contextmanager
    def threads(self, count: int) -> Iterator[ThreadPoolExecutor]:
        """Yield threads; at the end of the block none of them waits for the source any more."""
        self._over.clear()
        with ThreadPoolExecutor(count) as threads:
            try:
                yield threads
            finally:
                self._over.set()
                threads.shutdown(cancel_futures=True)

    def run(self, work: Callable[[], T]) -> T:
        """Run `work`, again after temporary errors; raise others."""
        ends_at, tries = time.monotonic() + PATIENCE_SECONDS, 0
        while True:
            self._wait()
            try:
                return work()
            except RateLimited as error:
                tries += 1
                if tries >= TRIES:
                    raise AskedTooOften from None
                self._pause(error.pause_seconds)
            except FetchFailed as error:
                raise _meaning(error) from None
            except (Unavailable, UploadInProgress):
                if time.monotonic() > ends_at:
                    raise
                self._pause(PAUSE_SECONDS)

    def _pause(self, seconds: float) -> None:
        self._until = max(self._until, time.monotonic() + seconds)

    def _wait(self) -> None:
        """Return when the source may be called again; raise `CancelledError` at the end."""
        left = self._until - time.monotonic()
        if left > 0:
            self._sleep(left)
        if self._over.is_set():
            raise CancelledError


def result(future: Future[T], look: Callable[[], None]) -> T:
    """Return the result of a thread; call `look` regularly while waiting."""
    while not wait([future], LOOK_SECONDS).done:
        look()
    return future.result(0)


def _meaning(error: FetchFailed) -> AvenueError:
    status = error.facts.get("http_status")
    if status in GONE:
        return SourceGone()
    return SourceRefuses() if status in SHUT else error
