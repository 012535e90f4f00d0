"""Caches bytes of public files on a local disk, read from the database once per machine.

All processes of a machine share one folder under `AVENUE_TMP_DIR`, also after a restart. It
contains copies only: missing, damaged or unreadable ones are read from the database. A file is
written under a temporary name by one process at a time, compared with its SHA-256 and renamed; each
process compares it once more before its first use.

Permission is always checked with the database (`AssetCache`); a file here is no permission. Every
`AVENUE_CACHE_SECONDS` one process deletes the files of assets that are no longer public, and the
least recently used ones beyond `AVENUE_DISK_CACHE_MB`.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import stat
import struct
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from avenue.errors import Unavailable
from avenue.server.file_body import PIECE_BYTES, FileBody

KB = 1024
LEAST_BYTES = 64 * KB
"""Smaller ones are kept in memory only."""
MOST_OF_ALL = 8
"""A file may take an eighth of the cache."""
MOST_FILE_BYTES = 64 * KB * KB
"""The first request for a file waits until all of it is here."""
MOST_KNOWN = 16_000
"""How many files a process remembers as compared: 19 MB (measured)."""
USED_SECONDS = 60.0
"""The resolution of the time of last use."""
PER_QUESTION = 500
"""How many assets are checked in one query."""
SHARE_LEFT = 2
"""The cache takes at most half of the disk that would be free without it."""
WAIT_SECONDS, LOOK_SECONDS = 3.0, 0.02
"""How long, and how often, a process waits for another one that writes the same file."""
WITHOUT_ROOM_SECONDS = 30.0
"""For how long nothing is written after the disk was full."""

FOOTER = struct.Struct(">4sII")
MAGIC = b"AVE1"
MOST_FACTS_BYTES = 4 * KB

Facts = Mapping[str, Any]
Shown = Callable[[str, Sequence[str]], set[str]]
"""Takes a site and ids of assets; returns the live and public ones."""

log = logging.getLogger(__name__)


class OnDisk(Protocol):
    """How a cached value is stored in a file."""

    @property
    def site(self) -> str:
        """The site of the file."""

    @property
    def name(self) -> str:
        """A file name for exactly these bytes, the asset's id in front of its first dot."""

    def taken_apart(self, kept: Any) -> tuple[Facts, Iterable[bytes]] | None:
        """Return facts (JSON, with `sha256`) and bytes of a value; None if it cannot be stored."""

    def put_together(self, facts: Facts, body: FileBody) -> Any:
        """Return the value with its bytes in `body`; None if it is outdated."""


@dataclass(slots=True)
class _Known:
    """A compared file: its inode, the length of its body, the time of its last use."""

    inode: int
    length: int
    facts: Facts
    used_at: float


class DiskCache:
    """Files of at most `most_bytes` in all, in `folder`; safe to use from many threads."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """`folder` is created if needed. Raise `OSError` if others can write to it."""
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to somebody else")
        if found.st_mode & 0o077:
            folder.chmod(0o700)
        self.most_file_bytes = min(MOST_FILE_BYTES, most_bytes // MOST_OF_ALL)
        self._folder = folder
        self._most_bytes = most_bytes
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()
        self._written_bytes = 0
        self._no_room_until = 0.0

    def takes(self, length: int) -> bool:
        """Return whether a file of `length` bytes may be cached here."""
        return LEAST_BYTES <= length <= self.most_file_bytes

    def at_hand(self, place: OnDisk) -> Any:
        """Return the value, None unless it was compared and can be sent without waiting."""
        path = self._path(place)
        known = self._known.get(path)
        if known is None:
            return None
        opened = _opened(path)
        if opened is None:
            return None
        descriptor, inode, size = opened
        body = FileBody(descriptor, known.length)
        if inode != known.inode or size < known.length or not body.is_in_memory():
            return None
        self._used(body, known)
        return place.put_together(known.facts, body)

    def find(self, place: OnDisk) -> Any:
        """Return the value, compared if this process has not done so; None if it is not here."""
        path = self._path(place)
        opened = _opened(path)
        if opened is None:
            return None
        descriptor, inode, size = opened
        known = self._known.get(path)
        if known is None or known.inode != inode:
            known = _compared(descriptor, inode, size)
            if known is None:
                os.close(descriptor)
                log.warning("A file of the disk cache was damaged, and is removed: %s", path)
                _remove(path)
                return None
            self._remember(path, known)
        body = FileBody(descriptor, known.length)
        body.load()
        self._used(body, known)
        return place.put_together(known.facts, body)

    def keep(self, place: OnDisk, kept: Any) -> Any:
        """Write the value to a file; return it as read from there, or as it was given."""
        apart = place.taken_apart(kept)
        if apart is None or time.monotonic() < self._no_room_until:
            return kept
        try:
            is_written = self._write(self._path(place), *apart)
        except OSError as error:
            log.warning("The disk cache cannot be written: %s", error)
            self._no_room_until = time.monotonic() + WITHOUT_ROOM_SECONDS
            return kept
        found = self.find(place) if is_written else None
        return kept if found is None else found

    def sweep(self, seconds: float, shown: Shown) -> bool:
        """Delete files that may no longer be shown, and those beyond the size limit.

        Files of a site whose database is unreachable stay. Return False if another process does so
        or has done so within `seconds`, or the folder cannot be used.
        """
        try:
            with self._alone() as lock:
                if lock is None or time.time() - os.fstat(lock).st_mtime < seconds:
                    return False
                for site, by_asset in self._by_asset():
                    with contextlib.suppress(Unavailable):
                        self._remove_hidden(site, by_asset, shown)
                self._evict()
                os.utime(lock)
        except OSError as error:
            log.warning("The disk cache cannot be looked through: %s", error)
            return False
        return True

    def _remove_hidden(self, site: str, by_asset: Mapping[str, list[str]], shown: Shown) -> None:
        assets = sorted(by_asset)
        for start in range(0, len(assets), PER_QUESTION):
            some = assets[start : start + PER_QUESTION]
            for hidden in set(some) - shown(site, some):
                for path in by_asset[hidden]:
                    _remove(path)

    # Files

    def _path(self, place: OnDisk) -> str:
        name = place.name
        return f"{self._folder}/{place.site}/{name[:2]}/{name}"

    def _write(self, path: str, facts: Facts, pieces: Iterable[bytes]) -> bool:
        """Write a file, or wait for the process that is writing it.

        Return False if that process takes too long. Raise `OSError`, and the errors of reading the
        pieces.
        """
        temporary = f"{path}.part"
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            if not _locked_soon(descriptor):
                return False
            if not _is_still(temporary, descriptor):  # the previous process has just finished
                return True
            try:
                written = _fill(file, facts, pieces)
                os.replace(temporary, path)
            except BaseException:
                _remove(temporary)
                raise
        self._count(written)
        return True

    def _count(self, written: int) -> None:
        """Count written bytes; evict at times, not only in `sweep`."""
        self._written_bytes += written
        if self._written_bytes < self._most_bytes // 16:
            return
        self._written_bytes = 0
        with self._alone() as lock:
            if lock is not None:
                self._evict()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[int | None]:
        """Give a lock for the block; None while another process has it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)  # the folder may have been deleted
        path = self._folder / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size == 0:  # new: nothing was checked yet
                os.write(descriptor, b".")
                os.utime(descriptor, (0, 0))
            yield descriptor if _locked(descriptor) else None
        finally:
            os.close(descriptor)

    def _files(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield site and entry of each file."""
        for site in _entries(self._folder):
            if not site.is_dir(follow_symlinks=False):
                continue
            for shard in _entries(site.path):
                for file in _entries(shard.path):
                    yield site.name, file

    def _by_asset(self) -> Iterator[tuple[str, dict[str, list[str]]]]:
        """Yield each site with the paths of the files of each asset."""
        sites: dict[str, dict[str, list[str]]] = {}
        for site, file in self._files():
            asset = file.name.partition(".")[0]
            sites.setdefault(site, {}).setdefault(asset, []).append(file.path)
        yield from sites.items()

    def _evict(self) -> None:
        """Delete the least recently used files until the size fits."""
        found: list[tuple[float, int, str]] = []
        for _, file in self._files():
            with contextlib.suppress(OSError):
                facts = file.stat(follow_symlinks=False)
                found.append((facts.st_mtime, facts.st_blocks * 512, file.path))
        held = sum(size for _, size, _ in found)
        disk = os.statvfs(self._folder)
        free = disk.f_bavail * disk.f_frsize
        most = min(self._most_bytes, (held + free) // SHARE_LEFT)
        for _, size, path in sorted(found):
            if held <= most:
                break
            _remove(path)
            held -= size

    # Compared files

    def _remember(self, path: str, known: _Known) -> None:
        with self._lock:
            self._known[path] = known
            self._known.move_to_end(path)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)

    def _used(self, body: FileBody, known: _Known) -> None:
        now = time.monotonic()
        if now - known.used_at > USED_SECONDS:
            known.used_at = now
            body.touch()


def _opened(path: str) -> tuple[int, int, int] | None:
    """Open a file; return descriptor, inode and size, or None."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    facts = os.fstat(descriptor)
    return descriptor, facts.st_ino, facts.st_size


def _compared(descriptor: int, inode: int, size: int) -> _Known | None:
    """Read a file; return its facts, None if it is not as it was written."""
    if size < FOOTER.size:
        return None
    magic, facts_length, checksum = FOOTER.unpack(
        os.pread(descriptor, FOOTER.size, size - FOOTER.size)
    )
    length = size - FOOTER.size - facts_length
    if magic != MAGIC or facts_length > MOST_FACTS_BYTES or length < 0:
        return None
    written = os.pread(descriptor, facts_length, length)
    if zlib.crc32(written) != checksum:
        return None
    facts = json.loads(written)
    digest = hashlib.sha256()
    for start in range(0, length, PIECE_BYTES):
        digest.update(os.pread(descriptor, min(PIECE_BYTES, length - start), start))
    if digest.hexdigest() != facts["sha256"]:
        return None
    return _Known(inode, length, facts, time.monotonic() - USED_SECONDS)


def _fill(file: Any, facts: Facts, pieces: Iterable[bytes]) -> int:
    """Write bytes and facts; return the number of bytes.

    Raise `OSError`, also if the bytes do not match `sha256`.
    """
    file.truncate(0)
    digest, length = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        length += len(piece)
        _write_all(file, piece)
    if digest.hexdigest() != facts["sha256"]:
        raise OSError("the bytes are not those of their hash")
    written = json.dumps(facts).encode()
    _write_all(file, written + FOOTER.pack(MAGIC, len(written), zlib.crc32(written)))
    return length + len(written) + FOOTER.size


def _write_all(file: Any, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked_soon(descriptor: int) -> bool:
    """Lock a file, waiting for other processes; return False if that takes too long."""
    ends_at = time.monotonic() + WAIT_SECONDS
    while not _locked(descriptor):
        if time.monotonic() >= ends_at:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _is_still(path: str, descriptor: int) -> bool:
    """Return whether `path` still leads to the open file, which may have been renamed."""
    try:
        return os.stat(path).st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
