"""Compares a repository with its manifests, and reports what is damaged or missing."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from avenue.backup.errors import BackupDamaged, SnapshotNotFound
from avenue.backup.models import Finding, Kind, Manifest, Part, Progress, Tell, ignore_progress
from avenue.backup.repository import MANIFEST, Repository
from avenue.backup.targets import Missing

READ_BYTES = 1024 * 1024
MOST_FINDINGS = 10_000
PART_CHARACTERS = 8
TOLD_EVERY = 100
NOT_DECRYPTED = "It cannot be decrypted: it was changed, cut off, or is another one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """A part of the objects: those of the portion with this `number` (from 0) out of `of`."""

    number: int
    of: int

    def has(self, sha256: str) -> bool:
        """Return whether an object is one of them."""
        return int(sha256[:PART_CHARACTERS], 16) % self.of == self.number


ALL = Portion(number=0, of=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The result of verifying snapshots: `read` objects were compared with their sha256."""

    snapshots: tuple[str, ...]
    objects: int
    size: int
    read: int
    findings: tuple[Finding, ...]


class Verification:
    """Verifies snapshots of a repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._findings: list[Finding] = []

    def run(
        self,
        snapshot_id: str | None = None,
        *,
        reads: Portion | None = None,
        tell: Tell = ignore_progress,
    ) -> Verified:
        """Verify one snapshot, or all of them; read the objects of the portion `reads`.

        Records are always read, and the existence and size of every object is checked. Raise
        `SnapshotNotFound` if there is nothing to verify.
        """
        while True:
            self._findings.clear()
            manifests = self._manifests(snapshot_id)
            verified = self._look(manifests, reads, tell)
            # Something that was pruned meanwhile is not damaged.
            if not verified.findings or all(map(self._is_there, manifests)):
                return verified

    def _look(self, manifests: Sequence[Manifest], reads: Portion | None, tell: Tell) -> Verified:
        needed: dict[bytes, int] = {}
        for each in manifests:
            tell(Progress(phase=f"records of {each.id}", done=0, total=None))
            for part in each.parts:
                self._look_at_part(each, part)
            self._need(each, needed)
        sizes = {bytes.fromhex(name): size for name, size in self._repository.objects()}
        read = 0
        for number, (key, size) in enumerate(sorted(needed.items()), start=1):
            sha256 = key.hex()
            if number % TOLD_EVERY == 0 or number == len(needed):
                tell(Progress(phase="objects", done=number, total=len(needed)))
            reads_it = reads is not None and reads.has(sha256)
            read += reads_it
            self._look_at_object(sha256, size, sizes.get(key), reads_it=reads_it)
        return Verified(
            snapshots=tuple(each.id for each in manifests),
            objects=len(needed),
            size=sum(needed.values()),
            read=read,
            findings=tuple(self._findings),
        )

    def _manifests(self, snapshot_id: str | None) -> Sequence[Manifest]:
        if snapshot_id is not None:
            return [self._repository.manifest(snapshot_id)]
        complete = [each for each in self._repository.snapshots() if each.is_complete]
        if not complete:
            raise SnapshotNotFound(snapshot="yet")
        for each in complete:
            if each.manifest is None:
                self._find(Kind.UNREADABLE, f"snapshots/{each.id}/{MANIFEST}", "It is damaged.")
        return [each.manifest for each in complete if each.manifest is not None]

    def parts_of(self, manifest: Manifest) -> tuple[Finding, ...]:
        """Return the damage of the files of one snapshot; all of them are read."""
        self._findings.clear()
        for part in manifest.parts:
            self._look_at_part(manifest, part)
        return tuple(self._findings)

    def _is_there(self, manifest: Manifest) -> bool:
        try:
            self._repository.manifest(manifest.id)
        except SnapshotNotFound:
            return False
        return True

    def _need(self, manifest: Manifest, needed: dict[bytes, int]) -> None:
        try:
            for sha256, size in self._repository.listed_objects(manifest):
                needed[bytes.fromhex(sha256)] = size
        except BackupDamaged:  # the part was reported before
            return

    def _look_at_part(self, manifest: Manifest, part: Part) -> None:
        what = f"snapshots/{manifest.id}/{part.name}"
        try:
            with self._repository.open_part(manifest.id, part) as stored:
                size, sha256 = _hashed(stored)
        except Missing:
            self._find(Kind.MISSING, what, "It is not there.")
        except BackupDamaged:
            self._find(Kind.UNREADABLE, what, NOT_DECRYPTED)
        else:
            self._compare(what, size, part.size, sha256, part.sha256)

    def _look_at_object(self, sha256: str, size: int, found: int | None, *, reads_it: bool) -> None:
        what = self._repository.object_name(sha256)
        if found is None or (not reads_it and found != size):
            self._compare(what, found, size, "", "")
            return
        if not reads_it:
            return
        try:
            with self._repository.open_object(sha256) as stored:
                read, hashed = _hashed(stored)
        except Missing:
            self._find(Kind.MISSING, what, "It is not there.")
        except BackupDamaged:
            self._find(Kind.UNREADABLE, what, NOT_DECRYPTED)
        else:
            self._compare(what, read, size, hashed, sha256)

    def _compare(
        self, what: str, size: int | None, right_size: int, sha256: str, right: str
    ) -> None:
        if size is None:
            self._find(Kind.MISSING, what, "It is not there.")
        elif size != right_size:
            self._find(Kind.WRONG_SIZE, what, f"It has {size} bytes, not {right_size}.")
        elif sha256 != right:
            self._find(Kind.WRONG_HASH, what, f"Its bytes have the sha256 {sha256}.")

    def _find(self, kind: Kind, what: str, detail: str) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(kind=kind, what=what, detail=detail))


def _hashed(stored: BinaryIO) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    for piece in pieces_of(stored):
        size += len(piece)
        digest.update(piece)
    return size, digest.hexdigest()


def pieces_of(stored: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a stream, 1 MiB at a time."""
    while piece := stored.read(READ_BYTES):
        yield piece
