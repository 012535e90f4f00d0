"""Work that only a few threads do at once; each holds one of the seats."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seat(
    seats: threading.Semaphore, busy: Exception | type[Exception], *, seconds: float = 0
) -> Iterator[None]:
    """Hold one of `seats`. Raise `busy` when none gets free within `seconds`."""
    if not seats.acquire(timeout=seconds):
        raise busy
    try:
        yield
    finally:
        seats.release()
