"""The assets that checks read, their bytes, and the marks of damaged ones."""

from collections.abc import Callable, Iterable
from datetime import datetime

from avenue.errors import MalformedRecord
from avenue.health.checks.models import Damage, InspectedAsset, StoredVersion
from avenue.media.models import Claim, State
from avenue.media.references import Fault, Kind
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import mark_damaged, owned_by
from avenue.storage.arriving import Arriving
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import Writes
from avenue.storage.records import read
from avenue.storage.scope import SiteRecords, site
from avenue.storage.survey import Survey

FACTS = {
    "state": 1,
    "bucket": 1,
    "claim": 1,
    "damaged": 1,
    "versions.file": 1,
    "versions.bytes": 1,
    "versions.sha256": 1,
}


class InspectedAssets(SiteRecords):
    """The assets and bytes of one site at a time."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writes = Writes(database)
        self._arriving = Arriving(database)

    def by_ids(self, site_id: str, asset_ids: Iterable[str]) -> dict[str, InspectedAsset]:
        """Return the assets of `asset_ids` that exist, by id."""
        ids = sorted(set(asset_ids))
        if not ids:
            return {}
        found = self._records(site_id, ASSETS).find({"_id": {"$in": ids}}, FACTS)
        return {each["_id"]: _inspected(each) for each in found}

    def count(self, site_id: str) -> int:
        """Return the number of assets."""
        return self._records(site_id, ASSETS).count({})

    def after(self, site_id: str, last_id: str, limit: int) -> list[InspectedAsset]:
        """Return up to `limit` assets in any state by id, after `last_id`."""
        found = self._records(site_id, ASSETS).find(
            {"_id": {"$gt": last_id}}, FACTS, sort=[("_id", 1)], limit=limit
        )
        return [_inspected(each) for each in found]

    def stored_since(self, site_id: str, moment: datetime, limit: int) -> list[InspectedAsset]:
        """Return general uploads and files of the library that were stored since then.

        Up to `limit` of each, the newest. Other assets have owners that were changed.
        """
        newest_first = [("created_at", -1), ("_id", -1)]
        found: list[Document] = []
        for owned in ({"claim.kind": "upload"}, owned_by(Claim(kind="library", id=site_id))):
            stored = {**owned, "state": State.LIVE, "created_at": {"$gte": moment}}
            found += self._records(site_id, ASSETS).find(
                stored, FACTS, sort=newest_first, limit=limit
            )
        return [_inspected(each) for each in found]

    def mark(self, site_id: str, asset_id: str, damage: Damage) -> None:
        """Mark an asset as damaged if `damage` is about its current file."""
        fault = damage.fault
        mark_damaged(
            self._records(site_id, ASSETS),
            asset_id,
            damage.file,
            fault.kind.value,
            detail=fault.detail,
        )

    def unmark(self, site_id: str, asset_id: str) -> None:
        """Remove the mark of an asset."""
        self._records(site_id, ASSETS).update({"_id": asset_id}, {"$unset": {"damaged": ""}})

    def survey(self, site_id: str, bucket: str) -> Survey:
        """Return the results of a survey of a bucket's bytes."""
        return site(self._database, site_id).survey(bucket)

    def sha256_of(
        self,
        site_id: str,
        bucket: str,
        version: StoredVersion,
        read: Callable[[int], None] = lambda _: None,
        *,
        keeps_sums: bool = False,
    ) -> str | None:
        """Return the hash of the bytes of a version, read whole; None if some are missing.

        `read` is called with the number of bytes of each piece read. With `keeps_sums`, an intact
        file without checksums of its chunks gets them.
        """
        # Another member may still have the state before it was stored, or repaired.
        files = site(self._database, site_id).files(bucket).of_primary()
        digest = files.digest(version.file, length=version.bytes, told=read)
        if digest is None:
            return None
        is_right = keeps_sums and digest.sha256 == version.sha256
        if is_right and not files.sums(version.file, length=version.bytes):
            files.keep_sums(version.file, digest.sums, length=version.bytes)
        return digest.sha256

    def is_being_written(self, site_id: str, file_id: str) -> bool:
        """Return whether a running upload holds `file_id`."""
        return self._writes.is_writing(site_id, file_id) or self._arriving.holds(site_id, file_id)


def _inspected(document: Document) -> InspectedAsset:
    """Return an asset as far as it is readable: the record itself may be damaged."""
    if not document.get("versions"):  # it names no file; the rest may be intact
        document = {name: each for name, each in document.items() if name != "versions"}
    try:
        return read(ASSETS, _asset, document, is_part=True)
    except MalformedRecord as malformed:
        return InspectedAsset(
            id=document["_id"],
            state=State.LIVE,
            bucket="",
            claim=None,
            versions=(),
            damage=None,
            unreadable=malformed.field,
        )


def _asset(document: Document) -> InspectedAsset:
    claim = document.get("claim")
    return InspectedAsset(
        id=document["_id"],
        state=State(document["state"]),
        bucket=document["bucket"],
        claim=Claim(kind=claim["kind"], id=claim["id"]) if claim else None,
        versions=tuple(
            StoredVersion(file=each["file"], bytes=each["bytes"], sha256=each["sha256"])
            for each in document.get("versions", ())
        ),
        damage=damage_in(document.get("damaged")),
    )


def damage_in(found: object) -> Damage | None:
    """Return the mark of an inspection, None if there is no readable one.

    An unreadable mark says nothing about the asset: it is checked as if it had none.
    """
    if not isinstance(found, dict):
        return None
    try:
        fault = Fault(Kind(found["kind"]), str(found["detail"]))
        return Damage(file=str(found["file"]), fault=fault)
    except (KeyError, ValueError):
        return None
