"""`python -m tests.faults.visitors PORT PATH…`: people who ask for each path ten times a second.

They are a process of their own, so that nothing else a test does holds them up. They say in a line
that they are there. From a line of input on, until it ends, they note what they are answered and
how long they wait; they say it as JSON.
"""

import json
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.server import BROKEN, Client
from tests.threads import joined

EVERY_SECONDS = 0.1
"""A wait counts for all that should have been asked meanwhile, from when each was due."""


@dataclass(slots=True)
class Visitor:
    """Asks for one path, each time by a connection of its own."""

    port: int
    path: str
    stop: threading.Event
    is_watched: threading.Event
    seconds: list[float] = field(default_factory=list)
    wrong: list[Any] = field(default_factory=list)

    def ask_on(self) -> None:
        client = Client(self.port, timeout_seconds=60)
        due_at = time.monotonic()
        while not self.stop.wait(max(0.0, due_at - time.monotonic())):
            try:
                status: object = client.get(self.path).status
            except BROKEN as error:
                status = repr(error)
            if self.is_watched.is_set():
                self.seconds.append(time.monotonic() - due_at)
                if status != 200:
                    self.wrong.append(status)
            due_at += EVERY_SECONDS


def visit(port: int, paths: list[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return seconds and wrong answers by path."""
    stop, is_watched = threading.Event(), threading.Event()
    visitors = [Visitor(port, path, stop, is_watched) for path in paths]
    threads = [threading.Thread(target=each.ask_on, daemon=True) for each in visitors]
    for thread in threads:
        thread.start()
    print("there", flush=True)
    sys.stdin.readline()
    is_watched.set()
    sys.stdin.read()
    stop.set()
    for thread in threads:
        joined(thread)
    return {each.path: {"seconds": each.seconds, "wrong": each.wrong} for each in visitors}


if __name__ == "__main__":
    print(json.dumps(visit(int(sys.argv[1]), sys.argv[2:])))
