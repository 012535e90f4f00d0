"""Responses of services: pages of their lists, and bytes to copy into an unlinked file."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from avenue.media.intake import spool
from avenue.media.intake.spool import SpooledFile
from avenue.migration.sources.errors import CursorGone
from avenue.outside.asking import Asker
from avenue.outside.errors import FetchFailed
from avenue.web.errors import FileTooLarge

NO_CURSOR = 400
"""The status of services for a cursor that they no longer accept."""


@contextmanager
def going_on(cursor: str | None) -> Iterator[None]:
    """Ask for a page inside; raise `CursorGone` when its `cursor` is refused."""
    try:
        yield
    except FetchFailed as error:
        if cursor and error.facts.get("http_status") == NO_CURSOR:
            raise CursorGone from None
        raise


def spooled(
    blocks: Iterable[bytes], name: str, tmp_dir: Path, *, max_bytes: int
) -> AbstractContextManager[SpooledFile]:
    """Return `blocks` as a file; raise `FileTooLarge` or `SpoolUnavailable`."""

    def check_bytes(length: int) -> None:
        if length > max_bytes:
            raise FileTooLarge(max_bytes)

    return spool.spooled(name, blocks, tmp_dir, check_bytes)


@contextmanager
def downloaded(
    asker: Asker, path: str, name: str, tmp_dir: Path, *, max_bytes: int
) -> Iterator[SpooledFile]:
    """Yield the response of a service to a GET of `path` as a file; raises as `spooled`."""
    with (
        asker.asked(path) as answer,
        spooled(answer.blocks, name, tmp_dir, max_bytes=max_bytes) as file,
    ):
        yield file
