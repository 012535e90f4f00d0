"""Listening to the MongoDB commands that this process sends.

pymongo's `monitoring.register` cannot be undone and holds for every client made later, so that
each test module would slow down all that follow. Here it is called once, for everybody.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import monitoring

Listener = Callable[[monitoring.CommandStartedEvent], None]

_listeners: list[Listener] = []


class _Started(monitoring.CommandListener):
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        for listener in tuple(_listeners):
            listener(event)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


monitoring.register(_Started())


@contextmanager
def recorded(database: str) -> Iterator[list[dict[str, Any]]]:
    """Yield a list to which every command sent to `database` in the block is added."""
    commands: list[dict[str, Any]] = []

    def started(event: monitoring.CommandStartedEvent) -> None:
        if event.database_name == database:
            commands.append(dict(event.command))

    with listening(started):
        yield commands


def listen(listener: Listener) -> None:
    """Tell `listener` of every command from now on."""
    _listeners.append(listener)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell `listener` of every command sent in the block, by clients made before or after."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
