"""How tests wait: until something is so, with a deadline, and no longer once it cannot be so.

Nothing in `tests/` waits in another way; tests/test_architecture.py looks for it.
"""

import contextlib
import inspect
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

DEADLINE_SECONDS = 120
"""For anything that is to happen soon.

The slowest of these, a restart of a mongod or the first start of an image, takes 10 s on an idle
machine. Beside four processes that compute and other tests the latter took more than 60 s once.
"""

POLL_SECONDS = 0.02

alarms: list[Callable[[], None]] = []
"""Each raises when something has failed that whoever waits may be waiting for, whatever it is."""


def wait_until(
    condition: Callable[[], T],
    what: str = "",
    seconds: float = DEADLINE_SECONDS,
    *,
    failed: Callable[[], object] = lambda: None,
    despite: tuple[type[Exception], ...] = (),
    every: float = POLL_SECONDS,
) -> T:
    """Return the first true value of `condition()`.

    Raise `AssertionError` with `what`, or the condition as it is written, after `seconds`, or as
    soon as `failed()` says something true: why it cannot come any more. What `condition()` raises
    ends the wait, too, unless it is one of `despite`.
    """
    deadline = time.monotonic() + seconds
    while True:
        last: object
        try:
            last = value = condition()
            if value:
                return value
        except despite as error:
            last = error
        if reason := failed():
            raise AssertionError(
                f"it cannot come any more: {what or _written(condition)}: {reason}"
            )
        for alarm in alarms:
            alarm()
        if time.monotonic() > deadline:
            told = f"{what or _written(condition)}; at last it was {repr(last)[:1000]}"
            raise AssertionError(f"not within {seconds} s: {told}")
        time.sleep(every)


def _written(condition: Callable[[], object]) -> str:
    with contextlib.suppress(OSError, TypeError):
        return inspect.getsource(condition).strip()
    return repr(condition)


def let_pass(seconds: float) -> None:
    """Let time pass where a test is about time: load that lasts, a kill at any moment.

    Never to hope that something has happened by then. Who may is listed in
    tests/test_architecture.py.
    """
    time.sleep(seconds)


def within(call: Callable[[], T], what: str, seconds: float = DEADLINE_SECONDS) -> T:
    """Return what `call()` returns, or raise what it raises, for calls that know no deadline."""
    done: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            done.append(call())
        except BaseException as error:
            errors.append(error)

    threading.Thread(target=work, name=what, daemon=True).start()
    wait_until(lambda: done or errors, what, seconds, every=0.002)
    if errors:
        raise errors[0]
    return done[0]


def line_of(process: "subprocess.Popen[Any]") -> Any:
    """The next line of what `process` writes; an empty one at its end."""
    pipe = process.stdout
    assert pipe is not None
    return within(pipe.readline, f"a line of {process.args}")


def end_of(process: "subprocess.Popen[Any]") -> str:
    """How `process` has ended, or nothing while it runs: for `failed` of `wait_until`."""
    return "" if process.poll() is None else f"{process.args} ended with {process.returncode}"


@contextlib.contextmanager
def ending(process: "subprocess.Popen[Any]") -> Iterator[None]:
    """Have `process` end with the block, by force if the block has not seen to it."""
    try:
        yield
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_SECONDS)
