"""A small pool of decode processes, so that no picture can hurt the web process.

The processes are started by exec (a fork of a process with threads may inherit a locked lock), on
the first picture that needs one. Each opens one picture at a time under a limit of CPU and memory;
one that dies fails only its picture and is replaced. The web process itself never loads Pillow.
"""

import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from avenue.config import bare_environ
from avenue.errors import AvenueError
from avenue.media.channel import receive, send
from avenue.media.errors import REFUSALS, BrokenImage, DecodersBusy, ImageTooCostly
from avenue.media.facts import PictureFacts
from avenue.media.limits import ImageLimits

log = logging.getLogger(__name__)

START_SECONDS = 15.0
WALL_SECONDS_PER_CPU_SECOND = 5
"""A niced process waits for its turn on a busy machine; beyond this it is taken for stuck."""
PICTURES_PER_PROCESS = 1000
"""Then it is replaced: whatever a library leaks or fragments ends with the process."""

_ROOT = Path(__file__).parents[2]


def processes_for(workers: int) -> int:
    """Return how many decode processes one of `workers` web processes should have.

    Decoding is pure computing: more processes than cores would only share them, so the web
    processes divide the cores, and each has at least one.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, cores // workers)


class DecodePool:
    """Opens pictures in `processes` processes; safe to use from many threads.

    A picture waits `wait_seconds` for its turn, and no more than `max_waiting` pictures do.
    """

    def __init__(
        self,
        processes: int,
        *,
        wait_seconds: float = 5.0,
        max_waiting: int = 32,
        pictures_per_process: int = PICTURES_PER_PROCESS,
    ) -> None:
        self._processes = processes
        self._wait_seconds = wait_seconds
        self._places = threading.BoundedSemaphore(processes + max_waiting)
        # Last in, first out: while few pictures come, the processes not needed are never started.
        self._idle: queue.LifoQueue[_Decoder] = queue.LifoQueue()
        for _ in range(processes):
            self._idle.put(_Decoder(pictures_per_process))

    def examine(self, file: BinaryIO, media_type: str, limits: ImageLimits) -> PictureFacts:
        """Return the facts of the picture in `file`, whose first bytes show `media_type`.

        The file must have a descriptor (a spooled body); its position does not move. Raise
        `ImageTooLarge`, `TooManyFrames`, `ImageTooCostly`, `BrokenImage`, or `DecodersBusy`.
        """
        file.flush()
        request = {"task": "examine", "media_type": media_type, "limits": asdict(limits)}
        with self._turn() as decoder:
            answer = decoder.answer(request, file.fileno(), limits)
        if "refused" in answer:
            raise REFUSALS[answer["refused"]](**answer["facts"])
        return PictureFacts(**answer["facts"])

    def close(self) -> None:
        """Wait for the pictures being opened and end the processes; later ones find no turn."""
        while self._processes:
            self._idle.get().stop()
            self._processes -= 1

    @contextmanager
    def _turn(self) -> Iterator["_Decoder"]:
        if not self._places.acquire(blocking=False):
            raise DecodersBusy
        try:
            with self._free_decoder() as decoder:
                yield decoder
        finally:
            self._places.release()

    @contextmanager
    def _free_decoder(self) -> Iterator["_Decoder"]:
        try:
            decoder = self._idle.get(timeout=self._wait_seconds)
        except queue.Empty:
            raise DecodersBusy from None
        try:
            yield decoder
        finally:
            self._idle.put(decoder)


class _Decoder:
    """A place for one decode process, filled when needed; used by one thread at a time."""

    def __init__(self, pictures_per_process: int) -> None:
        self._pictures_per_process = pictures_per_process
        self._process: _Process | None = None

    def answer(self, request: dict[str, Any], file: int, limits: ImageLimits) -> dict[str, Any]:
        """Return what a process answers to `request` about `file`; raise what its death means."""
        try:
            return self._ask(request, file, limits)
        except ConnectionError:
            # It died idle, before it read the request (else this were EOFError): the picture had
            # no part in it, and a new process may have it.
            return self._ask(request, file, limits)

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._process:
            self._process.stop()
            self._process = None

    def _ask(self, request: dict[str, Any], file: int, limits: ImageLimits) -> dict[str, Any]:
        if self._process is None:
            self._process = _Process()
        worn = True
        try:
            answer = self._process.answer(request, file, limits)
            worn = answer.pop("grown") or self._process.pictures >= self._pictures_per_process
        finally:
            if worn:
                self.stop()
        return answer


class _Process:
    """A running decode process and our end of its socket."""

    def __init__(self) -> None:
        self.pictures = 0
        self._channel, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = _start(theirs.fileno())
            except OSError as error:
                self._channel.close()
                log.error("no decode process can be started: %s", error)  # noqa: TRY400
                raise DecodersBusy from error
        try:
            self._channel.settimeout(START_SECONDS)
            receive(self._channel)
        except (EOFError, OSError) as error:
            self.stop()
            log.error("a decode process ended at its start, see above")  # noqa: TRY400
            raise DecodersBusy from error

    def answer(self, request: dict[str, Any], file: int, limits: ImageLimits) -> dict[str, Any]:
        """Return the answer to `request`; raise ConnectionError when it was never read."""
        self.pictures += 1
        wall_seconds = WALL_SECONDS_PER_CPU_SECOND * limits.cpu_seconds
        self._channel.settimeout(wall_seconds)
        try:
            send(self._channel, request, [file])
            return receive(self._channel)
        except EOFError:
            raise self._cause_of_death(limits) from None
        except TimeoutError:
            # The CPU limit would have ended it, so it did not compute: the machine is overloaded.
            log.warning("a decode process did not answer within %s seconds", wall_seconds)
            raise DecodersBusy from None

    def stop(self) -> None:
        """End it at once: it holds nothing that could be lost."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _cause_of_death(self, limits: ImageLimits) -> AvenueError:
        """Return what its death says of the picture it was opening."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)  # it has left its socket, so it is about to end
        code = self._process.returncode
        log.warning("a decode process ended with %s while it opened a picture", code)
        if code == -signal.SIGXCPU:
            return ImageTooCostly(cpu_seconds=limits.cpu_seconds)
        if code == -signal.SIGKILL:  # by the kernel, when memory runs out
            return ImageTooCostly(memory_mb=limits.memory_mb)
        return BrokenImage()


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    """Start a process that talks over `descriptor` and has nothing else of ours.

    No other descriptor, none of the secrets in the environment, and no signal of our terminal:
    it ends when the socket does.
    """
    path = [str(_ROOT), *filter(None, sys.path)]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "avenue.media.decoder", str(descriptor)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
        env={**bare_environ(), "PYTHONPATH": os.pathsep.join(path)},
        start_new_session=True,
    )
