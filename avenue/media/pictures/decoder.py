"""A decode process: opens pictures, one after another, for the web process that started it.

Run as `python -m avenue.media.pictures.decoder <descriptor of its socket>` by `decoding.py`. It
knows neither Flask nor MongoDB nor the settings, holds no secrets, and ends when its socket does. A
request is `{"task", "media_type", "limits", "wanted", "threads"}` with the picture's descriptor,
and that of an empty file if metadata is to be removed. The answer is that of `answers.py` or
`{"refused": code, "facts"}`, and `grown` if the process should be replaced.
"""

import hashlib
import math
import os
import resource
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, Any

from avenue.confinement import confine
from avenue.errors import AvenueError
from avenue.media.errors import BrokenImage, DecodersBusy, ImageTooCostly
from avenue.media.intake.cleaning import BrokenStructure, clean
from avenue.media.pictures.answers import Message, examined_to_message, renditions_to_message
from avenue.media.pictures.channel import receive_with_files, send
from avenue.media.pictures.facts import CleanCopy, Wanted
from avenue.media.pictures.imaging.opening import OpenPicture, check_header, open_picture
from avenue.media.pictures.limits import MB, ImageLimits

NICENESS = 10
GROWN_BYTES = 96 * MB
"""How much more memory than at its start a process may keep between two pictures."""

_PAGE_BYTES = resource.getpagesize()


def main() -> None:
    """Answer requests until the other side is gone."""
    # Stored pictures are served first: decoding uses what the web threads leave over.
    os.nice(NICENESS)
    with (
        socket.socket(fileno=int(sys.argv[1])) as channel,
        _statm() as statm,
    ):
        send(channel, {"ready": True, "lacking": confine()})
        size_bytes, at_start_bytes = _memory(statm)
        while True:
            try:
                request, files = receive_with_files(channel)
            except (EOFError, ConnectionError):
                return
            limits = ImageLimits(**request["limits"])
            answer, blobs = _answer(request, files, limits, _Bounds(size_bytes))
            grown = _memory(statm)[1] - at_start_bytes > GROWN_BYTES
            send(channel, {**answer, "grown": grown}, blobs=blobs)


def _answer(
    request: Message, files: Sequence[int], limits: ImageLimits, bounds: "_Bounds"
) -> tuple[Message, list[bytes]]:
    bounds.set(limits)
    try:
        return _work(request, files, limits, bounds)
    except AvenueError as refusal:
        return {"refused": refusal.code, "facts": refusal.facts}, []
    except MemoryError:
        return {"refused": ImageTooCostly.code, "facts": {"memory_mb": limits.memory_mb}}, []
    finally:
        for file in files:
            os.close(file)


def _work(
    request: Message, files: Sequence[int], limits: ImageLimits, bounds: "_Bounds"
) -> tuple[Message, list[bytes]]:
    """Open the picture under the limits of a decode, then make the renditions under higher ones."""
    wanted = [_wanted(each) for each in request["wanted"]]
    picture, clean_copy = _opened(request["media_type"], files, limits, wanted)
    bounds.set(limits.with_renditions(each.extension for each in wanted))
    if request["task"] == "render":
        return renditions_to_message(picture.renditions(wanted, threads=request["threads"]))
    examined = picture.examined(wanted, threads=request["threads"])
    return examined_to_message(replace(examined, clean_copy=clean_copy))


def _opened(
    media_type: str, files: Sequence[int], limits: ImageLimits, wanted: Sequence[Wanted]
) -> tuple[OpenPicture, CleanCopy | None]:
    """Open the picture, cleaned first if requested: what is checked is what is stored."""
    data = _content(files[0])
    if len(files) == 1:
        return open_picture(data, media_type, limits, wanted), None
    check_header(data, media_type, limits)
    try:
        cleaned = clean(data, media_type)
    except BrokenStructure as error:
        raise BrokenImage from error
    picture = open_picture(cleaned.data, media_type, limits, wanted)
    if not cleaned.removed:
        return picture, None
    _write(files[1], cleaned.data)
    digest = hashlib.sha256(cleaned.data).hexdigest()
    return picture, CleanCopy(removed=cleaned.removed, bytes=len(cleaned.data), sha256=digest)


def _wanted(row: dict[str, Any]) -> Wanted:
    return Wanted(**{**row, "focal": row["focal"] and tuple(row["focal"])})


def _content(file: int) -> bytes:
    """Read the whole file. The position is shared with the web process and does not change."""
    size_bytes = os.fstat(file).st_size
    parts: list[bytes] = []
    at = 0
    while at < size_bytes and (part := os.pread(file, size_bytes - at, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _write(file: int, data: bytes) -> None:
    """Write a clean copy from the beginning of `file`."""
    try:
        at = 0
        while at < len(data):
            at += os.pwrite(file, memoryview(data)[at:], at)
    except OSError as error:  # a full disk is not the picture's fault
        print(f"a clean copy cannot be written: {error}", file=sys.stderr)  # noqa: T201
        raise DecodersBusy from error


class _Bounds:
    """Resource limits for one picture, on top of the usage when it arrived."""

    def __init__(self, size_bytes: int) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._used_seconds = usage.ru_utime + usage.ru_stime
        self._size_bytes = size_bytes

    def set(self, limits: ImageLimits) -> None:
        """Limit the picture to `cpu_seconds` and `memory_mb` in total.

        Beyond the first, the kernel, which counts whole seconds, ends this process (SIGXCPU);
        beyond the second it refuses memory.
        """
        _soften(resource.RLIMIT_CPU, math.ceil(self._used_seconds + limits.cpu_seconds))
        if self._size_bytes:
            _soften(resource.RLIMIT_AS, self._size_bytes + limits.memory_mb * MB)


def _soften(which: int, soft: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(which, (soft, hard))


def _statm() -> IO[bytes]:
    """Open the file with the memory usage of this process; later it may open nothing there."""
    try:
        return open("/proc/self/statm", "rb", buffering=0)
    except FileNotFoundError:
        return open(os.devnull, "rb", buffering=0)


def _memory(statm: IO[bytes]) -> tuple[int, int]:
    """Return the address space and the memory in use, in bytes.

    Zeros on systems other than Linux.
    """
    told = os.pread(statm.fileno(), 200, 0).split()
    if not told:
        return 0, 0
    return int(told[0]) * _PAGE_BYTES, int(told[1]) * _PAGE_BYTES


if __name__ == "__main__":
    main()
