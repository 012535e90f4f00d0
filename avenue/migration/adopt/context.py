"""What all parts of an adoption share."""

import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from avenue.accounts.adopted_people import AdoptedAccounts
from avenue.errors import AvenueError, Conflict
from avenue.identity import Actor, derived_id
from avenue.media.intake.models import Refusal, UploadRequest
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.spool import spooled
from avenue.media.models import Asset, Claim, State
from avenue.migration.adopt.fields import Names, keys_of, names_of
from avenue.migration.adopt.inventory import Inventory
from avenue.migration.adopt.models import (
    Adopted,
    Fields,
    Holds,
    Mapped,
    Remark,
)
from avenue.migration.adopt.pictures import Found, Pictures, print_of
from avenue.migration.storing import ImportTargets
from avenue.storage.earlier import Record

PRODUCT, GROUP, PERSON, PAGE, FILE = "product", "group", "person", "page", "file"
COUNTED = ("people", "groups", "products", "pages", "unnamed", "pictures")
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The upload policies for product pictures, the library, and files nothing names."""

    products: UploadPolicy
    library: UploadPolicy
    files: UploadPolicy


class AdoptionContext:
    """Safe to use from many threads, each of which handles one record at a time."""

    def __init__(
        self,
        actor: Actor,
        places: ImportTargets,
        people: AdoptedAccounts,
        policies: Policies,
        mapped: Mapped,
        inventory: Inventory,
        pictures: Pictures,
        tmp_dir: Path,
    ) -> None:
        self.actor = actor
        self.site = actor.site.id
        self.places = places
        self.people = people
        self.policies = policies
        self.mapped = mapped
        self.inventory = inventory
        self.pictures = pictures
        self.tmp_dir = tmp_dir
        self.counts: dict[str, Counter[str]] = {kind: Counter() for kind in COUNTED}
        self._tally = threading.local()
        self._counting = threading.Lock()

    def clear(self) -> None:
        """Clear findings and counts; what was imported stays remembered."""
        self.inventory.clear()
        self.counts = {kind: Counter() for kind in COUNTED}

    def begin(self) -> None:
        """Start a record, or retry it: the counts of its pictures begin at 0."""
        self._tally.counts = Counter()

    def count(self, what: str) -> None:
        """Count a picture of this thread's record."""
        self._tally.counts[what] += 1

    def end(self, kind: str, became: str) -> None:
        """Count the outcome of this thread's record, and its pictures."""
        with self._counting:
            self.counts[kind][became] += 1
            self.counts["pictures"] += self._tally.counts
        self.begin()

    def names(self, collection: str, holds: Holds) -> Names:
        """Return the field names of a collection by their meaning."""
        return names_of(holds, self.mapped.fields.get(collection, {}))

    def refuse(self, collection: str, key: str, error: AvenueError | Refusal) -> None:
        """Store that a record, or a part of it, was refused; repeatable."""
        message = (
            error.message.format(**error.words) if isinstance(error, Refusal) else error.message
        )
        self.inventory.refuse(
            Remark(collection=collection, record=key, code=error.code, message=message)
        )

    def id_of(self, kind: str, collection: str, key: str) -> str:
        """Return the id of a record here; the same whenever it is imported."""
        return derived_id(self.site, kind, collection, key)

    def before(self, collection: str, key: str) -> Adopted | None:
        """Return what is stored about an imported record of the earlier application, or None."""
        return self.places.adopted.get(self.site, collection, key)

    def opened(
        self, collection: str, holds: Holds, record: Record
    ) -> tuple[Names, Fields, Adopted | None]:
        """Return the field names by meaning, the fields, and what is stored about a record."""
        before = self.places.adopted.get(self.site, collection, record.key)
        return self.names(collection, holds), record.fields, before

    def remembered(
        self,
        collection: str,
        record: Record,
        kind: str,
        own: Names,
        target: str,
        *,
        revision: int = 0,
    ) -> Adopted:
        """Return what to store about a record that is `target` here."""
        keys = (record.key, *keys_of(record.fields, own["id"]))
        return Adopted(
            collection=collection,
            key=record.key,
            kind=kind,
            keys=tuple(dict.fromkeys(each for each in keys if len(each) <= LONGEST_KEY)),
            target=target,
            print="",
            revision=revision,
            is_whole=True,
        )

    def kept(
        self, found: Found, policy: UploadPolicy, claim: Claim | None, data: bytes | None = None
    ) -> Asset:
        """Store a picture that no product owns; without `claim` it owns itself."""
        data = self.pictures.load(found) if data is None else data
        sha256 = print_of(data)
        there = (
            self.places.library_store.by_source(self.site, sha256, claim)
            if claim
            else self._standing(found, sha256)
        )
        order = UploadRequest(
            policy=policy,
            target=f"adopt/{policy.bucket}",
            key=None,
            known={sha256: there} if there else {},
            room=1,
            no_room=Conflict(),
        )
        with spooled(found.name or "picture", [data], self.tmp_dir) as file:
            with self.places.library.receiving(self.actor, order, [file]) as upload_result:
                upload_result.raise_if_empty()
                asset = (
                    upload_result.assets[0] if upload_result.assets else upload_result.received[0]
                )
                if not isinstance(asset, Asset):
                    raise asset.error or Conflict(asset.message)
                self.settle(found, asset)
                owner = claim or Claim(kind="upload", id=asset.id)
                self.places.library_store.keep(
                    self.site, upload_result, owner, once=claim is not None
                )
            kept = upload_result.assets[0]
        if kept.id != asset.id:
            self.settle(found, kept)
        return kept

    def settle(self, found: Found, asset: Asset) -> None:
        """Register the old addresses of a picture, and set its alternative text.

        This happens before it has an owner, so that it is complete once it has one. A text that was
        written here stays.
        """
        known = self.places.legacy_urls.find_many(self.site, found.paths)
        for each in found.paths:
            if known.get(each) != asset.id:
                self.places.legacy_urls.put(self.site, each, asset.id)
        if found.alt and not asset.alt:
            alt = {name or self.actor.site.language: text for name, text in found.alt.items()}
            self.places.library_store.describe(self.site, asset.id, {"alt": alt})

    def _standing(self, found: Found, sha256: str) -> Asset | None:
        """Return the asset of an address of the file, if it owns itself and has these bytes."""
        ids = self.places.legacy_urls.find_many(self.site, found.paths).values()
        for each in self.places.library.get_many(self.actor, list(ids)).values():
            is_own = each.claim == Claim(kind="upload", id=each.id)
            if is_own and each.state is State.LIVE and each.current.source_sha256 == sha256:
                return each
        return None
