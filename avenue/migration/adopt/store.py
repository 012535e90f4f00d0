"""What is stored about imported records, in MongoDB."""

import hashlib

from avenue.clock import utc_now
from avenue.migration.adopt.models import Adopted
from avenue.storage.collection import Session
from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords

ADOPTED = "adopted"


class AdoptedStore(SiteRecords):
    """The imported records of one site at a time."""

    def get(self, site_id: str, collection: str, key: str) -> Adopted | None:
        """Return what is stored about a record of the earlier application, or None."""
        adopted = self._records(site_id, ADOPTED)
        return adopted.value(_read, {"_id": _id(site_id, collection, key)})

    def put(self, site_id: str, adopted: Adopted, session: Session | None = None) -> None:
        """Store an imported record, in that transaction if one is given; repeatable."""
        collection = self._records(site_id, ADOPTED)
        if session is not None:
            collection = collection.within(session)
        values = {
            "collection": adopted.collection,
            "key": adopted.key,
            "kind": adopted.kind,
            "keys": list(adopted.keys),
            "target": adopted.target,
            "print": adopted.print,
            "revision": adopted.revision,
            "is_whole": adopted.is_whole,
            "at": utc_now(),
        }
        own_id = _id(site_id, adopted.collection, adopted.key)
        collection.update({"_id": own_id}, {"$set": values}, upsert=True)

    def target_of(self, site_id: str, kind: str, key: str) -> str | None:
        """Return the id here of the record with the old id `key`, or None."""
        adopted = self._records(site_id, ADOPTED)
        found = adopted.find_one({"kind": kind, "keys": key}, {"target": 1})
        return found["target"] if found else None


def _id(site_id: str, collection: str, key: str) -> str:
    record = f"{collection}\n{key}".encode()
    return f"{site_id}/{hashlib.sha256(record).hexdigest()}"


def _read(document: Document) -> Adopted:
    return Adopted(
        collection=document["collection"],
        key=document["key"],
        kind=document["kind"],
        keys=tuple(document["keys"]),
        target=document["target"],
        print=document["print"],
        revision=document["revision"],
        is_whole=document["is_whole"],
    )
