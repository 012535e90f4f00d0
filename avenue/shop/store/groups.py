"""Groups of products, in MongoDB. Their members are stored in the products."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from avenue.clock import utc_now
from avenue.media.store.documents import ASSETS
from avenue.shop.errors import ProductNotFound
from avenue.shop.models import Changes, Group, GroupQuery, Option
from avenue.shop.store.documents import (
    GROUPS,
    PRODUCTS,
    entries_in,
    entries_out,
    page_of,
    set_at_revision,
    touch,
    trash_all,
)
from avenue.shop.store.purges import purging_group
from avenue.storage.collection import Collection
from avenue.storage.connection import Document
from avenue.storage.indexes import IS_TEXT
from avenue.storage.scope import SiteRecords
from avenue.words import words_of


class GroupStore(SiteRecords):
    """The groups of one site at a time; every method takes the site first.

    `owner` restricts which products may be added to a group; None means all.
    """

    def insert(
        self, site_id: str, group: Group, product_ids: Sequence[str], *, owner: str | None
    ) -> None:
        """Insert a new group with these products; raise `ProductNotFound`."""
        records = self._records(site_id, GROUPS)
        if not product_ids and not self._database.purges_caches:
            records.insert(to_document(group))
            return

        def work(groups: Collection) -> None:
            if groups.find_one({"_id": group.id}, {"_id": 1}) is None:
                with purging_group(groups, group.id):
                    groups.insert(to_document(group))
                    _set_members(groups.beside(PRODUCTS), group.id, product_ids, owner)

        records.transaction(work)

    def get(self, site_id: str, group_id: str) -> Group | None:
        """Return one group, or None."""
        return self._records(site_id, GROUPS).value(from_document, {"_id": group_id})

    def models_of(self, site_id: str, group_ids: Iterable[str]) -> dict[str, str]:
        """Return the models of these groups, by id."""
        wanted = {"_id": {"$in": sorted(set(group_ids))}}
        found = self._records(site_id, GROUPS).values(from_document, wanted)
        return {each.id: each.model for each in found}

    def find(self, site_id: str, query: GroupQuery) -> tuple[list[Group], int | None]:
        """Return a page of groups, and the total number of matches; see `page_of`."""
        conditions = [{"owner": query.owner}] if query.owner else []
        return page_of(self._records(site_id, GROUPS), from_document, query, conditions)

    def owned_by(self, site_id: str, owner: str | None, limit: int) -> list[Group]:
        """Return up to `limit` groups of `owner` by name; None means all."""
        query = {} if owner is None else {"owner": owner}
        order = [("name_key", 1), ("_id", 1)]
        return self._records(site_id, GROUPS).values(from_document, query, sort=order, limit=limit)

    def change(
        self,
        site_id: str,
        group: Group,
        changes: Changes,
        product_ids: Sequence[str] | None,
        *,
        owner: str | None,
    ) -> Group | None:
        """Set fields of a group, and its products unless None.

        Return None if it has changed since `group` was read. Raise `ProductNotFound`.
        """
        changed = to_document(replace(group, **changes, updated_at=utc_now()))
        values = {name: changed[name] for name in {*changes, "updated_at", "words", "name_key"}}

        def work(groups: Collection) -> Document | None:
            with purging_group(groups, group.id):
                found = set_at_revision(groups, group.id, group.revision, values)
                if found and product_ids is not None:
                    _set_members(groups.beside(PRODUCTS), group.id, product_ids, owner)
            return found

        found = self._records(site_id, GROUPS).transaction(work)
        return from_document(found) if found else None

    def delete(self, site_id: str, group: Group, *, by: str | None) -> None:
        """Delete a group: its pictures go to the trash with it, its products stay."""

        def work(groups: Collection) -> None:
            found = groups.find_one({"_id": group.id})
            images = entries_in(found["images"]) if found else ()
            trash_all(groups.beside(ASSETS), group.claim, images, by=by, reason="group_deleted")
            with purging_group(groups, group.id):
                _set_members(groups.beside(PRODUCTS), group.id, (), None)
                groups.delete({"_id": group.id})

        self._records(site_id, GROUPS).transaction(work)


def _set_members(
    products: Collection, group_id: str, product_ids: Sequence[str], owner: str | None
) -> None:
    """Set the members of a group to `product_ids`, inside a transaction; raise `ProductNotFound`.

    New ones must belong to `owner`, unless that is None.
    """
    members = {
        each["_id"] for each in products.find({"group": {"$eq": group_id, **IS_TEXT}}, {"_id": 1})
    }
    for product_id in members - set(product_ids):
        products.update({"_id": product_id}, touch({"$unset": {"group": ""}}))
    for product_id in product_ids:
        if product_id in members:
            continue
        query = {"_id": product_id, **({} if owner is None else {"owner": owner})}
        if not products.update(query, touch({"$set": {"group": group_id}})):
            raise ProductNotFound


def to_document(group: Group) -> Document:
    """Return the stored form of `group`."""
    return {
        "_id": group.id,
        "owner": group.owner,
        "model": group.model,
        "name": group.name,
        "name_key": group.name_key,
        "options": [{"name": each.name, "images": list(each.images)} for each in group.options],
        "images": entries_out(group.images),
        "revision": group.revision,
        "words": words_of(group.name, group.model),
        "created_at": group.created_at,
        "updated_at": group.updated_at,
    }


def from_document(document: Document) -> Group:
    """Return the group stored as `document`."""
    return Group(
        id=document["_id"],
        owner=document.get("owner"),
        model=document["model"],
        name=document["name"],
        options=tuple(
            Option(name=each["name"], images=tuple(each["images"]))
            for each in document.get("options", ())
        ),
        images=entries_in(document["images"]),
        revision=document["revision"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
    )
