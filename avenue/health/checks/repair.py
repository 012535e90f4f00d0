"""Repairs what can be repaired without losing anything, and advises on the rest.

Everything is checked once more before it is repaired, by the rules of the sweeper: it is older than
an hour, nobody is writing it, and nothing names it. Bytes are replaced only by bytes whose hash
proves that they are identical.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from avenue.clock import utc_now
from avenue.errors import MalformedRecord
from avenue.health.checks.advice import ADVICE, MEND_RECORD, REPLACE, UPLOAD_AGAIN, WEBSITE_ADVICE
from avenue.health.checks.models import BYTES, YOUNG, Flaw, Kind, Outcome, StoredVersion
from avenue.health.checks.walk import Holdings
from avenue.media.errors import DamagedFile
from avenue.media.models import Asset, Version
from avenue.media.references import Kind as Broken
from avenue.media.serving.seekable_file import SeekableFile
from avenue.media.serving.stored_file import StoredFile
from avenue.media.store.assets import AssetStore
from avenue.storage.chunks import CHUNK_BYTES
from avenue.storage.holders import Holder

EndUpload = Callable[[str, str], None]
"""Deletes an expired resumable upload of a site, with its bytes."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)

IS_YOUNG = "It is younger than an hour and may be on its way: run this again later."
IS_WRITTEN = "Something is writing it just now: run this again later."
IS_BACK = "It came back while it was mended: run this again."
NO_AGE = "Nobody can tell how old it is. Look at it, and remove it in the database."
PUT_RIGHT = "Put right."
WOULD: Mapping[str, str] = {
    Kind.UNOWNED_FILE: "With --repair it is removed.",
    Kind.ORPHAN_CHUNKS: "With --repair they are removed.",
    Kind.RENDITION_WITHOUT_SOURCE: "With --repair it is removed.",
    Kind.RENDITION_DAMAGED: "With --repair it is removed; it is made again when it is asked for.",
    Kind.TEMPORARY_EXPIRED: "With --repair it is removed. If these stay, the sweeper does not run.",
    Kind.UPLOAD_EXPIRED: "With --repair it is removed. If these stay, the sweeper does not run.",
    Kind.ADDRESS_DANGLING: "With --repair it is removed; it leads nowhere as it is.",
    Kind.COUNTER_WRONG: "With --repair it is counted anew.",
}
NOT_OURS: Mapping[str, str] = {
    Kind.FOREIGN_FILE: (
        "Another program has stored it, and nobody is shown it. Bring it in with `python -m avenue "
        "put`, or remove it with the program that wrote it."
    ),
    Kind.OWNER_MISSING: (
        "Nobody shows it, and removing it would lose it. Take it out with `python -m avenue get`, "
        "or restore its owner from a backup."
    ),
    Kind.NAMES_NO_FILE: (
        "Restore its record from a backup. What is stored of it stays until then, and says in its "
        "metadata that it is of this asset."
    ),
}
LOST = "Neither its own chunks nor another file of the site have the right bytes."
FROM_A_BACKUP = "Restore the file from a backup, or ask for it again where it came from."
CURES: Mapping[str, str] = {"product_images": UPLOAD_AGAIN, "builder_media": REPLACE}
ANOTHER = "An older version of it is whole and can be brought back."
WEBSITE = frozenset({"page", "site"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How a file can be repaired: by `chunks` of its own, or by a `twin` with the same bytes."""

    asset: Asset
    version: Version
    chunk_bytes: int = CHUNK_BYTES
    has_record: bool = True
    chunks: list[Any] | None = None
    twin: StoredFile | None = None


class Repair:
    """Judges and repairs findings. Everything is repeatable."""

    def __init__(self, holdings: Holdings, assets: AssetStore, end_upload: EndUpload) -> None:
        self._of = holdings
        self._assets = assets
        self._end_upload = end_upload
        self._cures: dict[str, Callable[[Flaw], str | None]] = {
            Kind.UNOWNED_FILE: self._remove_file,
            Kind.ORPHAN_CHUNKS: self._remove_chunks,
            Kind.RENDITION_WITHOUT_SOURCE: self._remove_rendition,
            Kind.RENDITION_DAMAGED: self._remove_rendition,
            Kind.TEMPORARY_EXPIRED: self._remove_temporary,
            Kind.UPLOAD_EXPIRED: self._remove_upload,
            Kind.ADDRESS_DANGLING: self._remove_address,
            Kind.COUNTER_WRONG: self._count,
        }

    def judge(self, finding: Flaw) -> Flaw:
        """Return a finding with whether and how it can be repaired, or what a person can do."""
        try:
            return self._judged(finding)
        except MalformedRecord:
            return replace(finding, mendable=False, advice=MEND_RECORD)

    def _judged(self, finding: Flaw) -> Flaw:
        if finding.kind in BYTES:
            way = self._way(finding)
            if way is None:
                return replace(finding, mendable=False, advice=self._advice_on(finding))
            said = "its own chunks" if way.chunks is not None else "another file with its bytes"
            return replace(finding, mendable=True, advice=f"With --repair it is mended by {said}.")
        obstacle = self._obstacle(finding)
        if obstacle is None:
            return replace(finding, mendable=True, advice=WOULD[finding.kind])
        return replace(finding, mendable=False, advice=obstacle)

    def mend(self, finding: Flaw) -> Flaw:
        """Repair a finding if possible, and return it with the outcome."""
        try:
            return self._mended(finding)
        except MalformedRecord:
            return replace(finding, mendable=False, advice=MEND_RECORD, outcome=Outcome.LEFT)

    def _mended(self, finding: Flaw) -> Flaw:
        if finding.kind in BYTES:
            obstacle = self._mend_bytes(finding)
        else:
            obstacle = self._obstacle(finding) or self._cures[finding.kind](finding)
        if obstacle is None:
            return replace(finding, mendable=True, advice=PUT_RIGHT, outcome=Outcome.MENDED)
        return replace(finding, mendable=False, advice=obstacle, outcome=Outcome.LEFT)

    def _obstacle(self, finding: Flaw) -> str | None:
        """Return why a finding cannot be repaired, None if it can."""
        if finding.kind not in self._cures:
            return _advice_of(finding)
        if finding.kind == Kind.UNOWNED_FILE:
            return _too_young(self._uploaded_at(finding))
        if finding.kind == Kind.ORPHAN_CHUNKS:
            return _too_young(self._newest_chunk_at(finding))
        return None

    # Things that belong to nothing

    def _uploaded_at(self, finding: Flaw) -> datetime | None:
        site_id, bucket = finding.site or "", finding.bucket or ""
        found = self._of.assets.survey(site_id, bucket).records([finding.subject])
        record = found.get(finding.subject)
        return record.uploaded_at if record else LONG_AGO

    def _newest_chunk_at(self, finding: Flaw) -> datetime | None:
        bucket, stored_id = finding.bucket or "", _stored_id(finding)
        if not self._of.store.has_chunks(bucket, stored_id):  # an interrupted run has removed them
            return LONG_AGO
        return self._of.store.newest_chunk_at(bucket, stored_id)

    def _remove_file(self, finding: Flaw) -> str | None:
        stored_id, bucket = _stored_id(finding), finding.bucket or ""
        swept = self._of.swept(_site_in(stored_id))
        if not swept.release(stored_id):
            return IS_WRITTEN
        # Only now can no write make it used again.
        if not swept.is_used(bucket, stored_id):
            swept.bucket(bucket).delete(stored_id)
        return None

    def _remove_chunks(self, finding: Flaw) -> str | None:
        stored_id, bucket = _stored_id(finding), finding.bucket or ""
        if not isinstance(stored_id, str):  # no site gives such ids
            if not self._of.store.has_file(bucket, stored_id):
                self._of.store.remove_chunks(bucket, stored_id)
            return None
        # Of no site, too: the site may have been added since.
        swept = self._of.swept(_site_in(stored_id))
        if not swept.release(stored_id):
            return IS_WRITTEN
        is_left = not swept.may_be_named(stored_id)
        if is_left and not self._of.store.has_file(bucket, stored_id):
            if finding.site is None:  # in whichever cluster they are
                self._of.store.remove_chunks(bucket, stored_id)
            else:
                swept.bucket(bucket).delete(stored_id)
        return None

    def _remove_rendition(self, finding: Flaw) -> str | None:
        found = self._of.store.rendition(finding.site or "", finding.subject)
        if found is None or (finding.kind == Kind.RENDITION_DAMAGED and found.is_whole):
            return None
        if finding.kind == Kind.RENDITION_WITHOUT_SOURCE:
            swept = self._of.swept(finding.site or "")
            if not swept.release(f"{finding.site}/{found.file}"):
                return IS_WRITTEN
            if swept.is_named(f"{finding.site}/{found.file}"):
                return None
        self._of.store.remove_rendition(finding.site or "", found)
        return None

    def _remove_temporary(self, finding: Flaw) -> str | None:
        swept = self._of.swept(finding.site or "")
        condemned = swept.condemn_one(finding.subject)
        if condemned:
            swept.purge(condemned)
        return None

    def _remove_upload(self, finding: Flaw) -> str | None:
        self._end_upload(finding.site or "", finding.subject)
        return None

    def _remove_address(self, finding: Flaw) -> str | None:
        site_id, asset = finding.site or "", finding.asset or ""
        if not self._of.swept(site_id).those_there([asset]):
            self._of.store.remove_address(site_id, finding.stored_id, asset)
        return None

    def _count(self, finding: Flaw) -> str | None:
        holder = Holder(site=finding.site or "", person=finding.stored_id)
        self._of.ledger.count(holder)
        return IS_BACK if self._of.ledger.miscount(holder) else None

    # Bytes

    def _mend_bytes(self, finding: Flaw) -> str | None:
        site_id, bucket = finding.site or "", finding.bucket or ""
        way = self._way(finding)
        if way is None:
            return self._advice_on(finding)
        meant = StoredVersion.of(way.version)
        try:
            self._go(way, site_id, bucket)
        except DamagedFile:  # its source was damaged meanwhile
            return IS_BACK
        if self._of.files.fault_of(site_id, bucket, meant):
            return IS_BACK
        if way.asset.current == way.version:
            self._of.assets.unmark(site_id, way.asset.id)
        swept = self._of.swept(site_id)
        if not swept.is_named(f"{site_id}/{meant.file}"):  # removed meanwhile
            swept.bucket(bucket).delete(f"{site_id}/{meant.file}")
        return None

    def _go(self, way: _Way, site_id: str, bucket: str) -> None:
        if way.twin is not None:
            self._assets.mend(way.asset, way.version, SeekableFile(way.twin))
        elif way.chunks is not None:
            if not way.has_record:
                self._assets.seal_file(way.asset, way.version)
            meant = StoredVersion.of(way.version)
            self._of.store.keep_only(site_id, bucket, meant, way.chunks, way.chunk_bytes)

    def _way(self, finding: Flaw) -> _Way | None:
        """Return how a damaged file can be repaired, None if it cannot."""
        site_id, bucket = finding.site or "", finding.bucket or ""
        asset = self._assets.get(site_id, finding.asset or "")
        named = asset.versions if asset else ()
        version = next((each for each in named if each.file == finding.subject), None)
        if asset is None or version is None:
            return None
        record = self._of.assets.survey(site_id, bucket).records([version.file]).get(version.file)
        told = record.chunk_bytes if record else None
        for chunk_bytes in dict.fromkeys([told or 0, CHUNK_BYTES]):
            if chunk_bytes < 1:
                continue
            chunks = self._of.store.right_chunks(
                site_id, bucket, StoredVersion.of(version), chunk_bytes
            )
            if chunks is not None:
                return _Way(
                    asset=asset,
                    version=version,
                    chunk_bytes=chunk_bytes,
                    has_record=record is not None,
                    chunks=chunks,
                )
        for other, same in self._assets.same_bytes(asset, version):
            if self._of.files.fault_of(site_id, other.bucket, StoredVersion.of(same)) is None:
                twin = StoredFile(asset=other, version=same, store=self._assets)
                return _Way(asset=asset, version=version, twin=twin)
        return None

    def _advice_on(self, finding: Flaw) -> str:
        """Return why damaged bytes cannot be repaired, and what a person can do."""
        asset = self._assets.get(finding.site or "", finding.asset or "")
        others = asset.versions[1:] if asset and asset.current.file == finding.subject else ()
        cure = CURES.get(finding.bucket or "", FROM_A_BACKUP)
        if asset and asset.current.file != finding.subject:
            cure = "Nobody is shown it: it is an older version. " + FROM_A_BACKUP
        is_whole = any(
            self._of.files.fault_of(asset.site, asset.bucket, StoredVersion.of(each)) is None
            for each in others
            if asset
        )
        return " ".join([LOST, cure, *([ANOTHER] if is_whole else [])])


def _advice_of(finding: Flaw) -> str:
    """Return what a person can do about a problem that no program can repair."""
    if finding.kind in NOT_OURS:
        return NOT_OURS[finding.kind]
    kind = Broken(finding.kind)
    is_website = finding.subject.partition("/")[0] in WEBSITE
    return WEBSITE_ADVICE.get(kind, REPLACE) if is_website else ADVICE[kind]


def _too_young(made_at: datetime | None) -> str | None:
    if made_at is None:
        return NO_AGE
    return IS_YOUNG if utc_now() - made_at < YOUNG else None


def _site_in(stored_id: object) -> str:
    """Return the site in the id of a file."""
    return str(stored_id).partition("/")[0]


def _stored_id(finding: Flaw) -> Any:
    """Return the id of a file in the database."""
    return finding.stored_id if finding.site is None else f"{finding.site}/{finding.subject}"
