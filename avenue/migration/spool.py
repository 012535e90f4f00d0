"""Copies incoming bytes to where they cannot change while they are checked and stored."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from avenue.media.intake.spool import SpooledFile, spooled
from avenue.migration.errors import FileChanged
from avenue.migration.models import Content
from avenue.migration.tree import Tree


class Spool:
    """Copies a file of a tree into `tmp_dir` at its first use, for a `with` block."""

    def __init__(self, tree: Tree, content: Content, tmp_dir: Path) -> None:
        self._tree = tree
        self._content = content
        self._tmp_dir = tmp_dir
        self._spooled: SpooledFile | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def incoming(self) -> SpooledFile:
        """Return the copy; raise `FileChanged` if the bytes are not those read before.

        Raise also `UnreadableFile`, `DamagedEntry` or `SpoolUnavailable`.
        """
        if self._spooled is None:
            content = self._content
            blocks = self._tree.read(content.key)
            file = self._open.enter_context(
                spooled(content.name, blocks, self._tmp_dir, self._check_bytes)
            )
            if file.sha256 != content.sha256:
                raise FileChanged
            self._spooled = file
        return self._spooled

    def _check_bytes(self, length: int) -> None:
        if length > self._content.length:
            raise FileChanged
