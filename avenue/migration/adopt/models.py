"""Models of an earlier application's database, and of its import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Fields = Mapping[str, Any]


class Holds(StrEnum):
    """The contents of a collection of the earlier application."""

    PRODUCTS = "products"
    GROUPS = "groups"
    PICTURES = "pictures"
    TEMPORARY = "temporary"  # pictures whose product was never saved
    PAGES = "pages"
    PEOPLE = "people"
    FILES = "files"  # a GridFS bucket
    SETTINGS = "settings"
    LOG = "log"
    OTHER = "other"


LEFT_ALONE: Mapping[Holds, str] = {
    Holds.SETTINGS: "settings are set in Avenue",
    Holds.LOG: "the old log stays where it is",
    Holds.OTHER: "not pictures, products, pages or people",
}


class Became(StrEnum):
    """The outcome of a record."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An example record of a collection: its id, its title, and what was recognised in it."""

    id: str
    title: str
    seen: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A collection (or GridFS bucket), its recognised contents, and some samples."""

    name: str
    holds: Holds
    documents: int
    is_bucket: bool = False
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A refused record or part of one, and why; `record` is its id as a text."""

    collection: str
    record: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """The content of a map file: collections, their fields by meaning, and roles."""

    holds: Mapping[str, Holds] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What is stored about an imported record.

    `keys` are its old ids, `target` is its id here. `print` is a hash of its content; `revision`
    is its revision here after the import; `is_whole` is False if a part of it was refused.
    """

    collection: str
    key: str
    kind: str
    keys: tuple[str, ...]
    target: str
    print: str
    revision: int
    is_whole: bool
