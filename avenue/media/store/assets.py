"""Assets and their bytes, in MongoDB."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from avenue.media.models import WITHHELD, Asset, Claim, State, Version, Visibility
from avenue.media.store.documents import (
    ASSETS,
    OTHER_BYTES,
    file_metadata,
    from_document,
    shown_in,
    to_document,
)
from avenue.media.store.transitions import change_one, mark_damaged
from avenue.storage.chunks import Sums
from avenue.storage.connection import Database, Document
from avenue.storage.gridfs import Readable
from avenue.storage.holders import Amount, Holder
from avenue.storage.idempotency import Writes
from avenue.storage.records import whole
from avenue.storage.scope import SiteRecords, site

MOST_TWINS = 20
SUMMED_AT_ONCE = 20_000
"""Assets whose sizes are summed in one step: 60,000 took 260 ms (docs/long-runs.md)."""
_SIZES = {"$cond": [{"$isArray": "$versions.bytes"}, "$versions.bytes", []]}
_BYTES = {"$sum": {"$map": {"input": _SIZES, "as": "each", "in": whole("$$each")}}}


class AssetStore(SiteRecords):
    """The assets and bytes of one site at a time; every method takes the site first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.writes = Writes(database)

    def get(self, site_id: str, asset_id: str, within_seconds: float | None = None) -> Asset | None:
        """Return one asset in any state, or None; raise `Unavailable` if it takes too long."""
        seconds = self._database.read_seconds if within_seconds is None else within_seconds
        with self._database.deadline(seconds):
            return self._records(site_id, ASSETS).value(from_document, {"_id": asset_id})

    def shown(
        self, site_id: str, asset_id: str, within_seconds: float | None = None
    ) -> Asset | None:
        """Return one asset in any state as it is delivered, or None; see `get` and `shown_in`."""
        seconds = self._database.read_seconds if within_seconds is None else within_seconds
        with self._database.deadline(seconds):
            found = self._records(site_id, ASSETS).find_as_it_is({"_id": asset_id})
        return shown_in(found) if found else None

    def wait_until_kept(self, asset: Asset) -> None:
        """Wait until a majority of the members has this state of `asset`; raise `Unavailable`."""
        as_it_is: Document = {"_id": asset.id, "versions.0.file": asset.current.file}
        if asset.claim:
            as_it_is |= {"claim.kind": asset.claim.kind, "claim.id": asset.claim.id}
        self._records(asset.site, ASSETS).wait_until_kept(as_it_is)

    def get_many(self, site_id: str, asset_ids: Iterable[str]) -> dict[str, Asset]:
        """Return the existing ones of `asset_ids`, by id."""
        ids = sorted(set(asset_ids))
        if not ids:
            return {}
        found = self._records(site_id, ASSETS).values(from_document, {"_id": {"$in": ids}})
        return {each.id: each for each in found}

    def public_among(self, site_id: str, asset_ids: Sequence[str]) -> set[str]:
        """Return the live, public and readable ones of `asset_ids`."""
        query = {
            "_id": {"$in": list(asset_ids)},
            "state": State.LIVE,
            "visibility": Visibility.PUBLIC,
            "versions.0.scan.state": {"$nin": [*WITHHELD]},
        }
        return {each["_id"] for each in self._records(site_id, ASSETS).find(query, {"_id": 1})}

    def claimed_by(self, site_id: str, claim: Claim) -> list[Asset]:
        """Return the live assets that `claim` owns."""
        query = {"claim.kind": claim.kind, "claim.id": claim.id, "state": State.LIVE}
        return self._records(site_id, ASSETS).values(from_document, query)

    def trashed_by(self, site_id: str, claim: Claim) -> list[Asset]:
        """Return the assets of `claim` in the trash, latest first."""
        query = {"claim.kind": claim.kind, "claim.id": claim.id, "state": State.TRASH}
        return self._records(site_id, ASSETS).values(from_document, query, sort=[("trash.at", -1)])

    def stored(self, holder: Holder, most: int | None = None) -> Amount:
        """Return how many files a site, or a person in it, has, with the bytes of all versions.

        Until its bytes are deleted, this includes the trash and unclaimed files. With `most`, no
        more files than that are counted, and `more` says whether there are others; otherwise all
        are, in steps with a deadline each.
        """
        assets, person = self._records(holder.site, ASSETS), holder.person
        if most is not None:
            own = {} if person is None else {"owner": person}
            found = assets.aggregate([{"$match": own}, {"$limit": most + 1}, _summed(True)])
            amount = _amount(found)
            return replace(amount, more=amount.files > most)
        together, last = Amount(), ""
        # By id also for one person: otherwise their index would be read from its beginning in each
        # step.
        is_own = True if person is None else {"$eq": ["$owner", {"$literal": person}]}
        in_order: list[Document] = [{"$sort": {"_id": 1}}, {"$limit": SUMMED_AT_ONCE}]
        while found := assets.aggregate(
            [{"$match": {"_id": {"$gt": last}}}, *in_order, _summed(is_own)]
        ):
            together, last = together + _amount(found), found[0]["last"]
        return together

    def write_file(
        self, asset: Asset, version: Version, source: BinaryIO, *, waits: bool = True
    ) -> None:
        """Store the bytes of `version` of `asset`, repeatably; see `Files.write`."""
        site(self._database, asset.site).files(asset.bucket).write(
            version.file,
            source,
            length=version.bytes,
            name=asset.name,
            metadata=file_metadata(asset, version),
            waits=waits,
        )

    def seal_file(self, asset: Asset, version: Version, sums: Sums | None = None) -> None:
        """Turn the stored chunks into the file of `version`; see `Files.seal`."""
        site(self._database, asset.site).files(asset.bucket).seal(
            version.file,
            length=version.bytes,
            name=asset.name,
            metadata=file_metadata(asset, version),
            sums=sums,
        )

    def is_safe(self, asset: Asset, version: Version) -> bool:
        """Return whether a majority has the bytes of `version`; see `Files.is_safe`."""
        files = site(self._database, asset.site).files(asset.bucket)
        return files.is_safe(version.file, length=version.bytes)

    def sums(self, asset: Asset, version: Version) -> Sums | None:
        """Return the checksums of the chunks of `version`; see `Files.sums`."""
        files = site(self._database, asset.site).files(asset.bucket)
        return files.sums(version.file, length=version.bytes)

    def read_file(
        self, asset: Asset, version: Version, start: int, end: int, sums: Sums | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive) of `version`; see `Files.read`."""
        files = site(self._database, asset.site).files(asset.bucket)
        return files.read(version.file, start, end, length=version.bytes, sums=sums)

    def mark_wrong_bytes(self, asset: Asset, *, is_sure: bool) -> None:
        """Mark that `asset` shows bytes that differ from the upload.

        Unless that `is_sure`, they are read again before.
        """
        if is_sure or not self.is_whole(asset):
            said = "The stored bytes are not those that were uploaded."
            mark_damaged(
                self._records(asset.site, ASSETS),
                asset.id,
                asset.current.file,
                OTHER_BYTES,
                detail=said,
            )

    def is_whole(self, asset: Asset) -> bool:
        """Read the bytes that `asset` shows and tell whether they are complete and correct."""
        version = asset.current
        # Another member may still have the bytes from before a repair.
        files = site(self._database, asset.site).files(asset.bucket).of_primary()
        digest = files.digest(version.file, length=version.bytes)
        if digest is None or digest.sha256 != version.sha256:
            return False
        # Files that are readable only here are not readable by other programs.
        survey = site(self._database, asset.site).survey(asset.bucket)
        record = survey.records([version.file]).get(version.file)
        if record is None or record.length != version.bytes or not record.chunk_bytes:
            return False
        return survey.chunk_count(version.file) == -(-version.bytes // record.chunk_bytes)

    def mend(self, asset: Asset, version: Version, source: Readable) -> None:
        """Write the bytes of a version again, over its remains, from `source`."""
        site(self._database, asset.site).files(asset.bucket).rewrite(
            version.file,
            source,
            length=version.bytes,
            name=asset.name,
            metadata=file_metadata(asset, version),
        )
        of_it = {"_id": asset.id, "damaged.file": version.file}
        self._records(asset.site, ASSETS).update(of_it, {"$unset": {"damaged": ""}})

    def same_bytes(self, asset: Asset, version: Version) -> list[tuple[Asset, Version]]:
        """Return other files of the site that should have the same bytes as `version`.

        They are found by the hash of the upload or of these bytes; a few are enough.
        """
        sent = {"versions.source_sha256": {"$in": [version.source_sha256, version.sha256]}}
        found = self._records(asset.site, ASSETS).values(from_document, sent, limit=MOST_TWINS)
        return [
            (each, other)
            for each in found
            for other in each.versions
            if other.sha256 == version.sha256
            and other.bytes == version.bytes
            and other.file != version.file
            and each.state is not State.PURGING
        ]

    def has_file(self, asset: Asset, version: Version) -> bool:
        """Return whether the file of `version` exists, with its length."""
        found = site(self._database, asset.site).files(asset.bucket).find(version.file)
        return found is not None and found.length == version.bytes

    def delete_file(self, site_id: str, bucket: str, file_id: str) -> None:
        """Delete one version's bytes."""
        site(self._database, site_id).files(bucket).delete(file_id)

    def insert_unclaimed(self, asset: Asset, *, hours: int) -> None:
        """Insert `asset`, to be claimed within `hours` of server time; repeatable."""
        expires_at = {"$dateAdd": {"startDate": "$$NOW", "unit": "hour", "amount": hours}}
        self._records(asset.site, ASSETS).insert_at_server_time(
            to_document(asset), {"expires_at": expires_at}
        )

    def discard(self, site_id: str, bucket: str, *, asset_id: str, file_id: str) -> None:
        """Delete an unclaimed asset and its bytes; one that was claimed after all stays.

        The conditional delete comes first: if a claim is committing just now, it waits for that and
        then finds the asset claimed.
        """
        assets = self._records(site_id, ASSETS)
        assets.delete({"_id": asset_id, "claim": None})
        if assets.find_one({"_id": asset_id, "versions.file": file_id}, {"_id": 1}) is None:
            self.delete_file(site_id, bucket, file_id)

    def forget(self, asset: Asset) -> None:
        """Delete the record of a condemned asset whose bytes are deleted; repeatable."""
        self._records(asset.site, ASSETS).delete({"_id": asset.id, "state": State.PURGING})

    def change(
        self,
        site_id: str,
        asset_id: str,
        claim: Claim,
        changes: Mapping[str, Any],
        revision: int | None = None,
    ) -> Asset | None:
        """Set fields of a live asset that `claim` owns, and return it.

        Return None if there is none, or if it does not have the given `revision`.
        """
        return change_one(self._records(site_id, ASSETS), asset_id, claim, changes, revision)

    def revoke_links(self, site_id: str, asset_id: str) -> None:
        """Revoke all existing signed links to an asset."""
        self._records(site_id, ASSETS).update({"_id": asset_id}, {"$inc": {"link_epoch": 1}})


def _summed(counts: Document | bool) -> Document:
    """Return the stage that sums the assets matching `counts`, and has the `last` id of all."""
    sums = {"bytes": _BYTES, "files": 1}
    group = {name: {"$sum": {"$cond": [counts, each, 0]}} for name, each in sums.items()}
    return {"$group": {"_id": None, **group, "last": {"$max": "$_id"}}}


def _amount(summed: Sequence[Document]) -> Amount:
    """Return the result of `_summed`; without anything to sum there is no document."""
    return Amount(bytes=summed[0]["bytes"], files=summed[0]["files"]) if summed else Amount()
