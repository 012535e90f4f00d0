"""Decodes the bytes of a file from the forms that old records have.

BSON binary, base64 (plain, with line breaks, URL-safe), a data URL, a Buffer as Node.js writes it
into JSON, each of them with or without gzip around it.
"""

import base64
import binascii
import re
import zlib
from typing import Any
from urllib.parse import unquote_to_bytes

from avenue.media.intake.sniffing import HEAD_BYTES, detect
from avenue.migration.adopt.errors import BrokenSource
from avenue.web.errors import FileTooLarge

MOST_LAYERS = 4
LEAST_INLINE = 64
"""Shorter texts are names, not pictures: the smallest possible picture has 67 characters."""
GZIP = b"\x1f\x8b"
_DATA_URL = re.compile(r"data:(?P<type>[^,]{0,200}),", re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-\s]++={0,2}+\s*+")
_BLANKS = re.compile(rb"\s+")
_TO_PLAIN = bytes.maketrans(b"-_", b"+/")


def is_inline(value: Any) -> bool:
    """Return whether `value` is the content of a file, and not its name."""
    if isinstance(value, bytes):
        return len(value) > 0
    if isinstance(value, str):
        if _DATA_URL.match(value):
            return True
        head = value[: 2 * HEAD_BYTES]
        return len(value) >= LEAST_INLINE and _sniffed(head) is not None
    return _buffer(value) is not None


def file_bytes(value: Any, max_bytes: int) -> bytes:
    """Return the bytes in `value`.

    Raise `BrokenSource` if it cannot be decoded, `FileTooLarge` beyond `max_bytes`.
    """
    data = _outer(value)
    for _ in range(MOST_LAYERS):
        inner = _inner(data, max_bytes)
        if inner is None:
            break
        data = inner
    if len(data) > max_bytes:
        raise FileTooLarge(max_bytes)
    return data


def form_of(value: Any) -> str:
    """Return the form of the file in `value`, in a word for reports."""
    if isinstance(value, str):
        return "data URL" if _DATA_URL.match(value) else "base64"
    data = _buffer(value) if not isinstance(value, bytes) else value
    return "gzip" if data and data.startswith(GZIP) else "binary"


def _outer(value: Any) -> bytes:
    if isinstance(value, bytes):
        return bytes(value)
    buffer = _buffer(value)
    if buffer is not None:
        return buffer
    if not isinstance(value, str):
        raise BrokenSource
    found = _DATA_URL.match(value)
    if found is None:
        return value.encode("ascii", "replace")
    body = value[found.end() :]
    if found["type"].lower().replace(" ", "").endswith(";base64"):
        return _from_base64(
            unquote_to_bytes(body) if "%" in body else body.encode("ascii", "replace")
        )
    return unquote_to_bytes(body)


def _inner(data: bytes, max_bytes: int) -> bytes | None:
    """Return the decoded bytes of `data`, None if it is the file itself."""
    if data.startswith(GZIP):
        return _unzipped(data, max_bytes)
    if detect(data[:HEAD_BYTES]) is not None:
        return None
    if data[:5].lower() == b"data:":
        return _outer(data.decode("ascii", "replace"))
    if _BASE64.fullmatch(data):
        return _from_base64(data)
    return None


def _unzipped(data: bytes, max_bytes: int) -> bytes:
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        # In base64 it may be a third larger; no more than that is read.
        plain = reader.decompress(data, max_bytes * 4 // 3 + HEAD_BYTES)
    except zlib.error:
        raise BrokenSource from None
    if reader.unconsumed_tail:
        raise FileTooLarge(max_bytes)
    if not reader.eof:
        raise BrokenSource
    return plain


def _from_base64(text: bytes) -> bytes:
    plain = _BLANKS.sub(b"", text).rstrip(b"=").translate(_TO_PLAIN)
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BrokenSource from None


def _sniffed(head: str) -> object:
    plain = "".join(head.split())
    plain = plain[: len(plain) // 4 * 4]
    if not plain.isascii() or not _BASE64.fullmatch(plain.encode()):
        return None
    try:
        data = _from_base64(plain.encode())
    except BrokenSource:
        return None
    return GZIP if data.startswith(GZIP) else detect(data)


def _buffer(value: Any) -> bytes | None:
    """Return the bytes of a Buffer in JSON, or of binary in MongoDB's extended JSON; else None."""
    if not isinstance(value, dict):
        return None
    if value.get("type") == "Buffer" and isinstance(value.get("data"), list):
        try:
            return bytes(value["data"])
        except (TypeError, ValueError):
            raise BrokenSource from None
    binary = value.get("$binary")
    text = binary.get("base64") if isinstance(binary, dict) else binary
    return _from_base64(text.encode("ascii", "replace")) if isinstance(text, str) else None
