"""Renditions in MongoDB: one document each, in `renditions`."""

import hashlib
import operator
from collections.abc import Sequence
from typing import Any

from avenue.errors import SiteMoves
from avenue.media.models import Asset
from avenue.media.pictures.variants import FORMATS
from avenue.media.renditions.models import (
    KeptRendition,
    KnownRendition,
    RenditionKey,
    SweptRendition,
)
from avenue.media.store.documents import ASSETS, shown_in
from avenue.storage.collection import AlreadyThere
from avenue.storage.connection import Database, Document
from avenue.storage.records import readable
from avenue.storage.scope import SiteRecords, deployment, site

RENDITIONS = "renditions"
SWEPT = {"site": 1, "file": 1, "made_at": 1}
"""The fields that the sweeper reads."""


class RenditionStore(SiteRecords):
    """The renditions of one site at a time; every method takes the site first."""

    def find(self, site_id: str, key: RenditionKey) -> KeptRendition | None:
        """Return a rendition; None also for an unreadable one, which is generated again."""
        found = self._records(site_id, RENDITIONS).values(from_document, {"_id": key.id})
        return found[0] if found else None

    def find_with_asset(
        self, site_id: str, key: RenditionKey
    ) -> tuple[Asset | None, KeptRendition | None]:
        """Return the asset of a rendition as it is delivered, and the rendition, by one command.

        As `AssetStore.shown` and `find` do.
        """
        assets = self._records(site_id, ASSETS)
        with self._database.deadline(self._database.read_seconds):
            found, made = assets.find_with({"_id": key.asset}, RENDITIONS, {"_id": key.id})
        kept = readable(RENDITIONS, from_document, [made] if made else [])
        return shown_in(found) if found else None, next(kept, None)

    def known(self, site_id: str, key: RenditionKey, name: str) -> KnownRendition | None:
        """Return the facts of a rendition of the picture called `name`, or None."""
        found = self._records(site_id, RENDITIONS).values(
            lambda each: KnownRendition(
                key=key,
                sha256=each["sha256"],
                length=operator.index(each["bytes"]),
                modified_at=each["made_at"],
                name=name,
            ),
            {"_id": key.id},
            {"sha256": 1, "bytes": 1, "made_at": 1},
        )
        return found[0] if found else None

    def find_first(self, site_id: str, keys: Sequence[RenditionKey]) -> KeptRendition | None:
        """Return the first existing one of `keys`, or None."""
        renditions = self._records(site_id, RENDITIONS)
        there = {
            each["_id"]
            for each in renditions.find({"_id": {"$in": [key.id for key in keys]}}, {"_id": 1})
        }
        first = next((key for key in keys if key.id in there), None)
        return self.find(site_id, first) if first else None

    def existing(self, site_id: str, keys: Sequence[RenditionKey]) -> frozenset[str]:
        """Return the ids of the existing ones of `keys`."""
        query = {"_id": {"$in": [key.id for key in keys]}}
        return frozenset(
            each["_id"] for each in self._records(site_id, RENDITIONS).find(query, {"_id": 1})
        )

    def insert(self, site_id: str, rendition: KeptRendition) -> KeptRendition:
        """Store a rendition and return it, or the one another instance has stored before.

        An unreadable one is overwritten. While the site is being moved it is not stored, and
        generated again on a later request.
        """
        try:
            self._records(site_id, RENDITIONS).insert(to_document(rendition))
        except SiteMoves:
            return rendition
        except AlreadyThere:
            there = self.find(site_id, rendition.key)
            if there is None:
                self._records(site_id, RENDITIONS).put_all([to_document(rendition)])
            return there or rendition
        return rendition

    def insert_all(self, site_id: str, renditions: Sequence[KeptRendition]) -> None:
        """Store renditions, repeatably, in one command that does not wait for a majority.

        If an election loses them, they are generated on demand.
        """
        if renditions:
            quickly = site(self._database, site_id).quick_collection(RENDITIONS)
            quickly.insert_all([to_document(each) for each in renditions])

    def delete(self, site_id: str, key: RenditionKey) -> None:
        """Delete one; repeatable."""
        self._records(site_id, RENDITIONS).delete({"_id": key.id})

    def delete_of_file(self, site_id: str, asset_id: str, file_id: str) -> None:
        """Delete the renditions of one stored file; repeatable."""
        self._records(site_id, RENDITIONS).delete_all({"asset": asset_id, "file": file_id})


class SweptRenditions:
    """The queries of the sweeper, over all sites."""

    def __init__(self, database: Database) -> None:
        self._renditions = deployment(database).collection(RENDITIONS)

    def after(self, last_id: str, limit: int) -> tuple[str | None, list[SweptRendition]]:
        """Read the `limit` renditions after `last_id`, by id.

        Return the cursor, None at the end, and the readable ones.
        """
        found = self._renditions.find(
            {"_id": {"$gt": last_id}},
            SWEPT,
            sort=[("_id", 1)],
            limit=limit,
        )
        end = found[-1]["_id"] if len(found) == limit else None
        return end, list(readable(RENDITIONS, _swept, found, is_part=True))

    def of_asset(self, asset_id: str) -> list[SweptRendition]:
        """Return all readable renditions of an asset, by id."""
        # "/" ends the asset in an id, "0" follows "/".
        found = self._renditions.find(
            {"_id": {"$gte": f"{asset_id}/", "$lt": f"{asset_id}0"}}, SWEPT, sort=[("_id", 1)]
        )
        return list(readable(RENDITIONS, _swept, found, is_part=True))

    def delete(self, rendition: SweptRendition) -> None:
        """Delete one; repeatable."""
        site_id = rendition.file.partition("/")[0]
        self._renditions.delete({"_id": rendition.key.id, "site": site_id})

    def delete_of_asset(self, site_id: str, asset_id: str) -> None:
        """Delete all renditions of an asset; repeatable."""
        self._renditions.delete_all({"site": site_id, "asset": asset_id})


def to_document(rendition: KeptRendition) -> Document:
    """Return the stored form of a rendition."""
    key = rendition.key
    return {
        "_id": key.id,
        "asset": key.asset,
        "file": rendition.file,
        "variant": key.variant,
        "media_type": FORMATS[key.extension].media_type.name,
        "bytes": len(rendition.data),
        "width": rendition.width,
        "height": rendition.height,
        "sha256": rendition.sha256,
        "made_at": rendition.made_at,
        "data": rendition.data,
    }


def from_document(document: Document) -> KeptRendition:
    """Return the rendition stored as `document`; raise `ValueError` if its bytes are wrong."""
    if hashlib.sha256(document["data"]).hexdigest() != document["sha256"]:
        raise ValueError("its bytes are not those that were stored")
    fields: dict[str, Any] = {
        name: document[name] for name in ("file", "data", "width", "height", "sha256", "made_at")
    }
    return KeptRendition(key=key_in(document["_id"]), **fields)


def _swept(document: Document) -> SweptRendition:
    return SweptRendition(
        key=key_in(document["_id"]),
        file=f"{document['site']}/{document['file']}",
        made_at=document["made_at"],
    )


def key_in(rendition_id: str) -> RenditionKey:
    """Return the key of an `_id`."""
    asset, token, name = rendition_id.split("/")
    variant, _, extension = name.partition(".")
    return RenditionKey(asset=asset, token=token, variant=variant, extension=extension)
