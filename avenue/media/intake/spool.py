"""Unlinked files for what must lie in a real file for a while."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from avenue.web.errors import SpoolUnavailable


@contextmanager
def new_spool(tmp_dir: Path) -> Iterator[BinaryIO]:
    """Give an unlinked file in `tmp_dir`; raise `SpoolUnavailable`."""
    try:
        spool = cast("BinaryIO", tempfile.TemporaryFile(dir=tmp_dir))  # noqa: SIM115
    except OSError as error:
        raise SpoolUnavailable from error
    try:
        yield spool
    finally:
        with suppress(OSError):  # what a full disk did not take is lost with it anyway
            spool.close()


def fill(spool: BinaryIO, blocks: Iterable[bytes]) -> None:
    """Write `blocks` into `spool` and go back to the start; raise `SpoolUnavailable`."""
    for block in blocks:
        try:
            spool.write(block)
        except OSError as error:
            raise SpoolUnavailable from error
    try:
        spool.seek(0)  # which writes what is left
    except OSError as error:
        raise SpoolUnavailable from error
