"""The signing keys of each site, in `link_keys`: one document a site."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from avenue.storage.collection import AlreadyThere
from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords

LINK_KEYS = "link_keys"
SALT_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A stored key: its `salt` alone cannot sign."""

    id: str
    salt: bytes = field(repr=False)
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """The keys of a site, newest first; `made` counts all that ever existed."""

    made: int = 0
    keys: tuple[StoredKey, ...] = ()

    def named(self, key_id: str) -> StoredKey | None:
        """Return the key of this id, None if there is none (any more)."""
        return next((each for each in self.keys if each.id == key_id), None)


class LinkKeys(SiteRecords):
    """The keys of one site at a time; every method takes the site first.

    They are never cached: a deleted key is invalid from that moment on.
    """

    def ring(self, site_id: str) -> Ring:
        """Return the keys of a site."""
        found = self._records(site_id, LINK_KEYS).find_one({"_id": site_id})
        return _ring(found) if found else Ring()

    def renew(self, site_id: str, known: Ring, *, keep_seconds: int) -> Ring:
        """Add a new key to `known` and return the current keys.

        A key that no longer signs is kept for `keep_seconds` of server time, for its links. If
        another process was faster, its key is the new one.
        """
        newest = {"id": str(known.made + 1), "salt": secrets.token_bytes(SALT_BYTES)}
        oldest = {"$dateSubtract": {"startDate": "$$NOW", "unit": "second", "amount": keep_seconds}}
        retired = {
            "$map": {
                "input": {"$ifNull": ["$keys", []]},
                "in": {"$mergeObjects": [{"retired_at": "$$NOW"}, "$$this"]},
            }
        }
        kept = {"$filter": {"input": retired, "cond": {"$gt": ["$$this.retired_at", oldest]}}}
        fresh = {"$mergeObjects": [{"$literal": newest}, {"made_at": "$$NOW"}]}
        renewed = {"made": known.made + 1, "keys": {"$concatArrays": [[fresh], kept]}}
        with suppress(AlreadyThere):  # the first key of a site, created by two processes at once
            self._records(site_id, LINK_KEYS).update(
                {"_id": site_id, "made": known.made}, [{"$set": renewed}], upsert=known.made == 0
            )
        return self.ring(site_id)

    def drop_all(self, site_id: str) -> None:
        """Delete all keys, and so revoke all links of the site; repeatable."""
        self._records(site_id, LINK_KEYS).update({"_id": site_id}, {"$set": {"keys": []}})


def _ring(document: Document) -> Ring:
    keys = (
        StoredKey(id=each["id"], salt=bytes(each["salt"]), made_at=each["made_at"])
        for each in document["keys"]
    )
    return Ring(made=document["made"], keys=tuple(keys))
