"""Assets, their bytes and their old addresses, in MongoDB."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

from avenue.clock import utc_now
from avenue.errors import MalformedRecord
from avenue.media.announcing.models import Kind
from avenue.media.announcing.store import announce, announce_one, together
from avenue.media.filetypes import FILE_TYPES, PICTURES, file_name
from avenue.media.legacy import forms_of
from avenue.media.models import Asset, Claim, State, Version, Visibility
from avenue.media.renditions.models import SweptRendition
from avenue.media.renditions.store import SweptRenditions
from avenue.storage.arriving import Arriving
from avenue.storage.connection import Database, Document
from avenue.storage.gridfs import BACKUP, IS_HELD, LEASES, FileFacts, Incomplete, Readable, Sums
from avenue.storage.idempotency import FinishedWrite, OpenWrite, Writes
from avenue.storage.listing import listing_of
from avenue.storage.quotas import Amount, Holder
from avenue.storage.records import faults_of, left_out, passing_over, read, sound, whole
from avenue.storage.scope import Collection, Sort, house, site

ASSETS = "assets"
META = "avenue_meta"
SWEPT = "swept"
"""What `META` has of the walks of the sweeper."""
LEGACY_URLS = "legacy_urls"
MOST_TWINS = 20
OTHER_BYTES = "wrong_hash"
"""The kind of damage, as `media/inspection` notes it, that reading alone does not show."""
DELIVERED = frozenset({"file", "sha256", "bytes", "media_type"})
"""What has to be known of a version to deliver it."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_UNKNOWN_VERSION: Mapping[str, Any] = {
    "source_sha256": "",
    "width": None,
    "height": None,
    "at": LONG_AGO,
    "by": None,
}
_UNKNOWN_ASSET: Mapping[str, Any] = {
    "owner": None,
    "name": "",
    "revision": 0,
    "created_at": LONG_AGO,
}
SUMMED_AT_ONCE = 20_000
"""Assets whose sizes are summed in one step: 60,000 took 260 ms (docs/long-runs.md)."""
_SIZES = {"$cond": [{"$isArray": "$versions.bytes"}, "$versions.bytes", []]}
_BYTES = {"$sum": {"$map": {"input": _SIZES, "as": "each", "in": whole("$$each")}}}
_IN_TIME = {"$expr": {"$gt": ["$expires_at", "$$NOW"]}}
_UNCLAIMED = {"claim": None, "state": State.LIVE}
_NAMES_UNKNOWN: tuple[Document, ...] = (
    {"versions.file": {"$exists": False}},
    {"versions.file": None},
    {"versions.file": {"$type": ["number", "object", "binData", "objectId", "bool", "date"]}},
)
"""Said of assets of which nobody can read which files they name; each opens the index."""


class AssetStore:
    """The assets and bytes of one site at a time; every method takes the site first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes = Writes(database)

    def get(self, site_id: str, asset_id: str, within_seconds: float | None = None) -> Asset | None:
        """Return one asset in any state, or None; raise `Unavailable` if it takes too long."""
        seconds = self._database.read_seconds if within_seconds is None else within_seconds
        with self._database.deadline(seconds):
            found = self._assets(site_id).find_one({"_id": asset_id})
        return from_document(found) if found else None

    def shown(
        self, site_id: str, asset_id: str, within_seconds: float | None = None
    ) -> Asset | None:
        """Return one asset in any state as it is delivered, or None; see `get`.

        Of a public one that cannot be read, what delivery needs is enough. Raise
        `MalformedRecord` where not even that is there.
        """
        seconds = self._database.read_seconds if within_seconds is None else within_seconds
        with self._database.deadline(seconds):
            found = self._assets(site_id).find_as_it_is({"_id": asset_id})
        if found is None:
            return None
        try:
            return read(ASSETS, from_document, found)
        except MalformedRecord as malformed:
            left_out(malformed)
            return read(ASSETS, from_document, _deliverable(found))

    def wait_until_kept(self, asset: Asset) -> None:
        """Return once a majority of the members has `asset` as it is, or raise `Unavailable`."""
        as_it_is: Document = {"_id": asset.id, "versions.0.file": asset.current.file}
        if asset.claim:
            as_it_is |= {"claim.kind": asset.claim.kind, "claim.id": asset.claim.id}
        self._assets(asset.site).wait_until_kept(as_it_is)

    def get_many(self, site_id: str, asset_ids: Iterable[str]) -> dict[str, Asset]:
        """Return the assets of `asset_ids` that exist, by id."""
        ids = sorted(set(asset_ids))
        if not ids:
            return {}
        found = self._assets(site_id).values(from_document, {"_id": {"$in": ids}})
        return {each.id: each for each in found}

    def claimed_by(self, site_id: str, claim: Claim) -> list[Asset]:
        """Return the live assets `claim` owns."""
        query = {"claim.kind": claim.kind, "claim.id": claim.id, "state": State.LIVE}
        return self._assets(site_id).values(from_document, query)

    def trashed_by(self, site_id: str, claim: Claim) -> list[Asset]:
        """Return what `claim` has in the trash, the latest first."""
        query = {"claim.kind": claim.kind, "claim.id": claim.id, "state": State.TRASH}
        return self._assets(site_id).values(from_document, query, sort=[("trash.at", -1)])

    def stored(self, holder: Holder, most: int | None = None) -> Amount:
        """Return how many files a site, or a person in it, has, with the bytes of all versions.

        Until its bytes are gone, also what is in the trash or nobody's. With `most` no more files
        than that are looked at, and `more` says whether there are others; else all are, in steps
        of which each has a deadline of its own.
        """
        assets, person = self._assets(holder.site), holder.person
        if most is not None:
            own = {} if person is None else {"owner": person}
            found = assets.aggregate([{"$match": own}, {"$limit": most + 1}, _summed(True)])
            amount = _amount(found)
            return replace(amount, more=amount.files > most)
        together, last = Amount(), ""
        # By id also for one person: their index would be read from its beginning in each step.
        is_own = True if person is None else {"$eq": ["$owner", {"$literal": person}]}
        in_order: list[Document] = [{"$sort": {"_id": 1}}, {"$limit": SUMMED_AT_ONCE}]
        while found := assets.aggregate(
            [{"$match": {"_id": {"$gt": last}}}, *in_order, _summed(is_own)]
        ):
            together, last = together + _amount(found), found[0]["last"]
        return together

    def begin_write(
        self, site_id: str, *, key: str, fingerprint: str, count: int, lease_seconds: int
    ) -> OpenWrite | FinishedWrite:
        """Open a write of `count` files; see `Writes.begin`."""
        return self._writes.begin(
            site_id, key=key, fingerprint=fingerprint, count=count, lease_seconds=lease_seconds
        )

    def finished_write(self, site_id: str, *, key: str, fingerprint: str) -> FinishedWrite | None:
        """Return what an earlier request with this key was answered; see `Writes.finished`."""
        return self._writes.finished(site_id, key=key, fingerprint=fingerprint)

    def abandon_write(self, site_id: str, write: OpenWrite) -> bool:
        """Forget an open write, if it is still ours; see `Writes.abandon`."""
        return self._writes.abandon(site_id, write)

    def write_file(
        self, asset: Asset, version: Version, source: BinaryIO, *, waits: bool = True
    ) -> None:
        """Store the bytes of `version` of `asset`, repeatably; see `Files.write`."""
        site(self._database, asset.site).files(asset.bucket).write(
            version.file,
            source,
            length=version.bytes,
            name=asset.name,
            metadata=_metadata(asset, version),
            waits=waits,
        )

    def seal_file(self, asset: Asset, version: Version, sums: Sums | None = None) -> None:
        """Make the chunks that are stored the file of `version`; see `Files.seal`."""
        site(self._database, asset.site).files(asset.bucket).seal(
            version.file,
            length=version.bytes,
            name=asset.name,
            metadata=_metadata(asset, version),
            sums=sums,
        )

    def is_safe(self, asset: Asset, version: Version) -> bool:
        """Tell whether a majority has the bytes of `version`; see `Files.is_safe`."""
        files = site(self._database, asset.site).files(asset.bucket)
        return files.is_safe(version.file, length=version.bytes)

    def sums(self, asset: Asset, version: Version) -> Sums | None:
        """Return the sums of the chunks of `version`; see `Files.sums`."""
        files = site(self._database, asset.site).files(asset.bucket)
        return files.sums(version.file, length=version.bytes)

    def read_file(
        self, asset: Asset, version: Version, start: int, end: int, sums: Sums | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive) of `version`; see `Files.read`."""
        files = site(self._database, asset.site).files(asset.bucket)
        return files.read(version.file, start, end, length=version.bytes, sums=sums)

    def mark_wrong_bytes(self, asset: Asset, *, is_sure: bool) -> None:
        """Note that `asset` shows bytes that are not those that were uploaded.

        Unless that `is_sure`, they are read again before.
        """
        if is_sure or not self.is_whole(asset):
            said = "The stored bytes are not those that were uploaded."
            mark_damaged(
                self._assets(asset.site), asset.id, asset.current.file, OTHER_BYTES, detail=said
            )

    def is_whole(self, asset: Asset) -> bool:
        """Read the bytes `asset` shows and tell whether all are there and are the right ones."""
        version, digest = asset.current, hashlib.sha256()
        # Another member may still have what was there before it was mended.
        files = site(self._database, asset.site).files(asset.bucket).of_primary()
        try:
            for piece in files.read(version.file, 0, version.bytes, length=version.bytes):
                digest.update(piece)
        except Incomplete:
            return False
        if digest.hexdigest() != version.sha256:
            return False
        # What can be read here without them, other programs cannot read.
        survey = site(self._database, asset.site).survey(asset.bucket)
        record = survey.records([version.file]).get(version.file)
        if record is None or record.length != version.bytes or not record.chunk_bytes:
            return False
        return survey.chunk_count(version.file) == -(-version.bytes // record.chunk_bytes)

    def mend(self, asset: Asset, version: Version, source: Readable) -> None:
        """Write the bytes of a version again, over what is left of them, from `source`."""
        site(self._database, asset.site).files(asset.bucket).rewrite(
            version.file,
            source,
            length=version.bytes,
            name=asset.name,
            metadata=_metadata(asset, version),
        )
        of_it = {"_id": asset.id, "damaged.file": version.file}
        self._assets(asset.site).update(of_it, {"$unset": {"damaged": ""}})

    def same_bytes(self, asset: Asset, version: Version) -> list[tuple[Asset, Version]]:
        """Return other files of the site that should hold the very bytes of `version`.

        They are found by what was sent: the same, or these bytes themselves; a few are enough.
        """
        sent = {"versions.source_sha256": {"$in": [version.source_sha256, version.sha256]}}
        found = self._assets(asset.site).values(from_document, sent, limit=MOST_TWINS)
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
        """Tell whether the file of `version` is there, with the length it should have."""
        found = site(self._database, asset.site).files(asset.bucket).find(version.file)
        return found is not None and found.length == version.bytes

    def delete_file(self, site_id: str, bucket: str, file_id: str) -> None:
        """Remove one version's bytes."""
        site(self._database, site_id).files(bucket).delete(file_id)

    def insert_unclaimed(self, asset: Asset, *, hours: int) -> None:
        """Insert `asset` for its owner to claim within `hours` of server time; repeatable."""
        expires_at = {"$dateAdd": {"startDate": "$$NOW", "unit": "hour", "amount": hours}}
        self._assets(asset.site).insert_at_server_time(
            to_document(asset), {"expires_at": expires_at}
        )

    def discard(self, site_id: str, bucket: str, *, asset_id: str, file_id: str) -> None:
        """Remove an unclaimed asset and its bytes; one that was claimed after all stays.

        The conditional delete comes first: should a claim be committing just now, it waits for
        that and then finds the asset claimed.
        """
        assets = self._assets(site_id)
        assets.delete({"_id": asset_id, "claim": None})
        if assets.find_one({"_id": asset_id, "versions.file": file_id}, {"_id": 1}) is None:
            self.delete_file(site_id, bucket, file_id)

    def forget(self, asset: Asset) -> None:
        """Remove the record of a condemned asset whose bytes are gone; repeatable."""
        self._assets(asset.site).delete({"_id": asset.id, "state": State.PURGING})

    def change(
        self, site_id: str, asset_id: str, claim: Claim, changes: Mapping[str, Any]
    ) -> Asset | None:
        """Set fields of a live asset `claim` owns; return it afterwards, None when it is gone."""
        return change_one(self._assets(site_id), asset_id, claim, changes)

    def revoke_links(self, site_id: str, asset_id: str) -> None:
        """Let no signed link to an asset that there is be good any more."""
        self._assets(site_id).update({"_id": asset_id}, {"$inc": {"link_epoch": 1}})

    def _assets(self, site_id: str) -> Collection:
        return site(self._database, site_id).collection(ASSETS)


class LegacyUrls:
    """Which asset an address from before Avenue names; paths are those of `legacy_path`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, site_id: str, path: str) -> str | None:
        """Return the id of the asset that `path` names, in whatever state it is, or None.

        In one query, also for the addresses of services that change pictures on their way.
        """
        forms = forms_of(path)
        found = self.find_many(site_id, forms)
        return next((found[each] for each in forms if each in found), None)

    def find_many(self, site_id: str, paths: Iterable[str]) -> dict[str, str]:
        """Return the ids of the assets that `paths` name, by path; others are left out."""
        ids = {_legacy_id(site_id, path): path for path in paths}
        found = self._urls(site_id).values(
            lambda each: (each["_id"], each["asset"]), {"_id": {"$in": list(ids)}}, {"asset": 1}
        )
        return {ids[url_id]: asset for url_id, asset in found}

    def put(self, site_id: str, path: str, asset_id: str) -> None:
        """Let `path` name an asset from now on, whatever it named before; repeatable."""
        named = {"path": path, "asset": asset_id, "at": utc_now()}
        self._urls(site_id).update({"_id": _legacy_id(site_id, path)}, {"$set": named}, upsert=True)

    def remove(self, site_id: str, path: str) -> None:
        """Let `path` name nothing; repeatable."""
        self._urls(site_id).delete({"_id": _legacy_id(site_id, path)})

    def paths_of(self, site_id: str, asset_id: str) -> list[str]:
        """Return the old paths that name an asset, in their order."""
        return self._urls(site_id).values(
            lambda each: str(each["path"]), {"asset": asset_id}, {"path": 1}, sort=[("path", 1)]
        )

    def _urls(self, site_id: str) -> Collection:
        return site(self._database, site_id).collection(LEGACY_URLS)


class SweptStore:
    """What the sweeper needs, over all sites. Every decision is a conditional write."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._assets = house(database).collection(ASSETS)
        self._legacy_urls = house(database).collection(LEGACY_URLS)
        self._sites = house(database).collection("sites")
        self._meta = house(database).collection(META)
        self._renditions = SweptRenditions(database)
        self._writes = Writes(database)
        self._arriving = Arriving(database)

    def clock_skew_seconds(self) -> float:
        """Return how far this machine's clock is ahead of the server's."""
        return self._database.clock_skew().total_seconds()

    def condemn_one(self, asset_id: str) -> Asset | None:
        """Take an asset out of sight for good and return it, if nobody claimed it in time."""
        expired = {
            "expires_at": {"$type": "date"},  # what has none was claimed once
            "$expr": {"$lt": ["$expires_at", "$$NOW"]},
        }
        return _condemn(self._assets, {**_UNCLAIMED, **expired, "_id": asset_id})

    def condemn_unclaimed(self, until: datetime, amiss: list[object]) -> Asset | None:
        """Take one asset nobody claimed `until` then out of sight for good, and return it.

        Those that cannot be read stay as they are; they join `amiss`, which are passed over.
        """
        expired = {**_UNCLAIMED, "expires_at": {"$lte": until}}
        order = [("expires_at", 1)]
        return passing_over(
            lambda ids: _condemn(self._assets, {**expired, "_id": {"$nin": ids}}, sort=order), amiss
        )

    def condemn_trash(self, until: datetime, amiss: list[object]) -> Asset | None:
        """Do the same to one asset that is in the trash since then."""
        old = {"state": State.TRASH, "trash.at": {"$lte": until}}
        change = {"$set": {"state": State.PURGING}}
        order = [("trash.at", 1)]

        def condemn(ids: list[object]) -> Document | None:
            # In a transaction, which leaves alone what cannot be read.
            return self._assets.transaction(
                lambda assets: assets.find_and_update(
                    {**old, "_id": {"$nin": ids}}, change, sort=order
                )
            )

        found = passing_over(condemn, amiss)
        return from_document(found) if found else None

    def condemned(self, limit: int) -> list[Asset]:
        """Return assets whose purge was begun and can be gone on with."""
        return self._assets.values(from_document, {"state": State.PURGING}, limit=limit)

    def purge(self, asset: Asset) -> None:
        """Delete bytes, renditions, old addresses and then the record of a condemned asset.

        Repeatable from any step.
        """
        files = house(self._database).files(asset.bucket)
        for version in asset.versions:
            files.delete(f"{asset.site}/{version.file}")
        self._renditions.delete_of_asset(asset.site, asset.id)
        self._legacy_urls.delete_all({"site": asset.site, "asset": asset.id})
        self._assets.delete({"_id": asset.id, "site": asset.site, "state": State.PURGING})

    def is_backed_up(self) -> bool:
        """Tell whether a backup runs just now: no file is removed meanwhile."""
        held = (
            house(self._database)
            .collection(LEASES)
            .find_one({"_id": BACKUP, **IS_HELD}, {"_id": 1})
        )
        return held is not None

    def places(self) -> dict[str, str]:
        """Return where the walks of the last round have ended, by name."""
        found = self._meta.find_as_it_is({"_id": SWEPT}) or {}
        places = found.get("places")
        sound_places = places.items() if isinstance(places, dict) else ()
        return {name: place for name, place in sound_places if isinstance(place, str)}

    def keep_places(self, places: Mapping[str, str]) -> None:
        """Keep where the walks of a round have ended; repeatable."""
        kept = [{"$set": {"places": {"$literal": dict(places)}}}]
        self._meta.update({"_id": SWEPT}, kept, upsert=True)

    def given_up(self, until: datetime, limit: int) -> list[str]:
        """Return the files of up to `limit` uploads that were to be over `until` then."""
        return self._writes.given_up(until, limit)

    def shown_anew(self, until: datetime, limit: int) -> Iterator[list[str]]:
        """Yield the assets that have been shown in another way since before `until`.

        Some ids at a time, until each of them was `looked_at`.
        """
        due = {"shown_anew_at": {"$lte": until}}
        oldest_first = [("shown_anew_at", 1)]
        while found := self._assets.find(due, {"_id": 1}, sort=oldest_first, limit=limit):
            yield [each["_id"] for each in found]

    def looked_at(self, asset_id: str, until: datetime) -> None:
        """Forget that an asset is shown in another way, unless that was changed since `until`."""
        self._assets.update(
            {"_id": asset_id, "shown_anew_at": {"$lte": until}}, {"$unset": {"shown_anew_at": ""}}
        )

    def renditions_of(self, asset_id: str) -> list[SweptRendition]:
        """Return everything that was made of an asset and can be read."""
        return self._renditions.of_asset(asset_id)

    def files(self, bucket: str, file_ids: Sequence[str]) -> list[FileFacts]:
        """Return the file documents of `file_ids` that exist."""
        files = house(self._database).files(bucket)
        return [found for each in file_ids if (found := files.find(each))]

    def files_after(self, bucket: str, file_id: str, limit: int) -> list[FileFacts]:
        """Return file documents in the order of their ids."""
        return house(self._database).files(bucket).files_after(file_id, limit)

    def chunk_owners_after(self, bucket: str, file_id: str, limit: int) -> list[str]:
        """Return the ids that chunks name as their file, in order."""
        return house(self._database).files(bucket).chunk_owners_after(file_id, limit)

    def existing_files(self, bucket: str, file_ids: Sequence[str]) -> frozenset[str]:
        """Return which of `file_ids` have a file document."""
        found = (
            house(self._database)
            .collection(f"{bucket}.files")
            .find({"_id": {"$in": list(file_ids)}}, {"_id": 1})
        )
        return frozenset(each["_id"] for each in found)

    def used_files(self, files: Sequence[FileFacts]) -> frozenset[str]:
        """Return which of `files` are a version of their asset.

        Whatever site its record says it is of: that may be what is wrong with it. Of one whose
        record lost what it names, all are: they may be needed to mend it.
        """
        owners = {each.id: str(each.metadata.get("asset")) for each in files}
        asset_ids = sorted(set(owners.values()))
        found = self._assets.find({"_id": {"$in": asset_ids}}, {"versions.file": 1})
        named = {each["_id"]: _files_named(each) for each in found}
        return frozenset(
            file
            for file, owner in owners.items()
            if owner in named and (not named[owner] or file.partition("/")[2] in named[owner])
        )

    def live_after(self, asset_id: str, limit: int) -> list[Asset]:
        """Return up to `limit` live assets of every site by id, after `asset_id`."""
        live = {"_id": {"$gt": asset_id}, "state": State.LIVE}
        return self._assets.values(from_document, live, sort=[("_id", 1)], limit=limit)

    def count_live(self, *, up_to: str | None = None) -> int:
        """Return how many live assets there are, those after the id `up_to` left out."""
        reach = {"_id": {"$lte": up_to}} if up_to else {}
        return self._assets.count({"state": State.LIVE, **reach})

    def renditions_after(
        self, rendition_id: str, limit: int
    ) -> tuple[str | None, list[SweptRendition]]:
        """Look at renditions in the order of their ids; see `SweptRenditions.after`."""
        return self._renditions.after(rendition_id, limit)

    def assets_by_id(self, asset_ids: Iterable[str]) -> dict[str, Asset]:
        """Return those of `asset_ids` that exist and can be read, by id."""
        found = self._assets.values(from_document, {"_id": {"$in": sorted(set(asset_ids))}})
        return {each.id: each for each in found}

    def those_there(self, asset_ids: Iterable[str]) -> frozenset[str]:
        """Return those of `asset_ids` that have a record, whether or not it can be read."""
        found = self._assets.find({"_id": {"$in": sorted(set(asset_ids))}}, {"_id": 1})
        return frozenset(each["_id"] for each in found)

    def delete_rendition(self, rendition: SweptRendition) -> None:
        """Forget a rendition."""
        self._renditions.delete(rendition.key.id)

    def is_named(self, file_id: str) -> bool:
        """Tell whether a version of any asset has this file."""
        site_id, _, own_id = file_id.partition("/")
        return (
            self._assets.find_one({"site": site_id, "versions.file": own_id}, {"_id": 1})
            is not None
        )

    def is_used(self, bucket: str, file_id: str) -> bool:
        """Tell whether a file is a version of any asset, or may be one; see `used_files`."""
        found = house(self._database).files(bucket).find(file_id)
        return self.is_named(file_id) or (found is not None and bool(self.used_files([found])))

    def may_be_named(self, file_id: str) -> bool:
        """Tell the same of a file whose document is gone, which would tell whose it is.

        It may be of any asset of which nobody can read what it names, or of which site it is.
        """
        site_id, _, own_id = file_id.partition("/")
        sites = [each["_id"] for each in self._sites.find({}, {"_id": 1})]
        strays = {"site": {"$nin": sites}, "versions.file": own_id}
        bare = [{"site": site_id, **each} for each in _NAMES_UNKNOWN]
        found = self._assets.find_as_it_is({"$or": [strays, *bare]}, {"_id": 1})
        return found is not None or self.is_named(file_id)

    def newest_chunk_at(self, bucket: str, file_id: str) -> datetime | None:
        """Return when the newest chunk of a file was made."""
        return house(self._database).files(bucket).newest_chunk_at(file_id)

    def release(self, file_id: str) -> bool:
        """Tell whether nobody is writing `file_id`; ends an open write whose lease is over."""
        site_id, _, own_id = file_id.partition("/")
        held = self._arriving.holds(site_id, own_id)
        return not held and self._writes.release(site_id, own_id)

    def delete_file(self, bucket: str, file_id: str) -> None:
        """Remove a file document and its chunks."""
        house(self._database).files(bucket).delete(file_id)


def _files_named(asset: Document) -> list[str]:
    """Return the files of a record's versions; none unless every one of them can be read."""
    versions = asset.get("versions")
    if not isinstance(versions, list):
        return []
    files: list[object] = [each.get("file") for each in versions if isinstance(each, dict)]
    named = [each for each in files if isinstance(each, str)]
    return named if len(named) == len(versions) else []


def claim_one(assets: Collection, asset_id: str, claim: Claim) -> bool:
    """Give an unclaimed asset its owner, inside a transaction; False when it is too late.

    Content to find it already claimed by the same owner: a transaction may run twice.
    """
    in_time = {"claim": None, **_IN_TIME}
    query = {
        "_id": asset_id,
        "state": State.LIVE,
        "$or": [in_time, {"claim.kind": claim.kind, "claim.id": claim.id}],
    }
    change = {"$set": {"claim": {"kind": claim.kind, "id": claim.id}}, "$unset": {"expires_at": ""}}
    return _claimed(assets, query, change)


def describe_one(
    assets: Collection, asset_id: str, claim: Claim, changes: Mapping[str, Any]
) -> Asset | None:
    """Do the same to an asset of the library, inside a transaction, with what it is found by."""
    found = assets.find_one({**_owned(asset_id, claim), "state": State.LIVE})
    if found is None:
        return None
    return change_one(assets, asset_id, claim, {**changes, **listing_of({**found, **changes})})


def change_one(
    assets: Collection, asset_id: str, claim: Claim, changes: Mapping[str, Any]
) -> Asset | None:
    """Set fields of a live asset `claim` owns; return it afterwards, None when it is gone."""
    query = {**_owned(asset_id, claim), "state": State.LIVE}
    if "focal" in changes or "visibility" in changes:
        changed = together(assets, lambda inside: _addressed_anew(inside, query, changes))
    else:
        changed = assets.find_and_update(query, {"$set": dict(changes), "$inc": {"revision": 1}})
    return from_document(changed) if changed else None


def _addressed_anew(
    assets: Collection, query: Mapping[str, Any], changes: Mapping[str, Any]
) -> Document | None:
    """Set fields that give the asset other addresses, and let edges forget the old ones.

    With the focal point move those that are cut, with the visibility all of them.
    """
    announce_one(assets, query, Kind.PURGE)
    values = {name: {"$literal": value} for name, value in changes.items()}
    if "visibility" in changes:
        epoch = {"$ifNull": ["$visibility_epoch", 0]}
        is_same = {"$eq": ["$visibility", values["visibility"]]}
        values["visibility_epoch"] = {"$cond": [is_same, epoch, {"$add": [epoch, 1]}]}
    counted = {"revision": {"$add": ["$revision", 1]}, "shown_anew_at": "$$NOW"}
    change = {"$set": {**values, **counted}}
    return assets.find_and_update(query, [change])


def keep_temporary(assets: Collection, asset_id: str) -> Asset | None:
    """Mark a stored, unclaimed asset as a temporary picture, inside a transaction; return it."""
    query = {"_id": asset_id, "state": State.LIVE, "claim": None}
    kept = assets.find_and_update(query, {"$set": {"temporary": True}})
    return from_document(kept) if kept else None


def keep_longer(assets: Collection, asset_id: str, *, hours: int) -> bool:
    """Let an unclaimed asset expire `hours` from now, inside a transaction; False when too late."""
    query = {"_id": asset_id, "claim": None, "state": State.LIVE, **_IN_TIME}
    later = {"$dateAdd": {"startDate": "$$NOW", "unit": "hour", "amount": hours}}
    return bool(assets.update(query, [{"$set": {"expires_at": later}}]))


def discard_unclaimed(assets: Collection, asset_id: str) -> Asset | None:
    """Put an asset nobody claimed out of sight for good and return it; None if none is.

    The sweeper ends what is left of it when its bytes are not deleted right after.
    """
    return _condemn(assets, {"_id": asset_id, "claim": None})


def _condemn(
    assets: Collection, query: Mapping[str, Any], sort: Sort | None = None
) -> Asset | None:
    """Put an asset that never had an owner out of sight for good and return it.

    In a transaction, which leaves alone what cannot be read.
    """

    def work(assets: Collection) -> Document | None:
        change = {"$set": {"state": State.PURGING}}
        found = assets.find_and_update(query, change, sort=sort)
        if found is not None:
            announce(assets, found, Kind.PURGE)
        return found

    found = assets.transaction(work)
    return from_document(found) if found else None


def temporary_of(assets: Collection, owner: str) -> list[Asset]:
    """Return the temporary pictures of `owner` that have not expired, the newest first."""
    query = {"owner": owner, "temporary": True, "claim": None, "state": State.LIVE, **_IN_TIME}
    return assets.values(from_document, query, sort=[("created_at", -1)])


def claim_temporary(assets: Collection, asset_id: str, claim: Claim, *, owner: str | None) -> bool:
    """Give a temporary picture of `owner` to `claim`, inside a transaction; False when too late."""
    query = {
        "_id": asset_id,
        "owner": owner,
        "temporary": True,
        "claim": None,
        "state": State.LIVE,
        **_IN_TIME,
    }
    change = {
        "$set": {"claim": {"kind": claim.kind, "id": claim.id}},
        "$unset": {"expires_at": "", "temporary": ""},
    }
    return _claimed(assets, query, change)


def _claimed(assets: Collection, query: Mapping[str, Any], change: Mapping[str, Any]) -> bool:
    """Give an asset its owner; False when there is none."""
    found = assets.find_and_update(query, change)
    if found is not None:
        announce(assets, found, Kind.CREATED)
    return found is not None


def discard_temporary(assets: Collection, owner: str, asset_id: str) -> Asset | None:
    """Put a temporary picture of `owner` out of sight for good and return it; None if none is.

    The sweeper ends what is left of it when its bytes are not deleted right after.
    """
    return _condemn(assets, {"_id": asset_id, "owner": owner, "temporary": True, "claim": None})


def without_alt(language: str) -> Document:
    """Return the condition for pictures that need a text in `language` and have none.

    Decorative pictures need none.
    """
    return {f"alt.{language}": {"$in": [None, ""]}, "decorative": {"$ne": True}}


def owners_without_alt(assets: Collection, kind: str, language: str, *, limit: int) -> list[str]:
    """Return the owners of `kind` that have a live picture without a text in `language`.

    At most `limit` ids; see `without_alt`.
    """
    lacking = {"claim.kind": kind, "state": State.LIVE, **without_alt(language)}
    found = assets.aggregate(
        [{"$match": lacking}, {"$group": {"_id": "$claim.id"}}, {"$limit": limit}]
    )
    return [each["_id"] for each in found]


def trash_one(
    assets: Collection,
    asset_id: str,
    claim: Claim,
    *,
    position: int,
    by: str | None,
    reason: str,
) -> bool:
    """Put a live asset of `claim` into the trash, inside a transaction."""
    stamp = {"at": "$$NOW", "by": by, "reason": reason, "position": position}
    query = {**_owned(asset_id, claim), "state": State.LIVE}
    return trash_first(assets, query, {"state": State.TRASH, "trash": stamp}) is not None


def trash_first(
    assets: Collection,
    query: Mapping[str, Any],
    changes: Mapping[str, Any],
    sort: Sort | None = None,
) -> Document | None:
    """Set `changes`, by which it is in the trash, of the first asset that matches; return it.

    In a transaction, which leaves alone what cannot be read.
    """

    def work(assets: Collection) -> Document | None:
        gone = assets.find_and_update(query, [{"$set": changes}], sort=sort)
        if gone is not None:
            announce(assets, gone, Kind.DELETED, Kind.PURGE)
        return gone

    return assets.transaction(work)


def restore_one(assets: Collection, asset_id: str, claim: Claim) -> int | None:
    """Bring an asset back from the trash, inside a transaction; return its old position.

    That is the first one where nobody wrote it down.
    """
    query = {**_owned(asset_id, claim), "state": State.TRASH}
    found = assets.find_one(query)
    if found is None:
        return None
    restored = {"$set": {"state": State.LIVE}, "$unset": {"trash": ""}}
    after = assets.find_and_update(query, restored)
    if after is not None:
        announce(assets, after, Kind.RESTORED)
    position: int = found.get("trash", {}).get("position", 0)
    return position


def replace_one(
    assets: Collection, asset_id: str, claim: Claim, *, version: Version, name: str, keep: int
) -> tuple[str, ...] | None:
    """Put `version` before the others of a live asset, inside a transaction.

    Return the files of the versions that fell off, so that they can go; None when the asset is
    gone. Run again after it succeeded, it changes nothing and nothing falls off.
    """
    query = {**_owned(asset_id, claim), "state": State.LIVE}
    before = assets.find_one(query)
    if before is None:
        return None
    if before["versions"][0]["file"] == version.file:
        return ()
    newest = {"$each": [_version_out(version)], "$position": 0, "$slice": keep}
    named = {
        "name": name,
        **listing_of({**before, "name": name, "versions": [_version_out(version)]}),
        "shown_anew_at": utc_now(),
    }
    change = {"$push": {"versions": newest}, "$set": named, "$inc": {"revision": 1}}
    _show_another(assets, query, change, before)
    return tuple(each["file"] for each in before["versions"][keep - 1 :])


def bring_back_one(
    assets: Collection, asset_id: str, claim: Claim, *, version: str, by: str | None
) -> Asset | None:
    """Make an older version (its twelve digits) of a live asset the current one again.

    Inside a transaction. It goes to the front as of now, so that whoever asks whether there is
    something newer gets it; the others stay, and nothing falls off. The name ends as its type does.
    Return the asset, as it was if the version is current already; None when there is no such one.
    """
    query = {**_owned(asset_id, claim), "state": State.LIVE}
    found = assets.find_one(query)
    if found is None:
        return None
    versions: list[Document] = found["versions"]
    place = next((n for n, each in enumerate(versions) if each["sha256"][:12] == version), None)
    if place is None:
        return None
    if place == 0:
        return from_document(found)
    front = {**versions[place], "at": utc_now(), "by": by}
    ordered = [front, *versions[:place], *versions[place + 1 :]]
    name = file_name(found["name"], FILE_TYPES[front["media_type"]])
    changed = {"versions": ordered, "name": name, "shown_anew_at": utc_now()}
    changed |= listing_of({**found, **changed})
    after = _show_another(assets, query, {"$set": changed, "$inc": {"revision": 1}}, found)
    return from_document(after) if after else None


def _show_another(
    assets: Collection, query: Mapping[str, Any], change: Mapping[str, Any], before: Document
) -> Document | None:
    """Let an asset show another version by `change`, inside a transaction; return it then."""
    after = assets.find_and_update(query, change)
    if after is not None:
        announce(assets, after, Kind.REPLACED)
        announce(assets, before, Kind.PURGE)
    return after


def hold_live(assets: Collection, asset_ids: Iterable[str], claim: Claim) -> frozenset[str]:
    """Hold live assets of `claim` for whatever begins to name them, inside its transaction.

    Return those of `asset_ids` that are not there: the caller names them not, or gives up. They
    are written to, so of this and their removal at the same time only one commits; the other runs
    again and sees it.
    """
    ids = sorted(set(asset_ids))
    if not ids:
        return frozenset()
    live = {**owned_by(claim), "state": State.LIVE}
    assets.update_all([({"_id": each, **live}, {"$inc": {"holds": 1}}) for each in ids])
    found = assets.find({"_id": {"$in": ids}, **live}, {"_id": 1})
    return frozenset(ids) - {each["_id"] for each in found}


def _legacy_id(site_id: str, path: str) -> str:
    return f"{site_id}/{hashlib.sha256(path.encode()).hexdigest()}"


def owned_by(claim: Claim) -> Document:
    """Return the condition for what `claim` owns."""
    return {"claim.kind": claim.kind, "claim.id": claim.id}


def _owned(asset_id: str, claim: Claim) -> Document:
    return {"_id": asset_id, **owned_by(claim)}


def to_document(asset: Asset) -> Document:
    """Return the stored form of `asset`."""
    document = {
        "_id": asset.id,
        "bucket": asset.bucket,
        "owner": asset.owner,
        "name": asset.name,
        "visibility": asset.visibility,
        "state": asset.state,
        "claim": {"kind": asset.claim.kind, "id": asset.claim.id} if asset.claim else None,
        "versions": [_version_out(version) for version in asset.versions],
        "revision": asset.revision,
        "created_at": asset.created_at,
        "alt": dict(asset.alt),
        "decorative": asset.decorative,
        "focal": list(asset.focal) if asset.focal else None,
    }
    return {**document, **listing_of(document)}


def from_document(document: Document) -> Asset:
    """Return the asset stored as `document`."""
    claim, focal = document.get("claim"), document.get("focal")
    return Asset(
        id=document["_id"],
        site=document["site"],
        bucket=document["bucket"],
        owner=document["owner"],
        name=document["name"],
        visibility=Visibility(document["visibility"]),
        state=State(document["state"]),
        claim=Claim(kind=claim["kind"], id=claim["id"]) if claim else None,
        versions=tuple(map(_version_in, document["versions"])),
        revision=document["revision"],
        created_at=document["created_at"],
        alt=document.get("alt") or {},
        decorative=document.get("decorative", False),
        focal=(focal[0], focal[1]) if focal else None,
        expires_at=document.get("expires_at"),
        category=document.get("category"),
        reference=document.get("reference"),
        hold=document.get("hold", False),
        folder=document.get("folder"),
        tags=tuple(document.get("tags", ())),
        trashed_at=document.get("trash", {}).get("at"),
        link_epoch=document.get("link_epoch", 0),
        visibility_epoch=document.get("visibility_epoch", 0),
        spoiled_file=_spoiled_file(document.get("damaged")),
    )


def _summed(counts: Document | bool) -> Document:
    """Return the stage that sums the assets for which `counts`, and has the `last` id of all."""
    sums = {"bytes": _BYTES, "files": 1}
    group = {name: {"$sum": {"$cond": [counts, each, 0]}} for name, each in sums.items()}
    return {"$group": {"_id": None, **group, "last": {"$max": "$_id"}}}


def _amount(summed: Sequence[Document]) -> Amount:
    """Return what `_summed` found; without anything to sum there is no document."""
    return Amount(bytes=summed[0]["bytes"], files=summed[0]["files"]) if summed else Amount()


def _deliverable(document: Document) -> Document:
    """Return the record of a live public asset with only what can be read of what it shows.

    Others stay as they are.
    """
    sound_fields, versions = sound(ASSETS, document), document.get("versions")
    is_public = sound_fields.get("visibility") == Visibility.PUBLIC
    is_live = sound_fields.get("state") == State.LIVE
    newest = versions[0] if isinstance(versions, list) and versions else None
    if not (is_public and is_live and isinstance(newest, dict)):
        return document
    shown: Document = {**_UNKNOWN_VERSION, **newest}
    for each in faults_of(ASSETS, {"versions": [shown]}):
        of_versions, _, name = each.field.partition(".0.")
        if of_versions == "versions" and name.partition(".")[0] not in DELIVERED:
            shown.pop(name.partition(".")[0], None)
    shown = {**_UNKNOWN_VERSION, **shown}
    if str(shown.get("media_type")) in PICTURES and not shown["width"]:
        shown |= {"width": 1, "height": 1}  # that it is a picture is all that is asked of them
    return {**_UNKNOWN_ASSET, **sound_fields, "versions": [shown]}


def _spoiled_file(damaged: Mapping[str, Any] | None) -> str | None:
    """Return the file that has other bytes; what is wrong else with one shows when it is read."""
    is_known = isinstance(damaged, dict) and damaged.get("kind") == OTHER_BYTES
    return damaged.get("file") if damaged and is_known else None


def mark_damaged(
    assets: Collection, asset_id: str, file_id: str, kind: str, *, detail: str
) -> None:
    """Note that the bytes an asset shows are damaged, if it still shows that file."""
    noted = {"file": file_id, "kind": kind, "detail": detail}
    change = {"$set": {"damaged": {"$mergeObjects": [{"$literal": noted}, {"at": "$$NOW"}]}}}
    assets.update({"_id": asset_id, "versions.0.file": file_id}, [change])


def _metadata(asset: Asset, version: Version) -> Document:
    """Return what the file document of `version` says besides its length."""
    return {
        "site": asset.site,
        "asset": asset.id,
        "sha256": version.sha256,
        "media_type": version.media_type,
    }


def _version_out(version: Version) -> Document:
    return {name: getattr(version, name) for name in Version.__slots__}


def _version_in(document: Document) -> Version:
    """Return a stored version; one from before a field was known has its default."""
    focal = document.get("focal")
    return Version(
        **{
            **{name: document[name] for name in Version.__slots__ if name in document},
            "focal": (focal[0], focal[1]) if focal else None,
            "removed": tuple(document.get("removed", ())),
        }
    )
