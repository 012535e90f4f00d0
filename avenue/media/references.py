"""References to pictures: who refers to them, and what can be wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from avenue.media.models import Claim
from avenue.storage.collection import Collection
from avenue.storage.connection import Document

IMPORT_EXTERNAL = "import_external"
"""The kind of job that imports external pictures of records."""


class Standing(StrEnum):
    """The standing of a referenced picture. Each reference has exactly one."""

    STORED = "stored"
    MISSING = "missing"
    EXTERNAL = "external"
    EPHEMERAL = "ephemeral"  # only on a container's or a developer's disk


class Kind(StrEnum):
    """What is wrong with a reference."""

    ASSET_MISSING = "asset_missing"
    ASSET_IN_TRASH = "asset_in_trash"
    ASSET_PURGING = "asset_purging"
    FILE_MISSING = "file_missing"
    WRONG_LENGTH = "wrong_length"
    CHUNK_MISSING = "chunk_missing"
    CHUNK_DUPLICATE = "chunk_duplicate"
    CHUNK_SHORT = "chunk_short"
    CHUNK_LONG = "chunk_long"
    CHUNK_SURPLUS = "chunk_surplus"
    WRONG_HASH = "wrong_hash"
    MALFORMED_ENTRY = "malformed_entry"
    LOCAL_PATH = "local_path"
    LOCALHOST = "localhost"
    NOT_OWNED = "not_owned"
    ASSET_UNREADABLE = "asset_unreadable"
    MALFORMED_RECORD = "malformed_record"


EPHEMERAL = frozenset({Kind.LOCAL_PATH, Kind.LOCALHOST})
SHOWN = frozenset({Kind.NOT_OWNED, Kind.MALFORMED_RECORD})
"""Faults that do not lose a picture."""
FINDINGS = "findings"
"""The collection of references with a fault."""
LONGEST_IMAGE = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault; `detail` is a sentence with the facts."""

    kind: Kind
    detail: str

    @property
    def standing(self) -> Standing:
        """The standing of a picture with this fault."""
        if self.kind in EPHEMERAL:
            return Standing.EPHEMERAL
        return Standing.STORED if self.kind in SHOWN else Standing.MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """A record that refers to pictures: a product, a group, a page, a site by its logo.

    `images` are the entries as they are stored, whatever their form. `revision` changes with them.
    If it `shares`, it may show pictures of other owners; otherwise it must own them.
    """

    kind: str
    id: str
    sku: str | None
    revision: int | None
    images: tuple[object, ...]
    shares: bool = False

    def may_show(self, claim: Claim | None) -> bool:
        """Return whether it may refer to a picture with this claim; unclaimed ones expire."""
        return claim is not None if self.shares else claim == Claim(kind=self.kind, id=self.id)


class Referrers(Protocol):
    """All referrers of one kind, provided by their feature."""

    @property
    def kind(self) -> str:
        """The `kind` of their claims."""

    @property
    def collection(self) -> str:
        """The collection of their records."""

    def count(self, site_id: str) -> int:
        """Return how many have pictures."""

    def after(self, site_id: str, last_id: str, limit: int) -> list[Referrer]:
        """Return up to `limit` of those that have pictures, by id, after `last_id`."""

    def these(self, site_id: str, ids: Sequence[str]) -> list[Referrer]:
        """Return the existing ones of `ids`."""

    def changed_since(self, site_id: str, moment: datetime, limit: int) -> list[str]:
        """Return the ids of the `limit` newest at most that were changed since `moment`."""


def shown(entry: object) -> str | None:
    """Return the content of an entry as text for people."""
    named = entry.get("asset") or entry.get("url") if isinstance(entry, dict) else entry
    return str(named)[:LONGEST_IMAGE] if named else None


def ids_changed_since(owners: Collection, moment: datetime, limit: int) -> list[str]:
    """Return the ids of the `limit` newest at most of `owners` changed since `moment`."""
    newest_first = [("updated_at", -1), ("_id", -1)]
    changed = {"updated_at": {"$gte": moment}}
    found = owners.find(changed, {"_id": 1}, sort=newest_first, limit=limit)
    return [each["_id"] for each in found if isinstance(each["_id"], str)]


def found_against(
    findings: Collection,
    site_id: str,
    kind: str,
    among: Sequence[str] | None = None,
    *,
    most: int | None,
) -> dict[str, int]:
    """Return the number of findings of each referrer of `kind` that has any, by its id.

    With `among`, only of these referrers. At most `most` findings and one more are counted;
    without `among`, the first by id.
    """
    meant: Document = {"_id": {"$gt": f"{site_id}/{kind}/", "$lt": f"{site_id}/{kind}0"}}
    if among is not None:
        meant = {"referrer.kind": kind, "referrer.id": {"$in": [*among]}}
    bound: list[Document] = [{"$sort": {"_id": 1}}] if among is None else []
    bound += [] if most is None else [{"$limit": most + 1}]
    found = findings.aggregate(
        [
            {"$match": meant},
            *bound,
            {"$group": {"_id": "$referrer.id", "findings": {"$sum": 1}}},
        ]
    )
    return {each["_id"]: each["findings"] for each in found}
