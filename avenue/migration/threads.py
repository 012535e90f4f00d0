"""Work in several threads, with a bounded number of waiting results."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(
    threads: Executor,
    work: Callable[[T], R],
    items: Iterable[T],
    most: int,
    result: Callable[[Future[R]], R] = Future.result,
) -> Iterator[R]:
    """Yield the results of `work` for `items`, in order; `most` at once are submitted.

    `result` waits for one of them.
    """
    pending: deque[Future[R]] = deque()
    for each in items:
        if len(pending) >= most:
            yield result(pending.popleft())
        pending.append(threads.submit(work, each))
    while pending:
        yield result(pending.popleft())
