"""Models of resumable uploads."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from avenue.uploads.tus.protocol import Checksum

Read = Callable[[int], Iterator[bytes]]
"""Yields the blocks of a body of at most that many bytes; raises when it breaks off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TusUpload:
    """A resumable upload. `id` will be the id of its asset.

    Of the first `offset` bytes, whole chunks are stored as `file`, and `tail` has the rest. It will
    be filed under `category` and `reference`. `epoch` counts the requests that have continued it:
    only the newest may write. When `is_done`, `offset` is `length`; before, it never is.
    """

    id: str
    site: str
    owner: str
    file: str
    length: int
    metadata: str | None
    name: str
    category: str
    reference: str | None
    offset: int = 0
    tail: bytes = field(default=b"", repr=False)
    epoch: int = 0
    is_done: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """The request for a new upload. `metadata` is unparsed."""

    length: int
    metadata: str | None
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a file: its start, its bytes, and its checksum, if any.

    `counts_whole`: nothing of it is kept when it breaks off, as with a checksum. `name` is the
    file's, for clients that send it only here.
    """

    offset: int
    read: Read
    checksum: Checksum | None = None
    counts_whole: bool = False
    name: str = ""
