"""Unlinked temporary files."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from avenue.web.errors import SpoolUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledFile:
    """A file to take in: its name, its bytes in a real file, their number and hash (hex)."""

    name: str
    file: BinaryIO
    length: int
    sha256: str


@contextmanager
def new_spool(tmp_dir: Path) -> Iterator[BinaryIO]:
    """Yield an unlinked file in `tmp_dir`; raise `SpoolUnavailable`."""
    try:
        spool = cast("BinaryIO", tempfile.TemporaryFile(dir=tmp_dir))  # noqa: SIM115
    except OSError as error:
        raise SpoolUnavailable from error
    try:
        yield spool
    finally:
        with suppress(OSError):  # data that a full disk did not accept is lost with it anyway
            spool.close()


def fill(spool: BinaryIO, blocks: Iterable[bytes]) -> None:
    """Write `blocks` to `spool` and rewind it; raise `SpoolUnavailable`."""
    for block in blocks:
        try:
            spool.write(block)
        except OSError as error:
            raise SpoolUnavailable from error
    try:
        spool.seek(0)  # which writes the rest
    except OSError as error:
        raise SpoolUnavailable from error


@contextmanager
def spooled(
    name: str,
    blocks: Iterable[bytes],
    tmp_dir: Path,
    check_bytes: Callable[[int], None] = lambda _: None,
) -> Iterator[SpooledFile]:
    """Yield `blocks` as a file to take in; raise `SpoolUnavailable`.

    `check_bytes` is called with the number of bytes so far before each block is written.
    """
    digest, length = hashlib.sha256(), 0

    def counted() -> Iterator[bytes]:
        nonlocal length
        for block in blocks:
            length += len(block)
            check_bytes(length)
            digest.update(block)
            yield block

    with new_spool(tmp_dir) as spool:
        fill(spool, counted())
        yield SpooledFile(name=name, file=spool, length=length, sha256=digest.hexdigest())
