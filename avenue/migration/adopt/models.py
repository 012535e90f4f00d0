"""Models of an earlier application's database, and protocols of the services that import it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from avenue.identity import Actor
from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset, Claim, External
from avenue.storage.collection import Session

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


Note = Callable[[Session, int], None]
"""Stores the revision of an imported record, in the transaction that imports it."""


class Catalogue(Protocol):
    """The shop, as far as products and groups are imported into it."""

    def checked(self, kind: str, fields: Fields) -> tuple[Fields, list[tuple[str, str]]]:
        """Return the valid fields, and the invalid ones with the reason."""

    def put(
        self,
        actor: Actor,
        claim: Claim,
        fields: Fields,
        images: Sequence[Asset | External],
        upload_result: UploadResult,
        *,
        seen: int | None,
        note: Note,
    ) -> bool:
        """Store a product or group with these pictures in order, in one transaction.

        `seen` is its revision after the last import, None for a new one. Return False if it has
        another one now, or is gone. Raise `SkuTaken`.
        """


class Website(Protocol):
    """The pages of the site."""

    def put(
        self,
        actor: Actor,
        page_id: str,
        fields: Fields,
        *,
        is_published: bool | None,
        seen: int | None,
    ) -> int | None:
        """Store a page; return its revision, None if it no longer has the revision `seen`.

        With `is_published` None the published version does not change.
        """


class People(Protocol):
    """The users of the deployment."""

    def add_adopted(
        self,
        site_id: str,
        email: str,
        *,
        name: str,
        role: str,
        password_hash: str | None,
        disabled: bool,
        created_at: datetime | None,
    ) -> tuple[str, bool]:
        """Return the id of the user with `email`, and whether it is new; others are not changed.

        Raise `InvalidEmail`.
        """

    def check(self, email: str) -> None:
        """Raise `InvalidEmail` if `add_adopted` would."""

    def can_check(self, password_hash: str) -> bool:
        """Return whether this kind of password hash is supported."""
