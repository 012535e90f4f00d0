"""The bytes of a source on their way into an unlinked file."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from avenue.media.intake import spool
from avenue.media.intake.spool import SpooledFile
from avenue.web.errors import FileTooLarge


def spooled(
    blocks: Iterable[bytes], name: str, tmp_dir: Path, *, max_bytes: int
) -> AbstractContextManager[SpooledFile]:
    """Give `blocks` as a file; raise `FileTooLarge` or `SpoolUnavailable`."""

    def check_bytes(length: int) -> None:
        if length > max_bytes:
            raise FileTooLarge(max_bytes)

    return spool.spooled(name, blocks, tmp_dir, check_bytes)
