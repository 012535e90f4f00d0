"""Unlinked temporary files."""

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
