"""Restores one product, group, page, picture or upload of a snapshot into the running site."""

import hashlib
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from avenue.backup.errors import BackupDamaged, NotInSnapshot
from avenue.backup.models import Finding, Kind, Manifest
from avenue.backup.repository import Repository
from avenue.backup.targets import Missing
from avenue.backup.verify import NOT_DECRYPTED, pieces_of
from avenue.storage.copying.returning import (
    ALSO,
    ASSETS,
    GROUPS,
    PAGES,
    PRODUCTS,
    Returning,
    StoredVersion,
    assets_of,
    these_in,
    versions_of,
)
from avenue.storage.leases import Lease

KINDS: Mapping[str, Sequence[str]] = {
    "product": (PRODUCTS, "shop_products_trashed"),
    "group": (GROUPS,),
    "page": (PAGES,),
    "picture": (ASSETS,),
    "upload": (ASSETS,),
}
"""What can be restored, and the collections it may have been in."""
Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The restored records that were gone, and files that were gone or damaged.

    Files whose bytes are not in the backup are `findings`.
    """

    snapshot: str
    site: str
    records: int
    files: int
    findings: tuple[Finding, ...]


class Return:
    """Restores single things of a repository. What exists is not changed."""

    def __init__(self, repository: Repository, database: Returning, tmp_dir: Path) -> None:
        self._repository = repository
        self._database = database
        self._tmp_dir = tmp_dir

    def run(
        self, manifest: Manifest, kind: str, record_id: str, lease: Lease, *, most_images: int
    ) -> Returned:
        """Restore a thing of one of `KINDS`; its bytes first, then its records at once.

        Under the lease of `alone`, or the sweeper could delete the bytes until they have a record.
        `most_images` is the most pictures a product may have. Raise `NotInSnapshot`,
        `CannotReturn`, `BackupDamaged`, `Unavailable`, `Lost`.
        """
        name, record = self._record(manifest, kind, record_id)
        found = self._these(manifest, ASSETS, "_id", assets_of(name, record))
        assets = [each for each in found if each["site"] == record["site"]]
        gone = self._database.missing(ASSETS, assets)
        records = len(gone)
        if name != ASSETS:
            name = KINDS[kind][0]
            records += len(self._database.missing(name, [record]))
        beside: dict[str, list[Record]] = {}
        for of_name, ids in ((name, [record_id]), (ASSETS, [each["_id"] for each in assets])):
            if of_name in ALSO:
                other, field = ALSO[of_name]
                beside[other] = self._these(manifest, other, field, ids)
        files, findings = 0, []
        for version in (each for asset in assets for each in versions_of(asset)):
            if not self._database.has_right_bytes(version):
                finding = self._put_bytes(version)
                files += finding is None
                findings += [finding] if finding else []
        if records:
            lease.check()
            self._database.put(name, record, gone, beside, most_images=most_images)
        return Returned(
            snapshot=manifest.id,
            site=record["site"],
            records=records,
            files=files,
            findings=tuple(findings),
        )

    def _record(self, manifest: Manifest, kind: str, record_id: str) -> tuple[str, Record]:
        for name in KINDS[kind]:
            for found in self._these(manifest, name, "_id", [record_id]):
                if (kind == "upload") == (found.get("bucket") == "uploads"):
                    return name, found
        raise NotInSnapshot(snapshot=manifest.id, what=f"{kind} {record_id}")

    def _these(
        self, manifest: Manifest, name: str, field: str, values: Collection[str]
    ) -> list[Record]:
        """Return the records of a collection that have one of `values`."""
        found: list[Record] = []
        for share in manifest.shares:
            for copy in share.collections:
                if copy.name == name and values:
                    with self._repository.reading(manifest.id, copy.records) as records:
                        found += these_in(records, field, set(values))
        return found

    def _put_bytes(self, version: StoredVersion) -> Finding | None:
        what = f"{version.bucket}/{version.site}/{version.file}"
        with tempfile.TemporaryFile(dir=self._tmp_dir) as spool:
            try:
                is_right = self._spooled(version, spool)
            except Missing:
                detail = "The backup does not have its bytes."
                return Finding(kind=Kind.MISSING, what=what, detail=detail)
            except BackupDamaged:
                return Finding(kind=Kind.UNREADABLE, what=what, detail=NOT_DECRYPTED)
            if not is_right:
                return Finding(kind=Kind.WRONG_HASH, what=what, detail="The backup has others.")
            self._database.put_bytes(version, spool)
        return None

    def _spooled(self, version: StoredVersion, spool: IO[bytes]) -> bool:
        """Read an object into `spool`; return whether it has the bytes of the version."""
        digest, size = hashlib.sha256(), 0
        with self._repository.open_object(version.sha256) as stored:
            for piece in pieces_of(stored):
                digest.update(piece)
                size += len(piece)
                spool.write(piece)
        return digest.hexdigest() == version.sha256 and size == version.length
