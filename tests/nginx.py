"""A real nginx with `deploy/nginx.conf`, in front of real servers."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.mongod import Guard, free_port
from tests.waiting import DEADLINE_SECONDS, wait_until

CONFIGURATION = Path(__file__).parent.parent / "deploy" / "nginx.conf"
HURRIED: Mapping[str, str] = {
    "proxy_cache_valid 200 206 30s;": "proxy_cache_valid 200 206 1s;",
    "proxy_cache_valid 308 404 5s;": "proxy_cache_valid 308 404 1s;",
}
"""Asks Avenue again after a second, so that no test has to wait long."""


def binary() -> str:
    """Where nginx is; `make nginx` installs it."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    assert found, "nginx is missing: run `make nginx`, or install your system's package"
    return found


def configuration(
    folder: Path, port: int, servers: Sequence[int], changes: Mapping[str, str]
) -> str:
    """The configuration as it is deployed, for this machine: other places, nothing else.

    `changes` are what a test wants otherwise; each must be there exactly once.
    """
    first, *more = (f"server 127.0.0.1:{each} max_fails=3 fail_timeout=5s;" for each in servers)
    here = {
        "server app1:8000 max_fails=3 fail_timeout=5s;": first,
        "server app2:8000 max_fails=3 fail_timeout=5s;": "\n".join(more),
        "listen 8080 default_server;": f"listen 127.0.0.1:{port} default_server;",
        # Line by line: a test looks for the line of an answer it has just got.
        "/dev/stdout lines buffer=64k flush=1s;": f"{folder}/access.log lines;",
        "error_log /dev/stderr crit;": f"error_log {folder}/error.log crit;",
        "error_log /dev/stderr emerg;": f"error_log {folder}/error.log emerg;",
        "worker_processes auto;": "worker_processes 1;",
        **changes,
    }
    text = CONFIGURATION.read_text()
    for written, wanted in here.items():
        assert text.count(written) == 1, written
        text = text.replace(written, wanted)
    return text.replace("/var/cache/nginx", str(folder)).replace("/tmp/nginx", f"{folder}/nginx")  # noqa: S108


class Nginx:
    """One nginx in front of the servers on `servers`, on a port and in a folder of its own."""

    def __init__(
        self, guard: Guard, servers: Sequence[int], changes: Mapping[str, str] | None = None
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="avenue-nginx-"))
        self._servers = servers
        self._changes = changes or {}
        self._guard = guard
        try:
            self._start()
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def errors(self) -> str:
        return (self.directory / "error.log").read_text()

    @property
    def log(self) -> str:
        return (self.directory / "access.log").read_text()

    def lines(self) -> list[dict[str, Any]]:
        """What it has written down, request by request."""
        whole, _, _ = self.log.rpartition("\n")  # the last one may be half written
        return [json.loads(each) for each in whole.splitlines()]

    def line(self, request_id: str) -> dict[str, Any]:
        """The line of one answer; it is written a moment after the answer was sent."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [each for each in self.lines() if each["id"] == request_id]
            return bool(found)

        wait_until(look, f"the line of {request_id}", DEADLINE_SECONDS)
        return found[0]

    def stored(self) -> list[bytes]:
        """Everything in the cache on the disk."""
        while True:
            kept = [self.directory / "pictures", self.directory / "catalogue"]
            files = [file for each in kept for file in each.rglob("*") if file.is_file()]
            # What was just written gets its name a moment after its answer: then all is read anew.
            with contextlib.suppress(FileNotFoundError):
                return [each.read_bytes() for each in files]

    def stop(self) -> None:
        """End it, and remove what it has left."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(DEADLINE_SECONDS)
        finally:
            self.process.kill()
            shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self) -> None:
        self.port = free_port()
        file = self.directory / "nginx.conf"
        file.write_text(configuration(self.directory, self.port, self._servers, self._changes))
        # As root, its workers would be nobody, who may not enter our folder.
        person = "user root;" if os.geteuid() == 0 else ""
        self.process = subprocess.Popen(
            [binary(), "-c", str(file), "-g", f"daemon off; {person}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._guard.watch(self.process.pid, self.directory)
        wait_until((self.directory / "nginx.pid").exists, "nginx has started", DEADLINE_SECONDS)
