"""What the links of each site are signed with, in `link_keys`: one document a site."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from avenue.storage.connection import Database, Document
from avenue.storage.scope import AlreadyThere, Collection, site

LINK_KEYS = "link_keys"
SALT_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key as it is stored: its `salt` alone signs nothing."""

    id: str
    salt: bytes = field(repr=False)
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """The keys of a site, the newest first; `made` counts all there ever were."""

    made: int = 0
    keys: tuple[StoredKey, ...] = ()

    def named(self, key_id: str) -> StoredKey | None:
        """Return the key of this id, None when it is not (or no longer) here."""
        return next((each for each in self.keys if each.id == key_id), None)


class LinkKeys:
    """The keys of one site at a time; every method takes the site first.

    Nothing of them is remembered: a key that is dropped opens nothing from that moment on.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def ring(self, site_id: str) -> Ring:
        """Return the keys of a site."""
        found = self._rings(site_id).find_one({"_id": site_id})
        return _ring(found) if found else Ring()

    def renew(self, site_id: str, known: Ring, *, keep_seconds: int) -> Ring:
        """Put a new key before those of `known` and return the keys as they are then.

        A key that signs no more is kept for `keep_seconds` of server time, for the links it has
        signed. If somebody else was quicker, theirs is the new key.
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
        with suppress(AlreadyThere):  # the first key of a site, made by two at once
            self._rings(site_id).update(
                {"_id": site_id, "made": known.made}, [{"$set": renewed}], upsert=known.made == 0
            )
        return self.ring(site_id)

    def drop_all(self, site_id: str) -> None:
        """Let no link of the site that there is be good any more; repeatable."""
        self._rings(site_id).update({"_id": site_id}, {"$set": {"keys": []}})

    def _rings(self, site_id: str) -> Collection:
        return site(self._database, site_id).collection(LINK_KEYS)


def _ring(document: Document) -> Ring:
    keys = (
        StoredKey(id=each["id"], salt=bytes(each["salt"]), made_at=each["made_at"])
        for each in document["keys"]
    )
    return Ring(made=document["made"], keys=tuple(keys))
