"""A target whose objects are encrypted, including their names. Format: docs/backup-format.md.

AES-256-GCM in segments, as in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, 2015):
the nonce of each has its number and whether it is the last one, so that none can be omitted, moved
or cut off. The last one is the object's name, so that no object can replace another. Names are
encrypted deterministically with AES-SIV (RFC 5297).
"""

import base64
import binascii
import contextlib
import io
import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from avenue.backup.errors import BackupDamaged, WrongKey
from avenue.backup.targets import Draft, Stored, Target

MAGIC = b"AVENUE\x01\n"
SALT_BYTES = 32
SEGMENT_BYTES = 1024 * 1024
TAG_BYTES = 16
HEAD_BYTES = len(MAGIC) + SALT_BYTES
NUMBER_BYTES = 11
KEY_BYTES = 32
PREFIX = "avbk_"
FORM = "aes-256-gcm"
"""The name of this format in `repository.json`."""


def new_key() -> str:
    """Return a new key in its text form."""
    return PREFIX + _text(secrets.token_bytes(KEY_BYTES))


def key_of(text: str) -> bytes:
    """Return the 32 bytes of a key in text form; raise `WrongKey` if it is invalid."""
    try:
        key = _bytes(text.removeprefix(PREFIX))
    except ValueError:
        key = b""
    if not text.startswith(PREFIX) or len(key) != KEY_BYTES:
        raise WrongKey
    return key


def described(key: bytes, repository: str) -> dict[str, str]:
    """Return the encryption part of `repository.json`, which allows checking the key."""
    return {"form": FORM, "check": _derived(key, repository.encode(), b"check").hex()}


class EncryptedTarget:
    """See `Target`; the target below it sees neither bytes nor names."""

    def __init__(self, target: Target, key: bytes, repository: str) -> None:
        self._target = target
        self._key = key
        self._names = AESSIV(_derived(key, repository.encode(), b"names", 2 * KEY_BYTES))

    @property
    def address(self) -> str:
        """Its name for people."""
        return self._target.address

    def prepare(self) -> None:
        """Create what the first object needs."""
        self._target.prepare()

    @contextlib.contextmanager
    def drafts(self) -> Iterator[Callable[[], Draft]]:
        """Give a function that starts an object, which is encrypted while it is written."""
        with self._target.drafts() as begin:
            yield lambda: EncryptedDraft(begin(), self._key, self._hidden)

    def settle(self) -> None:
        """Return once all kept objects would survive a power failure."""
        self._target.settle()

    def open(self, name: str) -> BinaryIO:
        """Return the bytes of an object; reading raises `BackupDamaged` if they were changed."""
        stored = self._target.open(self._hidden(name))
        try:
            plain = _Decrypted(stored, self._key, name)
        except Exception:
            stored.close()
            raise
        return cast(BinaryIO, io.BufferedReader(plain, SEGMENT_BYTES))

    def size(self, name: str) -> int | None:
        """Return the size of an object in bytes, decrypted; None if it does not exist."""
        size = self._target.size(self._hidden(name))
        return None if size is None else _plain_size(size, name)

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield the objects below a folder, except those with foreign names."""
        for each in self._target.list(prefix):
            name = self._shown(each.name)
            if name is not None:
                yield Stored(name, _plain_size(each.size, name))

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._target.delete(self._hidden(name))

    def _hidden(self, name: str) -> str:
        """Return the encrypted name; `objects/…` and the folders of snapshots stay readable."""
        folder, rest = _split(name)
        hidden = _text(self._names.encrypt(rest.encode(), [folder.encode()]))
        return f"{folder}{hidden[:2]}/{hidden}" if folder == "objects/" else f"{folder}{hidden}"

    def _shown(self, name: str) -> str | None:
        """Return the decrypted name, None if it is not one of ours."""
        folder, rest = _split(name)
        try:
            shown = self._names.decrypt(_bytes(rest.rpartition("/")[2]), [folder.encode()])
        except (InvalidTag, ValueError):
            return None
        return folder + shown.decode()


class EncryptedDraft:
    """Encrypts what is written; holds one segment in memory at most."""

    def __init__(self, draft: Draft, key: bytes, hidden: Callable[[str], str]) -> None:
        self._draft = draft
        self._hidden = hidden
        salt = os.urandom(SALT_BYTES)
        self._sealer = AESGCM(_derived(key, salt, b"object"))
        self._buffer = bytearray()
        self._number = 0
        draft.write(MAGIC + salt)

    def write(self, data: bytes, /) -> int:
        """Add bytes."""
        self._buffer += data
        while len(self._buffer) >= SEGMENT_BYTES:
            self._seal(bytes(self._buffer[:SEGMENT_BYTES]))
            del self._buffer[:SEGMENT_BYTES]
        return len(data)

    def keep(self, name: str) -> None:
        """Store the whole object under `name`, replacing an existing one."""
        if self._buffer:
            self._seal(bytes(self._buffer))
        self._seal(name.encode(), is_last=True)
        self._draft.keep(self._hidden(name))

    def _seal(self, data: bytes, *, is_last: bool = False) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._draft.write(self._sealer.encrypt(nonce, data, None))
        self._number += 1


class _Decrypted(io.RawIOBase):
    """The content of an encrypted object; its end is only reached if its name is correct."""

    def __init__(self, stored: BinaryIO, key: bytes, name: str) -> None:
        self._stored = stored
        self._name = name
        head = _read(stored, HEAD_BYTES)
        self._opener = AESGCM(_derived(key, head[len(MAGIC) :], b"object"))
        self._number = 0
        self._ended = False
        self._ahead = b""
        """Bytes that were read but not decrypted: they include the name at the end."""
        self._plain = memoryview(b"")
        if head[: len(MAGIC)] != MAGIC or len(head) < HEAD_BYTES:
            raise BackupDamaged(what=name)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._plain and not self._ended:
            self._plain = memoryview(self._next())
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def close(self) -> None:
        self._stored.close()
        super().close()

    def _next(self) -> bytes:
        end = len(self._name.encode()) + TAG_BYTES
        segment = SEGMENT_BYTES + TAG_BYTES
        wanted = segment + end - len(self._ahead)
        self._ahead += _read(self._stored, wanted)
        if len(self._ahead) == segment + end and self._more():
            return self._opened(segment)
        body = len(self._ahead) - end
        plain = self._opened(body) if body else b""
        self._ended = True
        if self._opened(end, is_last=True) != self._name.encode():
            raise BackupDamaged(what=self._name)
        return plain

    def _more(self) -> bool:
        """Return whether more bytes follow, reading one of them."""
        one = self._stored.read(1)
        self._ahead += one
        return bool(one)

    def _opened(self, size: int, *, is_last: bool = False) -> bytes:
        nonce = _nonce(self._number, is_last=is_last)
        try:
            plain = self._opener.decrypt(nonce, self._ahead[: max(size, 0)], None)
        except (InvalidTag, ValueError) as error:
            raise BackupDamaged(what=self._name) from error
        self._number += 1
        self._ahead = self._ahead[size:]
        return plain


def _read(stored: BinaryIO, size: int) -> bytes:
    """Return `size` bytes, fewer at the end only."""
    pieces = []
    while size and (piece := stored.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _plain_size(size: int, name: str) -> int:
    """Return the decrypted size of an object of `size` encrypted bytes; -1 if impossible."""
    body = size - HEAD_BYTES - len(name.encode()) - TAG_BYTES
    segments = -(-body // (SEGMENT_BYTES + TAG_BYTES))
    plain = body - segments * TAG_BYTES
    return plain if body >= 0 and plain >= segments * bool(body) else -1


def _split(name: str) -> tuple[str, str]:
    """Return the folder, which is not encrypted, and the rest of a name."""
    parts = name.split("/")
    count = 2 if parts[0] == "snapshots" else 1
    return "".join(f"{each}/" for each in parts[:count]), "/".join(parts[count:])


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(NUMBER_BYTES, "big") + bytes([is_last])


def _derived(key: bytes, salt: bytes, purpose: bytes, size: int = KEY_BYTES) -> bytes:
    return HKDF(SHA256(), size, salt, b"avenue backup " + purpose).derive(key)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Return the bytes that `_text` encoded; raise ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error
