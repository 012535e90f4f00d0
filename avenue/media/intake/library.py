"""Stores received files: completely, or without leaving anything behind."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any, BinaryIO

from avenue.config import Settings
from avenue.errors import AvenueError, NotFound, Unavailable
from avenue.identity import Actor, new_id
from avenue.media.intake.checking import MB, Checked, FileChecks, asset_of, renditions_of
from avenue.media.intake.models import (
    Arrived,
    Incoming,
    Outcome,
    Refusal,
    UploadRequest,
    UploadResult,
)
from avenue.media.intake.scanning import IntakeScanner
from avenue.media.intake.sniffing import JPEG, MediaType
from avenue.media.models import Asset, Claim
from avenue.media.pictures.decoding import DecodePool
from avenue.media.pictures.facts import Wanted
from avenue.media.pictures.limits import ImageLimits
from avenue.media.renditions.store import RenditionStore
from avenue.media.store.assets import AssetStore
from avenue.storage.holders import Amount, Holder
from avenue.storage.idempotency import FinishedWrite, OpenWrite
from avenue.storage.room import Reservation, StorageRoom
from avenue.web.errors import FileTooLarge

LEAST_LEASE_SECONDS = 5
SHRUNK_TO = ("w1920", "w1280", "w640")
"""Sizes that are tried, one after another, for a picture with too many bytes."""
LISTED = "thumb"
TRIES = 3
"""How often bytes are stored again that elections have lost."""


class MediaLibrary:
    """Stores and finds assets. A refused or failed file leaves no document and no chunk."""

    def __init__(
        self,
        store: AssetStore,
        renditions: RenditionStore,
        examiner: DecodePool,
        limits: ImageLimits,
        room: StorageRoom,
        scanner: IntakeScanner,
        settings: Settings,
        make_later: Callable[[Asset, Sequence[str]], None] = lambda *_: None,
    ) -> None:
        """`make_later` is called with the renditions to generate after the reply."""
        self._make_later = make_later
        self._store = store
        self._renditions = renditions
        self._examiner = examiner
        self._limits = limits
        self._room = room
        self._checks = FileChecks(store, examiner, limits, scanner, settings.tmp_dir)
        self._settings = settings

    @contextmanager
    def receiving(
        self, actor: Actor, order: UploadRequest, incoming: Sequence[Incoming | Refusal]
    ) -> Iterator[UploadResult]:
        """Check and store `incoming`, unclaimed, and yield the result.

        In the block, the caller claims `upload_result.new` in a transaction and sets their `fates`.
        What was not kept when the block ends, for whatever reason, is deleted.
        """
        key = f"{actor.id}\n{order.target}\n{order.key or new_id()}"
        fingerprint = _fingerprint(incoming)
        if order.key:
            done = self._store.writes.finished(actor.site.id, key=key, fingerprint=fingerprint)
            if done:
                yield self._replay(actor, done)
                return
        with ExitStack() as spools:
            reservation = spools.enter_context(self._room_for(actor, order, incoming))
            mended: list[str] = []
            checked = self._checks.check_all(order, incoming, spools, mended)
            yield from self._taken(actor, order, checked, mended, key, fingerprint, reservation)

    def _taken(
        self,
        actor: Actor,
        order: UploadRequest,
        checked: Sequence[Checked | Outcome],
        mended: list[str],
        key: str,
        fingerprint: str,
        reservation: Reservation,
    ) -> Iterator[UploadResult]:
        """Open the write of the checked files, store them, and yield the result."""
        fresh = [each for each in checked if isinstance(each, Checked)]
        if not fresh:
            received = [each for each in checked if not isinstance(each, Checked)]
            yield UploadResult(received=received, mended=mended)
            return
        write = self._store.writes.begin(
            actor.site.id,
            key=key,
            fingerprint=fingerprint,
            count=len(checked),
            lease_seconds=self._lease_seconds(fresh),
        )
        if isinstance(write, FinishedWrite):
            yield self._replay(actor, write)
            return
        yield from self._stored(actor, order, checked, mended, write, reservation)

    @contextmanager
    def adopting(self, actor: Actor, order: UploadRequest, arrived: Arrived) -> Iterator[Asset]:
        """Check a file that was uploaded in parts, and yield the asset for the caller to insert.

        The caller inserts it claimed, in the transaction that ends the upload; until then the
        upload owns all bytes, and this can be repeated. Raise the reason if it is refused.
        """
        with ExitStack() as spools:
            checked = self._checks.check(
                order, self._checks.openable(arrived, spools), 1, spools, []
            )
            if isinstance(checked, Refusal):
                raise checked.error or NotFound
            if isinstance(checked, Asset):
                raise TypeError("an order for a file that came in parts knows of no others")
            was_cleaned = checked.sha256 != arrived.sha256
            # A separate id for each attempt: none overwrites what another one has shown.
            file_id = new_id() if was_cleaned else arrived.stored_file
            asset = asset_of(actor, order, checked, arrived.id, file_id)
            self._renditions.insert_all(asset.site, renditions_of(asset, checked))
            if was_cleaned:
                self._store.write_file(asset, asset.current, checked.file)
            else:
                self._store.seal_file(asset, asset.current, arrived.sums)
            if not self._store.is_safe(asset, asset.current):
                raise Unavailable
            yield asset
            if was_cleaned:
                with suppress(AvenueError):  # the sweeper repairs a failure here
                    self._store.delete_file(asset.site, asset.bucket, arrived.stored_file)

    def reserved(
        self, actor: Actor, wanted: Amount, *, owner: str | None = None
    ) -> AbstractContextManager[Reservation]:
        """Reserve space for files of `owner`, by default the actor; see `StorageRoom.reserved`.

        Administrators are not limited by the quota for persons.
        """
        person = None if actor.is_admin else owner or actor.id
        return self._room.reserved(actor.site, person, wanted)

    def shrunk(self, file: BinaryIO, media_type: MediaType, *, max_bytes: int) -> bytes:
        """Return the still picture in `file` without metadata, reduced until it fits `max_bytes`.

        At most as wide as the widest size it is shown in; a JPEG as JPEG, others as WebP, which
        keeps transparency. Raise `FileTooLarge` if none fits or it is an animation, or why it
        cannot be opened.
        """
        extension = "jpg" if media_type is JPEG else "webp"
        for variant in SHRUNK_TO:
            wanted = Wanted(variant=variant, extension=extension)
            examined = self._examiner.examine(file, media_type.name, self._limits, [wanted])
            if examined.facts.frames > 1:
                break
            data = examined.renditions[0].data
            if len(data) <= max_bytes:
                return data
        raise FileTooLarge(max_bytes)

    def thumbnail(self, file: BinaryIO, media_type: MediaType) -> bytes:
        """Return the unsaved picture in `file` as a small WebP for a list.

        Raise why it cannot be opened.
        """
        wanted = [Wanted(variant=LISTED, extension="webp")]
        return self._examiner.render(file, media_type.name, self._limits, wanted)[0].data

    def used(self, actor: Actor, *, lately: bool = False) -> Amount:
        """Return what the actor's site has stored; `lately`: the value may be a little old."""
        holder = Holder(site=actor.site.id)
        return self._room.used_lately(holder) if lately else self._room.used(holder)

    def used_by(self, actor: Actor, *, lately: bool = False) -> Amount:
        """Return what the actor has stored on the site; `lately`: the value may be a little old."""
        holder = Holder(site=actor.site.id, person=actor.id)
        return self._room.used_lately(holder) if lately else self._room.used(holder)

    def get_many(self, actor: Actor, asset_ids: Sequence[str]) -> Mapping[str, Asset]:
        """Return the existing ones of these assets of the actor's site, by id."""
        return self._store.get_many(actor.site.id, asset_ids)

    def claimed_by(self, actor: Actor, claim: Claim) -> list[Asset]:
        """Return the live assets of an owner."""
        return self._store.claimed_by(actor.site.id, claim)

    def trashed_by(self, actor: Actor, claim: Claim) -> list[Asset]:
        """Return the assets of an owner in the trash, latest first."""
        return self._store.trashed_by(actor.site.id, claim)

    def change(
        self,
        actor: Actor,
        asset_id: str,
        claim: Claim,
        changes: Mapping[str, Any],
        revision: int | None = None,
    ) -> Asset | None:
        """Set `alt`, `decorative` or `focal` of a live asset `claim` owns, and return it.

        Return None if there is none, or if it does not have the given `revision`.
        """
        return self._store.change(actor.site.id, asset_id, claim, changes, revision)

    def drop_files(self, asset: Asset, files: Sequence[str]) -> None:
        """Delete bytes that no version of `asset` refers to any more.

        The sweeper repairs a failure.
        """
        with suppress(AvenueError):
            for file_id in files:
                self._store.delete_file(asset.site, asset.bucket, file_id)
                self._renditions.delete_of_file(asset.site, asset.id, file_id)

    def purge(self, asset: Asset) -> None:
        """Delete the bytes and the record of a condemned asset; the sweeper repairs a failure."""
        with suppress(AvenueError):
            for version in asset.versions:
                self._store.delete_file(asset.site, asset.bucket, version.file)
                self._renditions.delete_of_file(asset.site, asset.id, version.file)
            self._store.forget(asset)

    def _stored(
        self,
        actor: Actor,
        order: UploadRequest,
        checked: Sequence[Checked | Outcome],
        mended: list[str],
        write: OpenWrite,
        reservation: Reservation,
    ) -> Iterator[UploadResult]:
        """Store the checked files, yield the result, and delete what the caller did not keep."""
        upload_result = UploadResult(received=[], mended=mended, write=write)
        reservation.is_sure = False
        # By position, so that a retry with more space still has ids for all of its files.
        pairs = [
            (order.replaces.id if order.replaces else asset_id, file_id)
            for asset_id, file_id in zip(write.assets, write.files, strict=True)
        ]
        try:
            for each, ids in zip(checked, pairs, strict=True):
                if isinstance(each, Checked):
                    stored = self._store_one(actor, order, each, *ids)
                    upload_result.new += (stored,)
                    upload_result.received.append(stored)
                else:
                    upload_result.received.append(each)
            yield upload_result
        except BaseException:
            # Whether the caller's transaction was committed may be unknown: `abandon` decides.
            upload_result.fates = {}
            raise
        finally:
            kept_files = upload_result.kept_files
            surplus = [pair for pair in pairs if pair[1] not in kept_files]
            with suppress(AvenueError):  # the sweeper repairs a failure here
                if kept_files or self._store.writes.abandon(actor.site.id, write):
                    self._discard(actor.site.id, order.policy.bucket, surplus)
                    reservation.is_sure = True
            kept = [each for each in upload_result.new if each.current.file in kept_files]
            reservation.kept = Amount(
                bytes=sum(each.current.bytes for each in kept),
                files=0 if order.replaces else len(kept),
            )
            if order.policy.later:
                for each in kept:
                    self._make_later(each, order.policy.later)

    def _discard(self, site_id: str, bucket: str, surplus: Sequence[tuple[str, str]]) -> None:
        """Delete assets and files that were not kept."""
        for asset_id, file_id in surplus:
            self._store.discard(site_id, bucket, asset_id=asset_id, file_id=file_id)
            self._renditions.delete_of_file(site_id, asset_id, file_id)

    def _room_for(
        self, actor: Actor, order: UploadRequest, incoming: Sequence[Incoming | Refusal]
    ) -> AbstractContextManager[Reservation]:
        """Reserve space for new files; another version of a file does not count as a new file."""
        lengths = [
            each.length
            for each in incoming
            if not isinstance(each, Refusal) and each.sha256 not in order.known
        ]
        wanted = Amount(bytes=sum(lengths), files=0 if order.replaces else len(lengths))
        return self.reserved(actor, wanted, owner=order.replaces.owner if order.replaces else None)

    def _store_one(
        self, actor: Actor, order: UploadRequest, checked: Checked, asset_id: str, file_id: str
    ) -> Asset:
        asset = asset_of(actor, order, checked, asset_id, file_id)
        self._write(asset, checked, is_new=order.replaces is None)
        return asset

    def _write(self, asset: Asset, checked: Checked, *, is_new: bool) -> None:
        """Store the newest version of `asset`, its first renditions, and the asset if it `is_new`.

        Only the last of these writes waits for a journaled majority, so an upload waits four times
        (it, the open write, the claim, the audit log) and not once for each chunk and rendition.
        What an election in between has lost is written again. Raise `Unavailable`.
        """
        kept = renditions_of(asset, checked)
        for _ in range(TRIES):
            self._renditions.insert_all(asset.site, kept)
            self._store.write_file(asset, asset.current, checked.file, waits=not is_new)
            if is_new:
                self._store.insert_unclaimed(asset, hours=self._settings.unclaimed_hours)
            if self._store.is_safe(asset, asset.current):
                return
        raise Unavailable

    def _replay(self, actor: Actor, write: FinishedWrite) -> UploadResult:
        entries = write.answer["outcomes"]
        ids = [entry["asset"] for entry in entries if "asset" in entry]
        found = self._store.get_many(actor.site.id, ids)
        outcomes: list[Outcome] = [
            found[entry["asset"]] if "asset" in entry else Refusal(**entry)
            for entry in entries
            if entry.get("asset") in found or "asset" not in entry
        ]
        return UploadResult(received=outcomes, replayed=True)

    def _lease_seconds(self, fresh: Sequence[Checked]) -> int:
        megabytes = sum(each.incoming.length for each in fresh) // MB
        return self._settings.write_seconds + megabytes + LEAST_LEASE_SECONDS


def _fingerprint(incoming: Sequence[Incoming | Refusal]) -> str:
    digest = hashlib.sha256()
    for each in incoming:
        digest.update((each.name if isinstance(each, Refusal) else each.sha256).encode())
    return digest.hexdigest()
