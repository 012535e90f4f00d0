"""A decode process: it opens pictures, one after another, for the web process that started it.

Run as `python -m avenue.media.decoder <descriptor of its socket>` by `avenue.media.decoding`. It
knows neither Flask nor MongoDB nor the settings, holds no secrets, and ends when its socket does.
A request is `{"task", "media_type", "limits"}` with the picture's descriptor; the answer is
`{"facts"}` or `{"refused": code, "facts"}`, and `grown` when the process should be replaced.
"""

import math
import os
import resource
import socket
import sys
from dataclasses import asdict
from typing import Any

from avenue.errors import AvenueError
from avenue.media.channel import receive_with_file, send
from avenue.media.errors import ImageTooCostly
from avenue.media.imaging import examine
from avenue.media.limits import MB, ImageLimits

NICENESS = 10
GROWN_BYTES = 96 * MB
"""How much more memory than at its start a process may keep between two pictures."""

_PAGE_BYTES = resource.getpagesize()


def main() -> None:
    """Answer requests until the other side is gone."""
    # Pictures already stored are served first: decoding takes what the web threads leave over.
    os.nice(NICENESS)
    # A process ended by its limits must not fill the disk with its memory.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        send(channel, {"ready": True})
        size_bytes, at_start_bytes = _memory()
        while True:
            try:
                request, file = receive_with_file(channel)
            except (EOFError, ConnectionError):
                return
            limits = ImageLimits(**request["limits"])
            _bind(limits, size_bytes)
            answer = _answer(request, file, limits)
            grown = _memory()[1] - at_start_bytes > GROWN_BYTES
            send(channel, {**answer, "grown": grown})


def _answer(request: dict[str, Any], file: int, limits: ImageLimits) -> dict[str, Any]:
    try:
        try:
            data = _content(file)
        finally:
            os.close(file)
        return {"facts": asdict(examine(data, request["media_type"], limits))}
    except AvenueError as refusal:
        return {"refused": refusal.code, "facts": refusal.facts}
    except MemoryError:
        return {"refused": ImageTooCostly.code, "facts": {"memory_mb": limits.memory_mb}}


def _content(file: int) -> bytes:
    """Read the whole file. The position is shared with the web process and stays where it is."""
    size_bytes = os.fstat(file).st_size
    parts: list[bytes] = []
    at = 0
    while at < size_bytes and (part := os.pread(file, size_bytes - at, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _bind(limits: ImageLimits, size_bytes: int) -> None:
    """Let the next picture take `cpu_seconds` and `memory_mb` on top of what there is.

    Beyond the first the kernel, which counts whole seconds, ends this process (SIGXCPU); beyond the
    second it refuses memory.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used_seconds = usage.ru_utime + usage.ru_stime
    _soften(resource.RLIMIT_CPU, math.ceil(used_seconds + limits.cpu_seconds))
    if size_bytes:
        _soften(resource.RLIMIT_AS, size_bytes + limits.memory_mb * MB)


def _soften(which: int, soft: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(which, (soft, hard))


def _memory() -> tuple[int, int]:
    """Return the address space and the memory in use, bytes; zeros where only Linux could tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            size, resident = statm.read().split()[:2]
    except FileNotFoundError:
        return 0, 0
    return int(size) * _PAGE_BYTES, int(resident) * _PAGE_BYTES


if __name__ == "__main__":
    main()
