"""Models of import sources."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from avenue.media.intake.models import Incoming
from avenue.migration.models import Reference

LONGEST_TOLD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of a source; `key` is its name there, with any characters.

    `version` changes with the bytes, as far as the source reports; `length` is in bytes, None if
    unreported. `addresses` are its old URLs; `is_public` is None if the source does not say.
    `folder` is its path of folders; `named_by` are known referrers; `facts` are fields of the new
    asset, as they are stored (times as texts); `open_with` is for the source itself.
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
    """A page of entries, and the cursor of the next one: None at the end.

    `malformed` are entries that cannot be parsed, shortened, to be reported.
    """

    entries: Sequence[Entry]
    cursor: str | None
    malformed: Sequence[str] = ()

    @classmethod
    def of(cls, items: Iterable[Any], read: Callable[[Any], Entry], cursor: str | None) -> Self:
        """Return `items` parsed by `read`, each one independently."""
        entries, malformed = [], []
        for each in items:
            try:
                entries.append(read(each))
            except (KeyError, TypeError, ValueError, AttributeError):
                malformed.append(repr(each)[:LONGEST_TOLD])
        return cls(entries=entries, cursor=cursor, malformed=malformed)


class Source(Protocol):
    """A place with files; its credentials appear in none of its texts."""

    @property
    def name(self) -> str:
        """Its name for people; imported entries are also stored under it."""

    @property
    def hosts(self) -> Sequence[str]:
        """The hosts at which its files were read."""

    @property
    def entries_per_hour(self) -> int | None:
        """The most files it delivers in an hour; None without a known limit."""

    def page(self, cursor: str | None) -> Listed:
        """Return the entries after `cursor`, from the start without one.

        Raise `CursorGone` if the source no longer accepts it, `RateLimited`, or why it fails.
        """

    def opened(self, entry: Entry, *, max_bytes: int) -> AbstractContextManager[Incoming]:
        """Return the original bytes of an entry, spooled.

        Raise `RateLimited`, or why it is unavailable: `FetchFailed`, `FetchTooSlow`,
        `AddressNotAllowed`, `BadUrl`, `FileTooLarge`, `NotOriginal`.
        """
