"""What is told of an earlier application's database, and who takes in what it holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from avenue.identity import Actor
from avenue.media.intake.library import UploadResult
from avenue.media.models import Asset, Claim, External
from avenue.storage.scope import Session

Fields = Mapping[str, Any]


class Holds(StrEnum):
    """What a collection of the earlier application holds."""

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
    """What became of a record."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One record as it was recognised: its id, what it is called, what else was seen in it."""

    id: str
    title: str
    seen: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """One collection (or GridFS bucket), what it was taken for, and some of it."""

    name: str
    holds: Holds
    documents: int
    is_bucket: bool = False
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something of a record that was refused, and why; `record` is its id as a text."""

    collection: str
    record: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What a map file says: what collections hold, their fields by what they mean, and roles."""

    holds: Mapping[str, Holds] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What is remembered of a record that was brought in.

    `keys` are the ids it had, `target` is its id here. `print` is a hash of what it said;
    `revision` the one it got here; `is_whole` False while something of it was refused.
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
"""Writes down, in the transaction that brings something in, that it has this revision now."""


class Catalogue(Protocol):
    """The shop, as far as products and groups are brought into it."""

    def checked(self, kind: str, fields: Fields) -> tuple[Fields, list[tuple[str, str]]]:
        """Return the fields that may be kept, and those that may not with the reason."""

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
        """Let a product or group be so, with these pictures in order, in one transaction.

        `seen` is the revision it had when it was brought in last, None for a new one. Return False
        when it is no longer at that, or gone. Raise `SkuTaken`.
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
        """Let a page be so; return its revision, None when it is no longer at `seen`.

        With `is_published` None visitors go on seeing what they see.
        """


class People(Protocol):
    """The people of the deployment."""

    def admit(
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
        """Return the id of who has `email`, and whether they are new; known ones stay as they are.

        Raise `InvalidEmail`.
        """

    def check(self, email: str) -> None:
        """Raise `InvalidEmail` for what `admit` would refuse."""

    def can_check(self, password_hash: str) -> bool:
        """Tell whether that form of password is understood."""
