"""The protocol of web and decode processes: JSON over a socket pair, files as descriptors.

A message is four bytes of length (big-endian) and that many bytes of JSON object. The descriptor of
an open file may be sent along, so that no picture is copied through the socket. The results, which
are much smaller, follow the message as raw bytes; `blobs` has the lengths.
"""

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_LENGTH = struct.Struct(">I")
LONGEST_MESSAGE_BYTES = 65_536
MOST_BLOB_BYTES = 64 * 1024 * 1024
MOST_FILES = 2


def send(
    channel: socket.socket,
    message: Mapping[str, Any],
    files: Sequence[int] = (),
    blobs: Sequence[bytes] = (),
) -> None:
    """Send `message`, duplicates of the descriptors `files`, and the bytes of `blobs`."""
    body = json.dumps({**message, "blobs": [len(each) for each in blobs]}).encode()
    socket.send_fds(channel, [_LENGTH.pack(len(body))], files)
    channel.sendall(body)
    for each in blobs:
        channel.sendall(each)


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[bytes]]:
    """Return the next message and its bytes; raise EOFError if the other side is gone."""
    message = _body(channel, _exactly(channel, _LENGTH.size))
    lengths = message.pop("blobs")
    if sum(lengths) > MOST_BLOB_BYTES:
        raise ValueError(f"{sum(lengths)} bytes with a message")
    return message, [_exactly(channel, length) for length in lengths]


def receive_with_files(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return the next message and the descriptors sent along, which the caller must close."""
    length, files, _, _ = socket.recv_fds(channel, _LENGTH.size, MOST_FILES)
    if not files:
        raise EOFError
    length += _exactly(channel, _LENGTH.size - len(length))
    return _body(channel, length), list(files)


def _body(channel: socket.socket, length: bytes) -> dict[str, Any]:
    (count_bytes,) = _LENGTH.unpack(length)
    if count_bytes > LONGEST_MESSAGE_BYTES:
        raise ValueError(f"a message of {count_bytes} bytes")
    message: dict[str, Any] = json.loads(_exactly(channel, count_bytes))
    return message


def _exactly(channel: socket.socket, count_bytes: int) -> bytes:
    received = bytearray(count_bytes)
    rest = memoryview(received)
    while rest:
        got = channel.recv_into(rest)
        if not got:
            raise EOFError
        rest = rest[got:]
    return bytes(received)
