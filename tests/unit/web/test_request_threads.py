"""Threads that answer requests, and what happens when calls have to wait for slow peers."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from avenue.web.request_threads import RequestThreads

COUNT, MOST_ASIDE = 2, 3
PATIENCE_SECONDS = 30


class SlowCall:
    """A call that steps aside and then waits until it is let go."""

    def __init__(self, threads: RequestThreads) -> None:
        self.threads = threads
        self.over, self.is_aside = threading.Event(), threading.Event()
        self.thread: threading.Thread | None = None
        self.future: Future[str] = threads.submit(self.wait)

    def wait(self) -> str:
        self.thread = threading.current_thread()
        self.threads.step_aside(self.over.set)
        self.threads.step_aside(self.over.set)  # the next wait of the same call
        self.is_aside.set()
        assert self.over.wait(PATIENCE_SECONDS)
        return "let go"


@pytest.fixture
def threads() -> Iterator[RequestThreads]:
    running = RequestThreads(COUNT, MOST_ASIDE)
    yield running
    running.shutdown(wait=False)


def slow_calls(threads: RequestThreads, count: int) -> list[SlowCall]:
    calls = []
    for _ in range(count):
        calls.append(SlowCall(threads))
        assert calls[-1].is_aside.wait(PATIENCE_SECONDS)
    return calls


def test_a_call_gives_what_it_returns_or_raises(threads: RequestThreads) -> None:
    assert threads.submit(divmod, 7, 2).result(PATIENCE_SECONDS) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 7, 0).result(PATIENCE_SECONDS)
    assert threads.submit(divmod, 7, 2).result(PATIENCE_SECONDS) == (3, 1)


def test_calls_that_wait_for_a_peer_leave_room_for_others(threads: RequestThreads) -> None:
    waiting = slow_calls(threads, MOST_ASIDE)
    assert threads.submit(str, 1).result(PATIENCE_SECONDS) == "1"
    assert not any(each.future.done() for each in waiting)
    for each in waiting:
        each.over.set()
        assert each.future.result(PATIENCE_SECONDS) == "let go"


def test_a_thread_that_was_replaced_ends_with_its_call(threads: RequestThreads) -> None:
    (call,) = slow_calls(threads, 1)
    call.over.set()
    assert call.thread is not None
    call.thread.join(PATIENCE_SECONDS)
    assert not call.thread.is_alive()
    meet = threading.Barrier(COUNT)
    both = [threads.submit(meet.wait, PATIENCE_SECONDS) for _ in range(COUNT)]
    assert sorted(each.result(PATIENCE_SECONDS) for each in both) == [0, 1]


def test_one_too_many_lets_go_of_the_one_that_waits_longest(threads: RequestThreads) -> None:
    waiting = slow_calls(threads, MOST_ASIDE + 1)
    assert waiting[0].future.result(PATIENCE_SECONDS) == "let go"
    assert not any(each.future.done() for each in waiting[1:])
    for each in waiting[1:]:
        each.over.set()


def test_they_end_when_told_to(threads: RequestThreads) -> None:
    mine = [threads.submit(threading.current_thread).result(PATIENCE_SECONDS)]
    threads.shutdown(wait=False)
    mine[0].join(PATIENCE_SECONDS)
    assert not mine[0].is_alive()
