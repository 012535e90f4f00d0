"""Resolves the addresses of a name within a time limit."""

import queue
import socket
import threading
from collections.abc import Callable

from avenue.outside.errors import FetchersBusy, FetchTooSlow

MAX_LOOKUPS = 16
"""At once. An abandoned lookup continues until the system's own timeout."""

Resolve = Callable[[str, float], list[str]]
"""Returns the addresses of a name, [] if it has none; raises `FetchTooSlow` after so many
seconds."""

_lookups = threading.BoundedSemaphore(MAX_LOOKUPS)


def resolved(name: str, seconds: float) -> list[str]:
    """Return the addresses of `name`, best first, [] if it has none.

    Raise `FetchTooSlow`, `FetchersBusy`.
    """
    if not _lookups.acquire(blocking=False):
        raise FetchersBusy
    answer: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    threading.Thread(
        target=_look_up, args=(name, answer), name="avenue-lookup", daemon=True
    ).start()
    try:
        return answer.get(timeout=max(0.0, seconds))
    except queue.Empty:
        raise FetchTooSlow from None


def _look_up(name: str, answer: "queue.SimpleQueue[list[str]]") -> None:
    try:
        # With a dot at its end no search domain is appended.
        found = socket.getaddrinfo(f"{name}.", None, type=socket.SOCK_STREAM)
        answer.put(list(dict.fromkeys(str(each[4][0]) for each in found)))
    except (OSError, UnicodeError):
        answer.put([])
    finally:
        _lookups.release()
