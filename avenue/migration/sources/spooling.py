"""What services answer: pages of their lists, and bytes on their way into an unlinked file."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from avenue.media.intake.spool import fill, new_spool
from avenue.migration.sources.errors import CursorGone
from avenue.migration.spool import Spooled
from avenue.outside.asking import Asker
from avenue.outside.errors import FetchFailed
from avenue.web.errors import FileTooLarge

NO_CURSOR = 400
"""What services answer to a cursor that they know no more."""


@contextmanager
def going_on(cursor: str | None) -> Iterator[None]:
    """Ask for a page inside; raise `CursorGone` when its `cursor` is refused."""
    try:
        yield
    except FetchFailed as error:
        if cursor and error.facts.get("http_status") == NO_CURSOR:
            raise CursorGone from None
        raise


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


@contextmanager
def downloaded(
    asker: Asker, path: str, name: str, tmp_dir: Path, *, max_bytes: int
) -> Iterator[Spooled]:
    """Give what a service answers to a GET of `path` as a file; raises as `spooled`."""
    with (
        asker.asked(path) as answer,
        spooled(answer.blocks, name, tmp_dir, max_bytes=max_bytes) as file,
    ):
        yield file
