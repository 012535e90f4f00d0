"""A program that stores a file and is killed `before` or `after` its claim, to be forked."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from avenue.app.files import open_files
from avenue.storage.idempotency import Writes
from avenue.storage.scope import SiteScope


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_afterwards(together: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: die(together(*arguments))


if __name__ == "__main__":
    moment, path = sys.argv[1:]
    if moment == "before":
        Writes.take_turns = die  # type: ignore[assignment]
    else:
        SiteScope.transaction = die_afterwards(SiteScope.transaction)  # type: ignore[method-assign]
    with open_files() as files:
        files.put(path)
