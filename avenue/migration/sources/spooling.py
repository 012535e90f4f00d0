"""The bytes of a source on their way into an unlinked file."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from avenue.media.intake.spool import fill, new_spool
from avenue.migration.spool import Spooled
from avenue.web.errors import FileTooLarge


@contextmanager
def spooled(
    blocks: Iterable[bytes], name: str, tmp_dir: Path, *, max_bytes: int
) -> Iterator[Spooled]:
    """Give `blocks` as a file; raise `FileTooLarge` or `SpoolUnavailable`."""
    digest, length = hashlib.sha256(), 0

    def counted() -> Iterator[bytes]:
        nonlocal length
        for block in blocks:
            length += len(block)
            if length > max_bytes:
                raise FileTooLarge(max_bytes)
            digest.update(block)
            yield block

    with new_spool(tmp_dir) as file:
        fill(file, counted())
        yield Spooled(name=name, file=file, length=length, sha256=digest.hexdigest())
