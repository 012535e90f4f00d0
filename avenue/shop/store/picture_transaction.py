"""The transaction that changes a product or group together with its pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pymongo.client_session import ClientSession

from avenue.errors import NotFound
from avenue.media.models import Asset, Claim, State
from avenue.media.store.documents import ASSETS, from_document
from avenue.shop.errors import GroupNotFound, ProductNotFound
from avenue.shop.models import GROUP, PRODUCT, Entry
from avenue.shop.store.documents import GROUPS, PRODUCTS, entries_in, entry_out, touch
from avenue.shop.store.purges import purge_owner
from avenue.storage.collection import Collection
from avenue.storage.connection import Database
from avenue.storage.scope import site

T = TypeVar("T")
OWNERS: Mapping[str, str] = {PRODUCT: PRODUCTS, GROUP: GROUPS}
NOT_FOUND: Mapping[str, type[NotFound]] = {PRODUCT: ProductNotFound, GROUP: GroupNotFound}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The state of one transaction: the owners of one kind, and the assets."""

    claim: Claim
    owners: Collection
    assets: Collection
    session: ClientSession

    def images(self) -> tuple[Entry, ...]:
        """Return the owner's pictures; raise if there is no such owner."""
        found = self.owners.find_one({"_id": self.claim.id}, {"images": 1})
        if found is None:
            raise NOT_FOUND[self.claim.kind]
        return entries_in(found["images"])

    def push(self, entry: Entry, limit: int, position: int | None = None) -> bool:
        """Add a picture, at the end or at `position`.

        Return False if the owner has `limit` already.
        """
        place = {} if position is None else {"$position": position}
        query = {"_id": self.claim.id, f"images.{limit - 1}": {"$exists": False}}
        push = {"images": {"$each": [entry_out(entry)], **place}}
        return bool(self.owners.update(query, touch({"$push": push})))

    def pull(self, entry: Entry) -> None:
        """Remove a picture."""
        self.owners.update({"_id": self.claim.id}, touch({"$pull": {"images": entry_out(entry)}}))

    def drop_dangling(self) -> None:
        """Remove the entries whose picture no longer exists, because they count toward the limit.

        One whose record has no readable state is kept: everything else may be right. Raise if there
        is no such owner.
        """
        entries = [each for each in self.images() if each.asset]
        named = {"$in": [each.asset for each in entries]}
        found = self.assets.find({"_id": named}, {"state": 1})
        states = {each["_id"]: each.get("state") for each in found}
        for each in entries:
            if each.asset not in states or states[each.asset] in (State.TRASH, State.PURGING):
                self.pull(each)

    def by_source(self) -> dict[str, Asset]:
        """Return the owner's live pictures by the hash of the uploaded bytes."""
        query = {
            "claim.kind": self.claim.kind,
            "claim.id": self.claim.id,
            "state": State.LIVE,
        }
        found = self.assets.values(from_document, query)
        return {asset.current.source_sha256: asset for asset in found}


def in_transaction(database: Database, site_id: str, claim: Claim, work: Callable[[Scene], T]) -> T:
    """Return the result of `work`, done in one transaction that also purges the owner's pages."""
    scope = site(database, site_id)
    owners, assets = scope.collection(OWNERS[claim.kind]), scope.collection(ASSETS)

    def together(session: ClientSession) -> T:
        scene = Scene(
            claim=claim,
            owners=owners.within(session),
            assets=assets.within(session),
            session=session,
        )
        done = work(scene)
        purge_owner(scene.owners, claim.id)
        return done

    return scope.transaction(together)
