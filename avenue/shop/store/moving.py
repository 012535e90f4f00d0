"""Stores products and groups that are imported from another application.

A record and its pictures are written in one transaction, so no one sees a product with half of
them, and what is recorded with it (`note`) is true whenever a process is killed.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from avenue.bodies import Name
from avenue.clock import utc_now
from avenue.field_problems import problems_of
from avenue.identity import Actor
from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset, Claim, External
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import claim_one
from avenue.shop.errors import GroupNotFound, SkuTaken
from avenue.shop.fields import Currency, Description, Price, Short, StatusText
from avenue.shop.models import DEFAULT_CURRENCY, PRODUCT, Entry, Group, Product, Status
from avenue.shop.store import groups as group_documents, product_documents
from avenue.shop.store.documents import GROUPS, entries_in, entries_out, trash_all
from avenue.shop.store.picture_transaction import OWNERS
from avenue.shop.store.purges import purge_owner
from avenue.storage.collection import AlreadyThere, Collection, Session
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.scope import site

RULES: Mapping[str, TypeAdapter[Any]] = {
    "name": TypeAdapter(Name),
    "model": TypeAdapter(Name),
    "sku": TypeAdapter(Short),
    "description": TypeAdapter(Description),
    "price": TypeAdapter(Price),
    "currency": TypeAdapter(Currency),
    "status": TypeAdapter(StatusText),
}
"""Validation of imported fields: by the rules of the API."""
MOVED_OUT = "moved"


class MovedStore:
    """Stores products and groups of an earlier application: `Catalogue` of `migration.adopt`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes = Writes(database)

    def checked(
        self, kind: str, fields: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], list[tuple[str, str]]]:
        """Return the valid fields, and the invalid ones with the reason."""
        kept: dict[str, Any] = {}
        refused: list[tuple[str, str]] = []
        for name, value in fields.items():
            rule = RULES.get(name)
            if value is None:
                continue
            if rule is None:
                kept[name] = value
                continue
            try:
                kept[name] = rule.validate_python(value)
            except ValidationError as error:
                _, problem, words = problems_of(error)[0]
                refused.append((name, problem.format(**words)))
        return kept, refused

    def put(
        self,
        actor: Actor,
        claim: Claim,
        fields: Mapping[str, Any],
        images: Sequence[Asset | External],
        upload_result: UploadResult,
        *,
        seen: int | None,
        note: Callable[[Session, int], None],
    ) -> bool:
        """Store a product or group with these pictures in order, in one transaction.

        `seen` is the revision it had after its last import, None for a new one. Return False if it
        has another one by now, or was deleted. Raise `SkuTaken` or `GroupNotFound`.
        """
        scope, site_id = site(self._database, actor.site.id), actor.site.id
        entries = tuple(
            Entry(asset=each.id) if isinstance(each, Asset) else Entry(url=each.url)
            for each in images
        )

        def work(session: Session) -> bool:
            upload_result.fates = {}  # of an aborted attempt
            owners = scope.collection(OWNERS[claim.kind]).within(session)
            assets = scope.collection(ASSETS).within(session)
            before = owners.find_one({"_id": claim.id})
            revision = (seen or 0) + 1
            if before and before["revision"] == revision and _has(assets, claim, upload_result):
                # An earlier run of this transaction, whose answer was lost.
                upload_result.fates = {each.id: each for each in upload_result.new}
                return bool(before["images"] == entries_out(entries))
            if (before["revision"] if before else None) != seen:
                return False
            _hold(scope.collection(GROUPS).within(session), fields.get("group"))
            self._claim(site_id, claim, assets, upload_result, session)
            if before:
                gone = [each for each in entries_in(before["images"]) if each not in entries]
                trash_all(assets, claim, gone, by=actor.id, reason=MOVED_OUT)
            document = _document(claim, fields, entries, before, revision)
            if before:
                purge_owner(owners, claim.id)  # unchanged
                owners.update({"_id": claim.id}, {"$set": document, **_unset(before, document)})
            else:
                owners.insert(document)
            purge_owner(owners, claim.id)
            note(session, revision)
            return True

        try:
            return scope.transaction(work)
        except AlreadyThere:
            raise SkuTaken(sku=str(fields.get("sku", ""))) from None

    def _claim(
        self,
        site_id: str,
        claim: Claim,
        assets: Collection,
        upload_result: UploadResult,
        session: Session,
    ) -> None:
        """Assign the stored pictures to their owner, and close the open write."""
        upload_result.fates = {each.id: each for each in upload_result.new}
        if upload_result.write:
            self._writes.finish(site_id, upload_result.write, upload_result.answer(), session)
        if not all(claim_one(assets, each.id, claim) for each in upload_result.new):
            upload_result.fates = {}
            raise UploadInProgress  # the lease has ended, and the sweeper was faster


def _has(assets: Collection, claim: Claim, upload_result: UploadResult) -> bool:
    """Return whether the owner has the pictures of this upload, which has some."""
    mine = {"claim.kind": claim.kind, "claim.id": claim.id}
    ids = [each.id for each in upload_result.new]
    return bool(ids) and len(assets.find({"_id": {"$in": ids}, **mine}, {"_id": 1})) == len(ids)


def _hold(groups: Collection, group_id: str | None) -> None:
    """Lock the group of a product; raise `GroupNotFound`.

    It is written to, so that of this and a simultaneous deletion only one succeeds. Its revision
    stays the one of the import.
    """
    if group_id is not None and not groups.update({"_id": group_id}, {"$inc": {"holds": 1}}):
        raise GroupNotFound


def _document(
    claim: Claim,
    fields: Mapping[str, Any],
    entries: tuple[Entry, ...],
    before: Document | None,
    revision: int,
) -> Document:
    now = utc_now()
    if claim.kind == PRODUCT:
        price = fields.get("price")
        product = Product(
            id=claim.id,
            owner=fields.get("owner"),
            sku=fields.get("sku"),
            name=fields["name"],
            description=fields.get("description", ""),
            price=Decimal(price) if price is not None else None,
            currency=fields.get("currency", DEFAULT_CURRENCY),
            status=Status(fields.get("status", Status.DRAFT)),
            group=fields.get("group"),
            images=entries,
            revision=revision,
            created_at=before["created_at"] if before else fields.get("created_at", now),
            updated_at=now,
            category=fields.get("category") or (before or {}).get("category"),
            attributes=fields.get("attributes") or product_documents.attributes_in(before or {}),
        )
        return product_documents.to_document(product)
    group = group_documents.from_document(before) if before else None
    made = Group(
        id=claim.id,
        owner=fields.get("owner"),
        model=fields.get("model") or fields["name"],
        name=fields["name"],
        options=group.options if group else fields.get("options", ()),
        images=entries,
        revision=revision,
        created_at=group.created_at if group else fields.get("created_at", now),
        updated_at=now,
    )
    return group_documents.to_document(made)


def _unset(before: Document, document: Document) -> Document:
    """Return the change that removes the fields that a product no longer has."""
    gone = {name: "" for name in ("sku", "price", "group", "owner") if name in before}
    gone = {name: "" for name in gone if document.get(name) is None}
    return {"$unset": gone} if gone else {}
