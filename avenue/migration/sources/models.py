"""What a source of files says of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from avenue.identity import Actor
from avenue.media.intake.library import Incoming
from avenue.migration.models import Reference

LONGEST_TOLD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of a source; `key` is what the source calls it, whatever characters that has.

    `version` changes with the bytes, as far as the source says; `length` is bytes, None when it
    does not. `addresses` are those it was read at; `is_public` is None where only who asks knows
    whether everybody may read it. `folder` is the way to it; `named_by` are records that
    are known to name it; `facts` are fields of the asset to be, as they are stored (moments as
    texts); `open_with` is for the source itself.
    """

    key: str
    name: str
    version: str = ""
    length: int | None = None
    addresses: tuple[str, ...] = ()
    is_public: bool | None = None
    alt: str = ""
    tags: tuple[str, ...] = ()
    folder: tuple[str, ...] = ()
    named_by: tuple[Reference, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    open_with: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Some entries, and the cursor of those that follow: None at the end.

    `malformed` are what the source says and nobody understands, cut off, to be named.
    """

    entries: Sequence[Entry]
    cursor: str | None
    malformed: Sequence[str] = ()

    @classmethod
    def of(cls, items: Iterable[Any], read: Callable[[Any], Entry], cursor: str | None) -> Self:
        """Return what `read` makes of `items`, each by itself."""
        entries, malformed = [], []
        for each in items:
            try:
                entries.append(read(each))
            except (KeyError, TypeError, ValueError, AttributeError):
                malformed.append(repr(each)[:LONGEST_TOLD])
        return cls(entries=entries, cursor=cursor, malformed=malformed)


class Source(Protocol):
    """A place with files; what lets one in is in nothing that it says of itself."""

    @property
    def name(self) -> str:
        """What people call it; also under which it is remembered what was brought in."""

    @property
    def hosts(self) -> Sequence[str]:
        """The hosts at which its files were read."""

    @property
    def entries_per_hour(self) -> int | None:
        """How many files it hands out in an hour; None when nothing is known of a limit."""

    def page(self, cursor: str | None) -> Listed:
        """Return the entries after `cursor`, from the start without one.

        Raise `CursorGone` when the source knows it no more, `RateLimited`, or why not at all.
        """

    def opened(self, entry: Entry, *, max_bytes: int) -> AbstractContextManager[Incoming]:
        """Give the original bytes of an entry, spooled.

        Raise `RateLimited`, or why it cannot be had: `FetchFailed`, `FetchTooSlow`,
        `AddressNotAllowed`, `BadUrl`, `FileTooLarge`, `NotOriginal`.
        """


class Folders(Protocol):
    """The folders of the media library."""

    def at(self, actor: Actor, names: Sequence[str]) -> str | None:
        """Return the id of the folder that `names` lead to, made where there is none.

        Where there may be no more folders, or none so deep, it is the last on the way.
        """
