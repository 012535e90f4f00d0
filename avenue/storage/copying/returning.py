"""Restores single records and files of a backup into a database that is in use.

Existing data is not changed: only what is missing is restored, and damaged bytes are repaired.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database as MongoDatabase
from pymongo.errors import DuplicateKeyError

from avenue.clock import utc_now
from avenue.errors import Conflict, required
from avenue.storage.connection import Database, Document
from avenue.storage.gridfs import Files, Readable
from avenue.storage.scope import site

ASSETS = "assets"
PRODUCTS, GROUPS, PAGES = "shop_products", "shop_products_grouped", "page_content"
OWNERS = {"product": PRODUCTS, "group": GROUPS}
ALSO = {PAGES: ("page_history", "page"), ASSETS: ("legacy_urls", "asset")}
"""Collections of dependent records, and the field with the id of their record."""
OF_ITS_TIME = ("trash", "purges", "damaged", "emptied", "expiry_notice", "publish_at")
"""Fields that only made sense at the time of the backup."""


class CannotReturn(Conflict):
    """A conflict prevents the restore."""

    message = "{what} cannot be restored: {why}."
    hint = "Resolve that first, then run the same command again."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A version of an asset: its file (with its site), its bucket, and the facts of its bytes."""

    asset: str
    site: str
    bucket: str
    file: str
    name: str
    sha256: str
    length: int
    metadata: Mapping[str, Any]


def these_in(records: IO[bytes], field: str, values: Collection[str]) -> Iterator[Document]:
    """Yield the documents of a stream of BSON whose `field` has one of `values`."""
    options = bson.CodecOptions(document_class=RawBSONDocument)
    whole: bson.CodecOptions[Document] = bson.CodecOptions(tz_aware=True)
    for each in bson.decode_file_iter(records, options):
        if each.get(field) in values:
            yield bson.decode(each.raw, whole)


def assets_of(collection: str, record: Document) -> list[str]:
    """Return the ids of the assets that a record refers to."""
    if collection == ASSETS:
        return [record["_id"]]
    if collection == PAGES:
        return [each for each in record.get("assets") or () if isinstance(each, str)]
    entries = [each for each in record.get("images") or () if isinstance(each, dict)]
    return [each["asset"] for each in entries if isinstance(each.get("asset"), str)]


def versions_of(asset: Document) -> list[StoredVersion]:
    """Return the versions of a stored asset."""
    return [
        StoredVersion(
            asset=asset["_id"],
            site=asset["site"],
            bucket=asset["bucket"],
            file=each["file"],
            name=asset["name"],
            sha256=each["sha256"],
            length=each["bytes"],
            metadata={
                "site": asset["site"],
                "asset": asset["_id"],
                "sha256": each["sha256"],
                "media_type": each["media_type"],
            },
        )
        for each in asset.get("versions", ())
    ]


class Returning:
    """The database that single items are restored into."""

    def __init__(self, database: Database, *, trash_days: int) -> None:
        self._database = database
        self._trash_days = trash_days

    def missing(self, collection: str, records: Sequence[Document]) -> list[Document]:
        """Return those of one site's records that are missing.

        Raise `CannotReturn` for those that are in the trash or being deleted.
        """
        gone = []
        for each in records:
            scope = site(self._database, each["site"])
            there = scope.collection(collection).find_as_it_is({"_id": each["_id"]}, {"state": 1})
            if there is not None and there.get("state") == "purging":
                raise CannotReturn(what=each["_id"], why="it is just being deleted for good")
            if collection == PRODUCTS:
                trashed = scope.collection("shop_products_trashed")
                if trashed.find_as_it_is({"_id": each["_id"]}, {"_id": 1}):
                    raise CannotReturn(what=each["_id"], why="it is in the trash, restore it there")
            if there is None:
                gone.append(each)
        return gone

    def has_right_bytes(self, version: StoredVersion) -> bool:
        """Return whether the file of a version exists with the right bytes."""
        files = self._files(version)
        found = files.find(version.file)
        if found is None or found.length != version.length:
            return False
        digest = files.digest(version.file, length=version.length)
        return digest is not None and digest.sha256 == version.sha256

    def put_bytes(self, version: StoredVersion, source: Readable) -> None:
        """Write the bytes of a version, over its remains; repeatable."""
        self._files(version).rewrite(
            version.file,
            source,
            length=version.length,
            name=version.name,
            metadata=version.metadata,
        )
        assets = site(self._database, version.site).collection(ASSETS)
        mended = {"_id": version.asset, "damaged.file": version.file}
        assets.update(mended, {"$unset": {"damaged": ""}})

    def put(
        self,
        collection: str,
        record: Document,
        assets: Sequence[Document],
        beside: Mapping[str, Sequence[Document]],
        *,
        most_images: int,
    ) -> None:
        """Insert what is missing of a record, its assets and dependent records, in one transaction.

        Raise `CannotReturn`, and then nothing has changed.
        """
        scope = site(self._database, record["site"])

        def work(session: ClientSession) -> None:
            for each in assets:
                self._insert(session, ASSETS, self._asset(each))
                if each["_id"] == record["_id"]:
                    self._show(session, each, most_images)
            if collection != ASSETS:
                self._insert(session, collection, self._owner(session, collection, record))
            for name, others in beside.items():
                for each in others:
                    self._insert(session, name, each)

        scope.transaction(work)

    def _insert(self, session: ClientSession, name: str, document: Document) -> None:
        """Insert a document if its id does not exist; a transaction may run twice."""
        raw = self._raw(document)[name]
        of_site = {"site": document["site"]} if "site" in document else {}
        by_id = {"_id": document["_id"], **of_site}
        if raw.find_one(by_id, {"_id": 1}, session=session) is not None:
            return
        try:
            raw.insert_one(document, session=session)
        except DuplicateKeyError as error:
            fields = ", ".join(set((error.details or {}).get("keyPattern", ())) - {"site"})
            raise CannotReturn(
                what=document["_id"], why=f"another one has the same {fields} now"
            ) from None

    def _show(self, session: ClientSession, asset: Document, most: int) -> None:
        """Add an asset to its owner again, at the end, if it is missing there."""
        claim = asset.get("claim") or {}
        if claim.get("kind") not in OWNERS:
            return
        owners = self._raw(asset)[OWNERS[claim["kind"]]]
        by_id = {"_id": claim["id"], "site": asset["site"]}
        owner = required(
            owners.find_one(by_id, {"images": 1}, session=session),
            CannotReturn(what=asset["_id"], why=f"its {claim['kind']} is not there any more"),
        )
        if asset["_id"] in assets_of(PRODUCTS, owner):
            return
        if len(owner.get("images") or ()) >= most:
            raise CannotReturn(
                what=asset["_id"], why=f"its {claim['kind']} has as many pictures as it may have"
            )
        change = {"$push": {"images": {"asset": asset["_id"]}}, "$inc": {"revision": 1}}
        owners.update_one(by_id, {**change, "$set": {"updated_at": utc_now()}}, session=session)

    def _raw(self, record: Document) -> MongoDatabase[Document]:
        """Return the database of a record's site."""
        return site(self._database, str(record.get("site"))).database.raw

    def _asset(self, asset: Document) -> Document:
        """Return an asset for restoring: live, with links revoked."""
        if asset.get("claim") is None:
            raise CannotReturn(what=asset["_id"], why="it was a temporary picture of nobody")
        back = {name: value for name, value in asset.items() if name not in OF_ITS_TIME}
        back |= {"state": "live", "link_epoch": int(time.time())}
        back["versions"] = [_to_be_scanned(each) for each in back["versions"]]
        soonest = utc_now() + timedelta(days=self._trash_days)
        if back.get("expires_at") and back["expires_at"] < soonest:
            back["expires_at"] = soonest
        if back.get("folder"):
            folders = site(self._database, asset["site"]).collection("media_folders")
            if folders.find_as_it_is({"_id": back["folder"]}, {"_id": 1}) is None:
                del back["folder"]
        return back

    def _owner(self, session: ClientSession, collection: str, record: Document) -> Document:
        """Return a product, group or page for restoring."""
        back = {name: value for name, value in record.items() if name not in OF_ITS_TIME}
        group = back.get("group")
        if collection == PRODUCTS and group:
            groups, by_id = self._raw(record)[GROUPS], {"_id": group, "site": record["site"]}
            if groups.find_one(by_id, {"_id": 1}, session=session) is None:
                del back["group"]
        if isinstance(back.get("revision"), int):
            back["revision"] += 1
        return back

    def _files(self, version: StoredVersion) -> Files:
        return site(self._database, version.site).files(version.bucket).of_primary()


def _to_be_scanned(version: Document) -> Document:
    """Return a version to be scanned again if its last scan was clean."""
    scan = version.get("scan")
    if not isinstance(scan, dict) or scan.get("state") != "clean":
        return version
    return {**version, "scan": {**scan, "state": "unscanned"}}
