"""All stored data of one asset, read without relying on any of it."""

from collections.abc import Iterator

from avenue.errors import MalformedRecord
from avenue.health.checks.store.assets import damage_in
from avenue.health.checks.trace.models import KeptFacts, Record
from avenue.media.models import Version
from avenue.media.renditions.store import RENDITIONS
from avenue.media.store.documents import ASSETS, from_document
from avenue.storage.chunks import CHUNK_BYTES, Incomplete
from avenue.storage.connection import Document
from avenue.storage.records import check
from avenue.storage.scope import SiteRecords, site
from avenue.storage.site_data import BUCKETS
from avenue.storage.survey import ChunkSize, FileRecord

MOST_RENDITIONS = 500
CHUNKS_AT_ONCE = 64  # the server reads their bytes to return their sizes
HEAD = {"file": 1, "bytes": 1, "sha256": 1, "made_at": 1}


class TraceStore(SiteRecords):
    """The data of one asset of one site at a time."""

    def record(self, site_id: str, asset_id: str) -> Record | None:
        """Return the record of an asset, None if there is none."""
        found = self._records(site_id, ASSETS).find_as_it_is({"_id": asset_id})
        if found is None:
            return None
        damage = damage_in(found.get("damaged"))
        try:
            asset = from_document(found)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return Record(asset=None, unreadable=_reason(error), damage=damage)
        if asset.bucket not in BUCKETS:
            return Record(asset=None, unreadable=f"no bucket is called {asset.bucket}", damage=None)
        try:
            check(ASSETS, {**found, "versions": found["versions"] or [{}]}, is_part=True)
        except MalformedRecord as malformed:
            reason = f"its field {malformed.field} is something else than it should be"
            return Record(asset=None, unreadable=reason, damage=damage)
        return Record(asset=asset, unreadable=None, damage=damage)

    def file(self, site_id: str, bucket: str, file_id: str) -> FileRecord | None:
        """Return the file document of a file, None if there is none."""
        return site(self._database, site_id).survey(bucket).records([file_id]).get(file_id)

    def chunks(self, site_id: str, bucket: str, version: Version) -> Iterator[list[ChunkSize]]:
        """Yield the chunks of a file in batches, including those that should not exist."""
        survey = site(self._database, site_id).survey(bucket)
        first: int | None = None
        for end in range(CHUNKS_AT_ONCE, version.bytes // CHUNK_BYTES, CHUNKS_AT_ONCE):
            yield survey.chunk_sizes([version.file], first, end).get(version.file, [])
            first = end
        yield survey.chunk_sizes([version.file], first, None).get(version.file, [])

    def read(self, site_id: str, bucket: str, version: Version) -> Iterator[bytes]:
        """Yield the stored bytes of a version, up to the first gap."""
        files = site(self._database, site_id).files(bucket)
        try:
            yield from files.read(version.file, 0, version.bytes, length=version.bytes)
        except Incomplete:
            return

    def renditions(self, site_id: str, asset_id: str) -> dict[str, KeptFacts]:
        """Return the stored renditions of an asset by id, `MOST_RENDITIONS` at most."""
        # "/" follows the asset's id, "0" follows "/".
        of_it = {"_id": {"$gt": f"{asset_id}/", "$lt": f"{asset_id}0"}}
        collection = self._records(site_id, RENDITIONS)
        found = collection.values(_kept, of_it, HEAD, sort=[("_id", 1)], limit=MOST_RENDITIONS)
        return {each.id: each for each in found}

    def rendition_bytes(self, site_id: str, rendition_id: str) -> bytes:
        """Return the bytes of a rendition, none if it is gone."""
        collection = self._records(site_id, RENDITIONS)
        found = collection.find_one({"_id": rendition_id}, {"data": 1})
        data = found.get("data") if found else None
        return data if isinstance(data, bytes) else b""


def _kept(document: Document) -> KeptFacts:
    return KeptFacts(
        id=document["_id"],
        **{name: document[name] for name in ("file", "bytes", "sha256", "made_at")},
    )


def _reason(error: Exception) -> str:
    """Return the fault of a record: the name of a field, never its content."""
    if isinstance(error, KeyError):
        return f"it lacks the field {error}"
    return "a field does not hold what it should"
