"""A small pool of decode processes, so that no picture can harm the web process.

The processes are started by exec (a fork of a process with threads may inherit a locked lock), on
the first picture that needs one. Each opens one picture at a time under a limit of CPU and memory;
one that dies fails only its picture and is replaced. The web process itself never loads Pillow.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from avenue.config import bare_environ
from avenue.errors import AvenueError
from avenue.media.errors import REFUSALS, BrokenImage, DecodersBusy, ImageTooCostly
from avenue.media.pictures.answers import Message, examined_from_message, renditions_from_message
from avenue.media.pictures.channel import receive, send
from avenue.media.pictures.facts import Examined, Rendition, Wanted
from avenue.media.pictures.limits import ImageLimits
from avenue.media.pictures.priority_slots import PrioritySlots
from avenue.web import metrics

log = logging.getLogger(__name__)

START_SECONDS = 15.0
END_SECONDS = 15.0
"""A process that has closed its socket is about to end; niced on a busy machine, it may take this
long."""
WALL_SECONDS_PER_CPU_SECOND = 5
"""A niced process waits on a busy machine; beyond this it is considered stuck."""
PICTURES_PER_PROCESS = 1000
"""Then it is replaced, and with it whatever a library leaks or fragments."""

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""How much time on all cores together a container has in a period (cgroup 2)."""

Answer = tuple[Message, list[bytes]]

_ROOT = Path(__file__).parents[3]


def processes_for(workers: int) -> int:
    """Return how many decode processes one of `workers` web processes should have.

    Decoding is pure computing: more processes than cores would only share them, so the web
    processes divide the cores, and each has at least one.
    """
    return max(1, _cores() // workers)


def _cores() -> int:
    """Return how many cores this process may use: never more than its container has."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, _quota_cores() or cores))


def _quota_cores() -> int | None:
    """Return the cores of the container, rounded down; None without a limit."""
    try:
        quota, period = CPU_MAX.read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no control group of its own, or `max`
        return None


class DecodePool:
    """Opens pictures in `processes` processes; safe to use from many threads.

    Pictures have their turn in the order they came, and no more than `max_waiting` wait for it.
    Uploads (`examine`), which would be sent again, wait `upload_seconds`, and come before
    renditions on demand (`render`), which people can do without: those wait `render_seconds`,
    begin only while no upload waits, hold one process less than there are, and take half of the
    places for waiting.
    """

    def __init__(
        self,
        processes: int,
        *,
        upload_seconds: float = 15.0,
        render_seconds: float = 5.0,
        max_waiting: int = 32,
        pictures_per_process: int = PICTURES_PER_PROCESS,
    ) -> None:
        self._threads = max(1, _cores() // processes)
        self._slots = PrioritySlots(
            [_Decoder(pictures_per_process) for _ in range(processes)],
            urgent_seconds=upload_seconds,
            patient_seconds=render_seconds,
            max_waiting=max_waiting,
        )

    def examine(
        self,
        file: BinaryIO,
        media_type: str,
        limits: ImageLimits,
        wanted: Sequence[Wanted] = (),
        *,
        clean_into: BinaryIO | None = None,
    ) -> Examined:
        """Return facts and look of the picture in `file`, and the renditions `wanted` of it.

        `media_type` is the type of its first bytes. The file must have a descriptor (a spooled
        body); its position does not change. With `clean_into`, an empty file of the same kind, the
        picture is checked without its metadata; if there was some (`clean_copy`), the clean bytes
        are in this file. Raise `ImageTooLarge`, `TooManyFrames`, `ImageTooCostly`, `BrokenImage`,
        `NoDecoder`, or `DecodersBusy`.
        """
        files = [file] if clean_into is None else [file, clean_into]
        with _counted("examine", self._slots.lent(urgent=True)) as decoder:
            job = _Job("examine", files, media_type, limits, wanted, self._threads)
            examined = examined_from_message(*decoder.answer(job))
        _count_renditions(examined.renditions)
        return examined

    def render(
        self, file: BinaryIO, media_type: str, limits: ImageLimits, wanted: Sequence[Wanted]
    ) -> list[Rendition]:
        """Make the renditions `wanted` of the picture in `file`, in that order.

        File and errors are as with `examine`.
        """
        with _counted("render", self._slots.lent(urgent=False)) as decoder:
            job = _Job("render", [file], media_type, limits, wanted, self._threads)
            made = renditions_from_message(*decoder.answer(job))
        _count_renditions(made)
        return made

    def close(self) -> None:
        """Wait for the pictures being opened and end the processes; later calls are refused."""
        for decoder in self._slots.end():
            decoder.stop()


@contextmanager
def _counted(task: str, turn: AbstractContextManager["_Decoder"]) -> Iterator["_Decoder"]:
    """Wait for a process, and measure the waiting time and the time of the block."""
    with ExitStack() as held:
        with metrics.waiting_to_decode(task):
            decoder = held.enter_context(turn)
        with metrics.decoding(task):
            yield decoder


def _count_renditions(made: Iterable[Rendition]) -> None:
    metrics.count_renditions((each.variant, each.extension) for each in made)


@dataclass(frozen=True, slots=True)
class _Job:
    """A task for a decode process with one picture."""

    task: str
    files: Sequence[BinaryIO]
    media_type: str
    limits: ImageLimits
    wanted: Sequence[Wanted]
    threads: int

    @property
    def raised(self) -> ImageLimits:
        """Return the limits of decoding and renditions together."""
        return self.limits.with_renditions(each.extension for each in self.wanted)

    def request(self) -> Message:
        """Return the task as a message."""
        return {
            "task": self.task,
            "media_type": self.media_type,
            "limits": asdict(self.limits),
            "wanted": [asdict(each) for each in self.wanted],
            "threads": self.threads,
        }


class _Decoder:
    """A slot for one decode process, filled when needed; used by one thread at a time."""

    def __init__(self, pictures_per_process: int) -> None:
        self._pictures_per_process = pictures_per_process
        self._process: _Process | None = None

    def answer(self, job: _Job) -> Answer:
        """Return the answer of a process to `job`.

        Raise its refusal, or the meaning of its death.
        """
        job.files[0].flush()
        try:
            answer, blobs = self._ask(job)
        except ConnectionError:
            # It died idle, before it read the request (otherwise this would be EOFError): the
            # picture was not the cause, and a new process may have it.
            answer, blobs = self._ask(job)
        if "refused" in answer:
            raise REFUSALS[answer["refused"]](**answer["facts"])
        return answer, blobs

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._process:
            self._process.stop()
            self._process = None

    def _ask(self, job: _Job) -> Answer:
        if self._process is None:
            self._process = _Process()
        worn = True
        try:
            answer, blobs = self._process.answer(job)
            worn = answer.pop("grown") or self._process.pictures >= self._pictures_per_process
        finally:
            if worn:
                self.stop()
        return answer, blobs


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
            ready, _ = receive(self._channel)
        except (EOFError, OSError) as error:
            self.stop()
            log.error("a decode process ended at its start, see above")  # noqa: TRY400
            raise DecodersBusy from error
        if ready["lacking"]:
            log.warning("decode processes are not confined by %s here", ", ".join(ready["lacking"]))

    def answer(self, job: _Job) -> Answer:
        """Return the answer to `job`; raise ConnectionError if it was never read."""
        self.pictures += 1
        wall_seconds = WALL_SECONDS_PER_CPU_SECOND * job.raised.cpu_seconds
        self._channel.settimeout(wall_seconds)
        try:
            send(self._channel, job.request(), [each.fileno() for each in job.files])
            return receive(self._channel)
        except EOFError:
            raise self._cause_of_death(job.raised) from None
        except TimeoutError:
            # The CPU limit would have ended it, so it did not compute: the machine is overloaded.
            log.warning("a decode process did not answer within %s seconds", wall_seconds)
            raise DecodersBusy from None

    def stop(self) -> None:
        """End it at once: it holds no state that could be lost."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _cause_of_death(self, limits: ImageLimits) -> AvenueError:
        """Return the error about the picture that its death means."""
        try:
            code = self._process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("a decode process left its socket and does not end")
            return DecodersBusy()
        log.warning("a decode process ended with %s while it opened a picture", code)
        if code == -signal.SIGXCPU:
            return ImageTooCostly(cpu_seconds=limits.cpu_seconds)
        if code == -signal.SIGKILL:  # killed by the kernel, when memory runs out
            return ImageTooCostly(memory_mb=limits.memory_mb)
        return BrokenImage()


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    """Start a process that talks over `descriptor` and inherits nothing else of ours.

    No other descriptor, none of the secrets in the environment, and no signal of our terminal: it
    ends when the socket does.
    """
    path = [str(_ROOT), *filter(None, sys.path)]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "avenue.media.pictures.decoder", str(descriptor)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
        # One memory arena for all threads: each additional one would count as 128 MB of address
        # space.
        env={**bare_environ(), "PYTHONPATH": os.pathsep.join(path), "MALLOC_ARENA_MAX": "1"},
        start_new_session=True,
    )
