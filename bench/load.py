"""A small load generator: keep-alive connections in one epoll loop, browser headers.

Light enough to share two cores with what it measures; its own cost is the same for every target.
"""

import selectors
import socket
import time
from dataclasses import dataclass

BROWSER_HEADERS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5\r\n"
    "Accept-Language: es-PY,es;q=0.8,en-US;q=0.5,en;q=0.3\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\n"
    "Referer: http://127.0.0.1/products\r\n"
    "Sec-Fetch-Dest: image\r\n"
    "Sec-Fetch-Mode: no-cors\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of load gave."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float


def run(host: str, port: int, path: str, *, connections: int, seconds: float) -> Round:
    """Ask for `path` again and again over `connections` connections; every answer is a 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{BROWSER_HEADERS}\r\n".encode()
    whole = _length_of_answer(host, port, request)
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        each = socket.create_connection((host, port))
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        each.setblocking(False)
        selector.register(each, selectors.EVENT_READ, [0, time.perf_counter()])
        each.sendall(request)
    buffer = bytearray(256 * 1024)
    latencies: list[float] = []
    begun_at = time.perf_counter()
    while time.perf_counter() - begun_at < seconds:
        for key, _ in selector.select(1):
            connection, state = key.fileobj, key.data
            got = connection.recv_into(buffer)
            assert got, "the server closed a connection"
            if state[0] == 0:
                assert buffer.startswith(b"HTTP/1.1 200"), bytes(buffer[:200])
            state[0] += got
            if state[0] >= whole:
                assert state[0] == whole
                now = time.perf_counter()
                latencies.append(now - state[1])
                state[:] = [0, now]
                connection.sendall(request)
    took = time.perf_counter() - begun_at
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    selector.close()
    latencies.sort()
    return Round(
        requests_per_second=len(latencies) / took,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000,
    )


def _length_of_answer(host: str, port: int, request: bytes) -> int:
    with socket.create_connection((host, port)) as connection:
        connection.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(65536)
    head, _, _ = got.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    return len(head) + 4 + int(fields[b"content-length"])
