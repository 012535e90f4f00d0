"""Brings a snapshot back into an empty database."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from avenue.backup.errors import BackupDamaged
from avenue.backup.models import (
    CollectionCopy,
    Finding,
    Kind,
    Manifest,
    Progress,
    Share,
    Tell,
    tell_nobody,
)
from avenue.backup.repository import SHA256, Repository
from avenue.backup.targets import Missing
from avenue.backup.verify import NOT_DECRYPTED, Verification, pieces_of
from avenue.storage.copying.reading import bucket_of
from avenue.storage.copying.writing import (
    NOT_RESTORED,
    Destination,
    FileToPut,
    NotThoseBytes,
    Renaming,
)
from avenue.storage.schema import STEPS, NewerDatabase
from avenue.storage.sites import UnknownSite


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was brought back. Files that are `findings` have their records, and no bytes."""

    snapshot: str
    records: int
    files: int
    findings: tuple[Finding, ...]


class Restoration:
    """Writes a snapshot of a repository into a destination; the same one again goes on."""

    def __init__(self, repository: Repository, destination: Destination, tell: Tell = tell_nobody):
        self._repository = repository
        self._destination = destination
        self._tell = tell
        self._findings: list[Finding] = []

    def run(self, manifest: Manifest, renaming: Renaming, *, keeps_tokens: bool) -> Restored:
        """Write all of it. Nothing is written unless all records can be read.

        Raise `BackupDamaged`, `NewerDatabase`, `UnknownSite`, `NotEmpty`, `Unavailable`.
        """
        if manifest.schema > len(STEPS):
            raise NewerDatabase
        if renaming.site is not None and renaming.site not in manifest.sites:
            raise UnknownSite(site=renaming.site)
        if amiss := Verification(self._repository).parts_of(manifest):
            raise BackupDamaged(what=amiss[0].what)
        self._destination.begin(
            {
                "repository": self._repository.id,
                "snapshot": manifest.id,
                "site": renaming.site,
                "becomes": renaming.becomes,
                "hosts": [list(each) for each in renaming.hosts],
                "keeps_tokens": keeps_tokens,
            }
        )
        files = sum(self._put_files(manifest, share) for share in manifest.shares)
        records = sum(self._put_records(manifest, share) for share in manifest.shares)
        self._destination.settle(manifest.taken_at, keeps_tokens=keeps_tokens)
        self._destination.finish(manifest.schema, self._metadata(manifest))
        return Restored(
            snapshot=manifest.id, records=records, files=files, findings=tuple(self._findings)
        )

    def _put_files(self, manifest: Manifest, share: Share) -> int:
        hashed = {(each.bucket, each.file): each.sha256 for each in share.hashed}
        total = sum(each.count for each in share.collections if bucket_of(each.name))
        done = 0
        for each in share.collections:
            if (bucket := bucket_of(each.name)) is None:
                continue
            with self._repository.reading(manifest.id, each.records) as records:
                for documents in self._destination.files_in(bucket, records):
                    files = (self._file(bucket, old, new, hashed) for old, new in documents)
                    self._destination.put_files(bucket, files)
                    done += len(documents)
                    self._tell(Progress(phase="files", done=done, total=total))
        return done

    def _file(
        self,
        bucket: str,
        document: dict[str, object],
        renamed: dict[str, object],
        hashed: Mapping[tuple[str, str], str],
    ) -> FileToPut:
        file_id, metadata = str(document["_id"]), document.get("metadata")
        told = metadata.get("sha256") if isinstance(metadata, dict) else None
        sha256 = told if isinstance(told, str) and SHA256.fullmatch(told) else None
        sha256 = sha256 or hashed.get((bucket, file_id), "")
        what, length = f"{bucket}/{file_id}", document.get("length")
        return FileToPut(document=renamed, pieces=lambda: self._bytes_of(what, sha256, length))

    def _bytes_of(self, what: str, sha256: str, length: object) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        try:
            with self._repository.open_object(sha256) as stored:
                for piece in pieces_of(stored):
                    digest.update(piece)
                    size += len(piece)
                    yield piece
        except Missing:
            self._find(Kind.MISSING, what, "The backup does not have its bytes.")
        except BackupDamaged:
            self._find(Kind.UNREADABLE, what, NOT_DECRYPTED)
        if digest.hexdigest() != sha256 or size != length:
            self._find(Kind.WRONG_HASH, what, "The backup has other bytes.")

    def _find(self, kind: Kind, what: str, detail: str) -> None:
        self._findings.append(Finding(kind=kind, what=what, detail=detail))
        raise NotThoseBytes

    def _put_records(self, manifest: Manifest, share: Share) -> int:
        written = 0
        for each in share.collections:
            if bucket_of(each.name) or each.name in NOT_RESTORED:
                continue
            done = 0
            with self._repository.reading(manifest.id, each.records) as records:
                for done in self._destination.put_records(each.name, records):
                    phase = f"records of {each.name}"
                    self._tell(Progress(phase=phase, done=done, total=each.count))
            written += done
        return written

    def _metadata(self, manifest: Manifest) -> dict[str, bytes]:
        copies = (each for share in manifest.shares for each in share.collections)
        return {each.name: self._metadata_of(manifest, each) for each in copies}

    def _metadata_of(self, manifest: Manifest, copy: CollectionCopy) -> bytes:
        with self._repository.reading(manifest.id, copy.metadata) as stored:
            return stored.read()
