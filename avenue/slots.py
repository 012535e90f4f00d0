"""Work that only a few threads do at once; each holds one of the slots."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def slot(
    slots: threading.Semaphore, busy: Exception | type[Exception], *, seconds: float = 0
) -> Iterator[None]:
    """Hold one of `slots`. Raise `busy` when none gets free within `seconds`."""
    if not slots.acquire(timeout=seconds):
        raise busy
    try:
        yield
    finally:
        slots.release()
