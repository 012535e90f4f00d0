"""A repository of backups: objects by the sha256 of their bytes, and snapshots that name them."""

import contextlib
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, cast

from pydantic import TypeAdapter, ValidationError

from avenue.backup.encryption import EncryptedTarget, described
from avenue.backup.errors import (
    BackupDamaged,
    KeyNeeded,
    ManifestTooLarge,
    NewerRepository,
    NoRepository,
    NotARepository,
    NotEncrypted,
    OtherInstallation,
    SnapshotNotFound,
    WrongKey,
)
from avenue.backup.models import FORMAT, Manifest, Part
from avenue.backup.targets import Draft, Missing, Target, draft_in
from avenue.clock import iso, utc_now
from avenue.identity import new_id

HEAD = "repository.json"
OBJECTS = "objects/"
SNAPSHOTS = "snapshots/"
MANIFEST = "manifest.json"
SHA256 = re.compile(r"[0-9a-f]{64}")
SNAPSHOT_ID = re.compile(r"(\d{6,})-\d{8}T\d{6}Z")
MOST_JSON_BYTES = 64 * 1024 * 1024
GZIP_FORMAT = zlib.MAX_WBITS | 16
GZIP_LEVEL = 1
"""The compression level: records are written as fast as read; higher levels save little."""

_MANIFEST = TypeAdapter(Manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotState:
    """An existing snapshot: its manifest, or None if that is missing or damaged."""

    id: str
    manifest: Manifest | None
    is_complete: bool
    """Whether there is a manifest at all; without one the snapshot is incomplete."""


class PartWriter:
    """Writes a part of a snapshot, compressed as gzip."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._sha256 = hashlib.sha256()
        self._size = 0
        self._gzip = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_FORMAT)
        self.plain_size = 0

    def add(self, data: bytes) -> None:
        """Add bytes."""
        self.plain_size += len(data)
        self._write(self._gzip.compress(data))

    def end(self, name: str) -> Part:
        """Return the part, which is now written completely."""
        self._write(self._gzip.flush())
        return Part(name=name, size=self._size, sha256=self._sha256.hexdigest())

    def _write(self, data: bytes) -> None:
        if data:
            self._sha256.update(data)
            self._size += len(data)
            self._draft.write(data)


class Repository:
    """An existing repository. Open it with `opened` or `begun`."""

    def __init__(self, target: Target, head: dict[str, Any], key: bytes | None) -> None:
        self.id: str = head["id"]
        self.installation: str = head["installation"]
        self.target = _opened(target, head, key)

    @classmethod
    def opened(cls, target: Target, key: bytes | None = None) -> "Repository":
        """Return the repository of a target, decrypted with `key`.

        Raise `NoRepository`, `NewerRepository`, `KeyNeeded`, `WrongKey`, `NotEncrypted`.
        """
        return cls(target, _head(target), key)

    @classmethod
    def begun(
        cls,
        target: Target,
        installation: str,
        key: bytes | None = None,
        *,
        takes_over: bool = False,
    ) -> "Repository":
        """Return the repository of an installation, created if the target is empty.

        A new one with a `key` is encrypted. With `takes_over` it belongs to this installation from
        now on. Raise `NotARepository`, `OtherInstallation`, and what `opened` raises.
        """
        target.prepare()
        try:
            head = _head(target)
        except NoRepository:
            if next(iter(target.list("")), None) is not None:
                raise NotARepository(target=target.address) from None
            head = {
                "format": FORMAT,
                "id": new_id(),
                "installation": installation,
                "created_at": iso(utc_now()),
            }
            if key:
                head["encryption"] = described(key, head["id"])
            _put_json(target, HEAD, head)
        if head["installation"] != installation:
            if not takes_over:
                raise OtherInstallation(target=target.address)
            head = {**head, "installation": installation}
            _put_json(target, HEAD, head)
        return cls(target, head, key)

    # Objects

    def object_name(self, sha256: str) -> str:
        """Return the name of the object of these bytes."""
        return f"{OBJECTS}{sha256[:2]}/{sha256}"

    def objects(self) -> Iterator[tuple[str, int]]:
        """Yield sha256 and size of each existing object."""
        for each in self.target.list(OBJECTS):
            sha256 = each.name.rpartition("/")[2]
            if SHA256.fullmatch(sha256):
                yield sha256, each.size

    def open_object(self, sha256: str) -> BinaryIO:
        """Return the bytes of an object; raise `Missing`.

        Reading an encrypted one raises `BackupDamaged` if it was changed.
        """
        return self.target.open(self.object_name(sha256))

    def remove_object(self, sha256: str) -> None:
        """Delete an object; only while no snapshot is being written."""
        self.target.delete(self.object_name(sha256))

    # Snapshots

    def next_id(self) -> str:
        """Return the id of the next snapshot: snapshots are ordered by number, not by clock."""
        number = max((number_of(each) for each in self._ids()), default=0) + 1
        return f"{number:06}-{utc_now():%Y%m%dT%H%M%SZ}"

    def snapshots(self) -> list[SnapshotState]:
        """Return every snapshot, oldest first."""
        return [self._state(each) for each in sorted(self._ids(), key=number_of)]

    def newest(self, limit: int) -> list[SnapshotState]:
        """Return the newest snapshots, newest first; no other manifest is read."""
        ids = sorted(self._ids(), key=number_of, reverse=True)
        return [self._state(each) for each in ids[:limit]]

    def manifest(self, snapshot_id: str | None = None) -> Manifest:
        """Return the manifest of a snapshot, of the newest complete one for None.

        Raise `SnapshotNotFound`, `BackupDamaged`.
        """
        if snapshot_id is not None:
            return self._manifest(snapshot_id)
        for each in reversed(self.snapshots()):
            if each.is_complete:
                return each.manifest or self._manifest(each.id)
        raise SnapshotNotFound(snapshot="yet")

    @contextlib.contextmanager
    def writing(self, snapshot_id: str, name: str, parts: list[Part]) -> Iterator[PartWriter]:
        """Write a part of a snapshot, which is added to `parts` once it is stored."""
        with draft_in(self.target) as draft:
            writer = PartWriter(draft)
            yield writer
            parts.append(writer.end(name))
            draft.keep(self._part_name(snapshot_id, name))

    @contextlib.contextmanager
    def reading(self, snapshot_id: str, part: Part) -> Iterator[IO[bytes]]:
        """Return the content of a part, decompressed; raise `BackupDamaged`."""
        try:
            with self.open_part(snapshot_id, part) as stored, gzip.open(stored) as plain:
                yield cast(IO[bytes], plain)
        except (Missing, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BackupDamaged(what=f"{snapshot_id}/{part.name}") from error

    def open_part(self, snapshot_id: str, part: Part) -> BinaryIO:
        """Return the bytes of a part as they are stored; raise `Missing`."""
        return self.target.open(self._part_name(snapshot_id, part.name))

    def listed_objects(self, manifest: Manifest) -> Iterator[tuple[str, int]]:
        """Yield sha256 and size of each object a snapshot needs; raise `BackupDamaged`."""
        listed = manifest.objects.listed
        with self.reading(manifest.id, listed) as lines:
            for line in lines:
                sha256, _, size = line.decode("ascii", "replace").strip().partition(" ")
                if not SHA256.fullmatch(sha256) or not size.isdecimal():
                    raise BackupDamaged(what=f"{manifest.id}/{listed.name}")
                yield sha256, int(size)

    def complete(self, manifest: Manifest) -> None:
        """Write the manifest: from now on the snapshot is complete. Raise `ManifestTooLarge`."""
        self.target.settle()
        body = _MANIFEST.dump_python(manifest, mode="json")
        _put_json(self.target, self._part_name(manifest.id, MANIFEST), body)

    def remove(self, snapshot_id: str) -> None:
        """Delete a snapshot, its manifest first; its objects stay."""
        self.target.delete(self._part_name(snapshot_id, MANIFEST))
        for each in list(self.target.list(f"{SNAPSHOTS}{snapshot_id}/")):
            self.target.delete(each.name)

    def remove_unfinished(self) -> list[str]:
        """Delete the incomplete snapshots; only while no other process writes one."""
        unfinished = [each.id for each in self.snapshots() if not each.is_complete]
        for each in unfinished:
            self.remove(each)
        return unfinished

    def _ids(self) -> set[str]:
        names = (each.name.split("/") for each in self.target.list(SNAPSHOTS))
        return {name[1] for name in names if len(name) > 2 and SNAPSHOT_ID.fullmatch(name[1])}  # noqa: PLR2004

    def _state(self, snapshot_id: str) -> SnapshotState:
        try:
            return SnapshotState(
                id=snapshot_id, manifest=self._manifest(snapshot_id), is_complete=True
            )
        except SnapshotNotFound:
            return SnapshotState(id=snapshot_id, manifest=None, is_complete=False)
        except BackupDamaged:
            return SnapshotState(id=snapshot_id, manifest=None, is_complete=True)

    def _manifest(self, snapshot_id: str) -> Manifest:
        if not SNAPSHOT_ID.fullmatch(snapshot_id):
            raise SnapshotNotFound(snapshot=snapshot_id)
        what = f"{snapshot_id}/{MANIFEST}"
        try:
            body = _get_json(self.target, self._part_name(snapshot_id, MANIFEST), what)
        except Missing:
            raise SnapshotNotFound(snapshot=snapshot_id) from None
        _refuse_newer(body)
        try:
            manifest = _MANIFEST.validate_python(body)
        except ValidationError as error:
            raise BackupDamaged(what=what) from error
        if manifest.id != snapshot_id or manifest.repository != self.id:
            raise BackupDamaged(what=what)
        return manifest

    def _part_name(self, snapshot_id: str, name: str) -> str:
        return f"{SNAPSHOTS}{snapshot_id}/{name}"


def number_of(snapshot_id: str) -> int:
    """Return the number of a snapshot in its repository."""
    return int(snapshot_id.partition("-")[0])


def _opened(target: Target, head: dict[str, Any], key: bytes | None) -> Target:
    """Return the target for the objects of a repository."""
    told = head.get("encryption")
    if told is None and key is None:
        return target
    if told is None:
        raise NotEncrypted(target=target.address)
    if key is None:
        raise KeyNeeded(target=target.address)
    if told != described(key, head["id"]):
        raise WrongKey
    return EncryptedTarget(target, key, head["id"])


def _head(target: Target) -> dict[str, Any]:
    try:
        head = _get_json(target, HEAD, HEAD)
    except Missing:
        raise NoRepository(target=target.address) from None
    _refuse_newer(head)
    if not all(isinstance(head.get(name), str) for name in ("id", "installation")):
        raise BackupDamaged(what=HEAD)
    return head


def _refuse_newer(body: dict[str, Any]) -> None:
    if isinstance(body.get("format"), int) and body["format"] > FORMAT:
        raise NewerRepository


def _put_json(target: Target, name: str, body: dict[str, Any]) -> None:
    """Write a JSON document with the sha256 of its text, so that damage is detected.

    Raise `ManifestTooLarge` if `_get_json` would not read all of it.
    """
    text = _canonical(body)
    sealed = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "body": body}
    stored = json.dumps(sealed, indent=1, sort_keys=True, ensure_ascii=False).encode()
    if len(stored) > MOST_JSON_BYTES:
        raise ManifestTooLarge(most_mib=MOST_JSON_BYTES // 2**20)
    with draft_in(target) as draft:
        draft.write(stored)
        draft.keep(name)
    target.settle()


def _get_json(target: Target, name: str, what: str) -> dict[str, Any]:
    """Return such a document; raise `Missing`, `BackupDamaged`."""
    with target.open(name) as stored:
        text = stored.read(MOST_JSON_BYTES)
    try:
        sealed = json.loads(text)
        body = sealed["body"]
        is_right = hashlib.sha256(_canonical(body).encode()).hexdigest() == sealed["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise BackupDamaged(what=what) from error
    if not is_right or not isinstance(body, dict):
        raise BackupDamaged(what=what)
    return body


def _canonical(body: object) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
