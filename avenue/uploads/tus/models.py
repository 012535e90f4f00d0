"""What is known of a file that comes in parts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from avenue.uploads.tus.protocol import Checksum

Read = Callable[[int], Iterator[bytes]]
"""Gives the blocks of a body that may have so many bytes; raises when it breaks off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TusUpload:
    """A file that comes in parts. `id` will be the id of its asset.

    Of the first `offset` bytes, those of whole chunks are stored as `file`, and `tail` has the
    rest. It will be filed under `category` and `reference`. `epoch` counts the requests that went
    on with it: only the newest may. Once it `is_done`, `offset` is `length`; before, it never is.
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
    """What a client says of a file it will send. `metadata` is what it sent, unread."""

    length: int
    metadata: str | None
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a file: where it begins, its bytes, and the checksum it came with, if any.

    `counts_whole`: nothing of it is kept when it breaks off, as with a checksum. `name` is the
    file's, where clients tell it no sooner.
    """

    offset: int
    read: Read
    checksum: Checksum | None = None
    counts_whole: bool = False
    name: str = ""
