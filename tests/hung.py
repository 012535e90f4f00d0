"""Ends whatever hangs, with the stacks of all threads; a plugin of pytest.

pytest-timeout fails a test that has run for `timeout` seconds (pyproject.toml) by a signal to the
main thread, and the run goes on. Where that does not help the process is ended: when the main
thread sits in C code, or in a fixture's end, or waits at its own end for a thread that never ends.
"""

import faulthandler
import os
from typing import Any

import pytest

GRACE_SECONDS = 120
"""How long a test that was ended may take to clean up, and the whole run to end."""
LONG_SECONDS = 3600
"""What a test marked `long` may take that says nothing else."""

_errors = 2


def pytest_configure() -> None:
    """Keep the way to the terminal: it is captured in a moment."""
    global _errors
    _errors = os.dup(2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give full rounds more time."""
    for item in items:
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(settings: Any) -> None:
    """A test begins, and may run for `settings.timeout` seconds."""
    _end_the_process_after(settings.timeout + GRACE_SECONDS)


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """A test has failed, upon which pytest switches this off: its fixtures may hang, too."""
    if isinstance(node, pytest.Item):
        _end_the_process_after(GRACE_SECONDS)


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_cancel_timer() -> None:
    """A test is over."""
    faulthandler.cancel_dump_traceback_later()


def pytest_unconfigure() -> None:
    """All tests are over: Python waits now for threads that may hang."""
    _end_the_process_after(GRACE_SECONDS)


def _end_the_process_after(seconds: float) -> None:
    faulthandler.dump_traceback_later(seconds, exit=True, file=_errors)
