"""How a web process and its decode processes talk: JSON over a socket pair, files as descriptors.

A message is four bytes of length (big-endian) and that many bytes of JSON object. The descriptor
of an open file may travel along, so that no picture is copied through the socket.
"""

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_LENGTH = struct.Struct(">I")
LONGEST_MESSAGE_BYTES = 65_536


def send(channel: socket.socket, message: Mapping[str, Any], files: Sequence[int] = ()) -> None:
    """Send `message`, and duplicates of the descriptors `files`."""
    body = json.dumps(message).encode()
    socket.send_fds(channel, [_LENGTH.pack(len(body))], files)
    channel.sendall(body)


def receive(channel: socket.socket) -> dict[str, Any]:
    """Return the next message; raise EOFError when the other side is gone."""
    return _body(channel, _exactly(channel, _LENGTH.size))


def receive_with_file(channel: socket.socket) -> tuple[dict[str, Any], int]:
    """Return the next message and the descriptor that came along, which is the caller's now."""
    length, files, _, _ = socket.recv_fds(channel, _LENGTH.size, 1)
    if not files:
        raise EOFError
    length += _exactly(channel, _LENGTH.size - len(length))
    return _body(channel, length), files[0]


def _body(channel: socket.socket, length: bytes) -> dict[str, Any]:
    (count_bytes,) = _LENGTH.unpack(length)
    if count_bytes > LONGEST_MESSAGE_BYTES:
        raise ValueError(f"a message of {count_bytes} bytes")
    message: dict[str, Any] = json.loads(_exactly(channel, count_bytes))
    return message


def _exactly(channel: socket.socket, count_bytes: int) -> bytes:
    received = b""
    while len(received) < count_bytes:
        part = channel.recv(count_bytes - len(received))
        if not part:
            raise EOFError
        received += part
    return received
