"""Stores received files: completely, or without leaving anything behind."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Protocol, Self

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import (
    AvenueError,
    Gone,
    NotFound,
    Translate,
    Unavailable,
    filled,
    sentence,
    words_of,
)
from avenue.identity import Actor, new_id
from avenue.media.intake.filetypes import PICTURES, file_name
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.scanning import IntakeScanner
from avenue.media.intake.sniffing import HEAD_BYTES, JPEG, MediaType, detect
from avenue.media.intake.spool import fill, new_spool
from avenue.media.models import Asset, Claim, Scan, State, Version
from avenue.media.naming import safe_name
from avenue.media.pictures.decoding import DecodePool
from avenue.media.pictures.facts import Examined, Wanted
from avenue.media.pictures.limits import ImageLimits
from avenue.media.pictures.variants import DEFAULT_EXTENSION
from avenue.media.renditions.models import KeptRendition, RenditionKey
from avenue.media.renditions.service import to_keep
from avenue.media.renditions.store import RenditionStore
from avenue.media.store.assets import AssetStore
from avenue.storage.chunks import Sums
from avenue.storage.holders import Amount, Holder
from avenue.storage.idempotency import FinishedWrite, OpenWrite
from avenue.storage.room import Reservation, StorageRoom
from avenue.web import metrics
from avenue.web.errors import FileTooLarge

MB = 1024 * 1024
LEAST_LEASE_SECONDS = 5
SHRUNK_TO = ("w1920", "w1280", "w640")
LISTED = "thumb"
"""Sizes that are tried, one after another, for a picture with too many bytes."""
TRIES = 3
"""How often bytes are stored again that elections have lost."""


class Incoming(Protocol):
    """A received file: spooled and measured, otherwise untrusted."""

    @property
    def name(self) -> str:
        """Return the client's name for it."""

    @property
    def file(self) -> BinaryIO:
        """Return its bytes, in a real file."""

    @property
    def length(self) -> int:
        """Return the number of bytes."""

    @property
    def sha256(self) -> str:
        """Return their hash, as hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused file; `error` is None if it is remembered from an earlier request.

    `message` has `{places}` for `words`.
    """

    name: str
    code: str
    message: str
    words: Mapping[str, object] = field(default_factory=dict)
    error: AvenueError | None = None

    @classmethod
    def of(cls, name: str, error: AvenueError) -> Self:
        """Return the refusal of the file `name` by `error`."""
        metrics.count_refused_file(error.code)
        return cls(
            name=safe_name(name),
            code=error.code,
            message=error.templates[0],
            words=error.words,
            error=error,
        )

    def said(self, translate: Translate) -> str:
        """Return the reason, in the language of `translate`."""
        return filled(self.message, self.words, translate)

    def remembered(self) -> dict[str, Any]:
        """Return what is stored of it, for a repeated request."""
        return {
            "name": self.name,
            "code": self.code,
            "message": self.message,
            "words": words_of(self.message, self.words),
        }


Outcome = Asset | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A file that was uploaded in parts, as chunks of `stored_file`, which `file` reads.

    `id` is for its asset.
    """

    id: str
    name: str
    file: BinaryIO
    length: int
    sha256: str
    sums: Sums
    stored_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRequest:
    """The destination of an upload, its limit, and the existing files there.

    `key` is the client's Idempotency-Key or None; `target` identifies the owner of the files;
    `known` are its existing assets, by the hash of the bytes that were sent; beyond `room` more
    files, `no_room` is the error. With `replaces`, the only file becomes a version of that asset,
    whose name it keeps if it has none.
    """

    policy: UploadPolicy
    target: str
    key: str | None
    known: Mapping[str, Asset] = field(default_factory=dict)
    room: int
    no_room: AvenueError
    replaces: Asset | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A received file that may be stored: `file` has the stored bytes, without metadata.

    `examined` is None if it is not a picture, `scan` if there is no scanner.
    """

    incoming: Incoming
    name: str
    media_type: MediaType
    examined: Examined | None
    file: BinaryIO
    length: int
    sha256: str
    scan: Scan | None


@dataclass(slots=True, kw_only=True)
class UploadResult:
    """An upload between its checks and its claim.

    `received` has an entry for each file, in order. `new` are the stored ones, to be claimed now;
    `fates` is their outcome, by id: claimed, duplicate, or refused. `replayed`: this is the answer
    to an earlier request with the same key. `mended` are existing assets that were damaged and have
    been repaired.
    """

    received: list[Outcome]
    mended: list[str] = field(default_factory=list)
    new: tuple[Asset, ...] = ()
    write: OpenWrite | None = None
    replayed: bool = False
    fates: Mapping[str, Outcome] = field(default_factory=dict)

    @property
    def outcomes(self) -> list[Outcome]:
        """Return the outcome of each file, in order."""
        return [
            self.fates.get(each.id, each) if isinstance(each, Asset) else each
            for each in self.received
        ]

    @property
    def kept(self) -> frozenset[str]:
        """Return the ids of the assets of this upload that must be kept."""
        return frozenset(each.id for each in self.fates.values() if isinstance(each, Asset))

    @property
    def assets(self) -> list[Asset]:
        """Return the pictures of this upload."""
        return [each for each in self.outcomes if isinstance(each, Asset)]

    @property
    def refusals(self) -> list[Refusal]:
        """Return the refused files."""
        return [each for each in self.outcomes if isinstance(each, Refusal)]

    @property
    def created(self) -> bool:
        """Return whether anything new was stored."""
        return bool(self.kept & {each.id for each in self.new})

    def answer(self) -> dict[str, Any]:
        """Return what the open write remembers: ids and refusals, no URLs."""
        return {
            "outcomes": [
                {"asset": each.id} if isinstance(each, Asset) else each.remembered()
                for each in self.outcomes
            ]
        }

    def raise_if_empty(self) -> None:
        """Raise the first refusal if no file was accepted."""
        if self.replayed and not self.assets:
            raise Gone(
                sentence("What this request had stored has since been removed."),
                hint=sentence("Send it with a new Idempotency-Key to store it again."),
            )
        if not self.assets and self.refusals:
            raise self.refusals[0].error or NotFound


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
        self._scanner = scanner
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
            checked = self._check_all(order, incoming, spools, mended)
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
        """Open the write of the checked files, and yield their upload_result."""
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
            checked = self._check(order, self._openable(arrived, spools), 1, spools, [])
            if isinstance(checked, Refusal):
                raise checked.error or NotFound
            if isinstance(checked, Asset):
                raise TypeError("an order for a file that came in parts knows of no others")
            was_cleaned = checked.sha256 != arrived.sha256
            # A separate id for each attempt: none overwrites what another one has shown.
            file_id = new_id() if was_cleaned else arrived.stored_file
            asset = self._asset(actor, order, checked, arrived.id, file_id)
            self._renditions.insert_all(asset.site, _renditions_of(asset, checked))
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

    def _openable(self, arrived: Arrived, spools: ExitStack) -> Incoming:
        """Return `arrived`; as a real file if it is a picture, which a decoder has to open."""
        arrived.file.seek(0)
        found = detect(arrived.file.read(HEAD_BYTES))
        if found is None or found.name not in PICTURES:
            return arrived
        spool = spools.enter_context(new_spool(self._settings.tmp_dir))
        arrived.file.seek(0)
        fill(spool, iter(lambda: arrived.file.read(MB), b""))
        return replace(arrived, file=spool)

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
        """Set `alt`, `decorative` or `focal` of a live asset `claim` owns; None if there is none.

        With a `revision` also if it has another one.
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
        """Store the checked files, yield the upload_result, and delete what was not kept."""
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
        finally:
            surplus = [pair for pair in pairs if pair[0] not in upload_result.kept]
            with suppress(AvenueError):  # the sweeper repairs a failure here
                if upload_result.kept or self._store.writes.abandon(actor.site.id, write):
                    self._discard(actor.site.id, order.policy.bucket, surplus)
                    reservation.is_sure = True
            reservation.kept = _amount_kept(order, upload_result)
            if order.policy.later:
                for each in upload_result.new:
                    if each.id in upload_result.kept:
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

    def _check_all(
        self,
        order: UploadRequest,
        incoming: Sequence[Incoming | Refusal],
        spools: ExitStack,
        mended: list[str],
    ) -> list[Checked | Outcome]:
        """Check each file; created files are in `spools`, repaired assets in `mended`."""
        results: list[Checked | Outcome] = []
        taken: set[str] = set()  # a file that was sent twice needs space once
        for each in incoming:
            if isinstance(each, Refusal):
                results.append(each)
                continue
            room = order.room - len(taken - {each.sha256})
            result = self._check(order, each, room, spools, mended)
            if isinstance(result, Checked):
                taken.add(each.sha256)
            results.append(result)
        return results

    def _check(
        self,
        order: UploadRequest,
        incoming: Incoming,
        room: int,
        spools: ExitStack,
        mended: list[str],
    ) -> Checked | Outcome:
        if incoming.sha256 in order.known:
            return self._whole(order.known[incoming.sha256], incoming, mended)
        try:
            if room <= 0:
                raise order.no_room
            order.policy.check_bytes(incoming.length)
            media_type = order.policy.check_file(incoming.file)
            return self._checked(order, incoming, media_type, spools)
        except Unavailable:
            raise  # says nothing about this file, so it must not be remembered as its answer
        except AvenueError as error:
            return Refusal.of(incoming.name, error)

    def _whole(self, asset: Asset, incoming: Incoming, mended: list[str]) -> Asset:
        """Return the existing picture, with its bytes repaired if they were damaged.

        Its id is then added to `mended`.

        Raise `Unavailable` if they are still damaged, or not yet stored by a majority: the same
        upload can be repeated.
        """
        self._store.wait_until_kept(asset)
        if self._store.is_whole(asset):
            return asset
        if incoming.sha256 == asset.current.sha256:
            self._store.mend(asset, asset.current, incoming.file)
        else:  # the stored bytes were cleaned of metadata, so these must be, too
            with new_spool(self._settings.tmp_dir) as clean_file:
                copy = self._examined(incoming, asset.current.media_type, clean_file).clean_copy
                if copy and copy.sha256 == asset.current.sha256:
                    self._store.mend(asset, asset.current, clean_file)
        if not self._store.is_whole(asset):
            raise Unavailable
        mended.append(asset.id)
        return asset

    def _checked(
        self, order: UploadRequest, incoming: Incoming, media_type: MediaType, spools: ExitStack
    ) -> Checked:
        """Scan a file; decode a picture, clean it, and generate the variants of its policy.

        Files that no one may read get none.
        """
        scan = self._scanner.scan(incoming.file, incoming.length)
        before = order.replaces.name if order.replaces else ""
        name = file_name(incoming.name or before, media_type)
        if media_type.name not in PICTURES:
            return Checked(
                incoming=incoming,
                name=name,
                media_type=media_type,
                examined=None,
                file=incoming.file,
                length=incoming.length,
                sha256=incoming.sha256,
                scan=scan,
            )
        eager = () if scan and scan.is_withheld else order.policy.eager
        wanted = [Wanted(variant=each, extension=DEFAULT_EXTENSION) for each in eager]
        clean_file = spools.enter_context(new_spool(self._settings.tmp_dir))
        examined = self._examined(incoming, media_type.name, clean_file, wanted)
        copy = examined.clean_copy
        return Checked(
            incoming=incoming,
            name=name,
            media_type=media_type,
            examined=examined,
            file=clean_file if copy else incoming.file,
            length=copy.bytes if copy else incoming.length,
            sha256=copy.sha256 if copy else incoming.sha256,
            scan=scan,
        )

    def _examined(
        self,
        incoming: Incoming,
        media_type: str,
        clean_into: BinaryIO,
        wanted: Sequence[Wanted] = (),
    ) -> Examined:
        """Return the facts of a picture.

        The copy without metadata, if it had any, is in `clean_into`.
        """
        incoming.file.seek(0)
        return self._examiner.examine(
            incoming.file, media_type, self._limits, wanted, clean_into=clean_into
        )

    def _store_one(
        self, actor: Actor, order: UploadRequest, checked: Checked, asset_id: str, file_id: str
    ) -> Asset:
        asset = self._asset(actor, order, checked, asset_id, file_id)
        self._write(asset, checked, is_new=order.replaces is None)
        return asset

    def _asset(
        self, actor: Actor, order: UploadRequest, checked: Checked, asset_id: str, file_id: str
    ) -> Asset:
        """Return the asset for `checked`: a new one with this `asset_id`, or with a new version."""
        now, replaced, examined = utc_now(), order.replaces, checked.examined
        version = Version(
            file=file_id,
            sha256=checked.sha256,
            source_sha256=checked.incoming.sha256,
            bytes=checked.length,
            media_type=checked.media_type.name,
            width=examined.width if examined else None,
            height=examined.height if examined else None,
            at=now,
            by=actor.id,
            scan=checked.scan,
            **_look_of(examined),
        )
        if replaced:
            versions = (version, *replaced.versions)
            return replace(replaced, versions=versions, name=checked.name)
        return Asset(
            id=asset_id,
            site=actor.site.id,
            bucket=order.policy.bucket,
            owner=actor.id,
            name=checked.name,
            visibility=order.policy.visibility,
            state=State.LIVE,
            claim=None,
            versions=(version,),
            revision=1,
            created_at=now,
        )

    def _write(self, asset: Asset, checked: Checked, *, is_new: bool) -> None:
        """Store the newest version of `asset`, its first renditions, and the asset if it `is_new`.

        Only the last of these writes waits for a journaled majority, so an upload waits four times
        (it, the open write, the claim, the audit log) and not once for each chunk and rendition.
        What an election in between has lost is written again. Raise `Unavailable`.
        """
        kept = _renditions_of(asset, checked)
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


def _amount_kept(order: UploadRequest, upload_result: UploadResult) -> Amount:
    """Return the amount that was stored permanently."""
    kept = [each for each in upload_result.new if each.id in upload_result.kept]
    return Amount(
        bytes=sum(each.current.bytes for each in kept),
        files=0 if order.replaces else len(kept),
    )


def _renditions_of(asset: Asset, checked: Checked) -> list[KeptRendition]:
    """Return the renditions generated at once, as they are stored."""
    made = checked.examined.renditions if checked.examined else ()
    return [
        to_keep(RenditionKey.of(asset, each.variant, each.extension), asset.current.file, each)
        for each in made
    ]


def _look_of(examined: Examined | None) -> dict[str, Any]:
    """Return the fields of a version that describe its picture, except the size."""
    if examined is None:
        return {}
    look, copy = examined.look, examined.clean_copy
    return {
        "color": look.color,
        "placeholder": look.placeholder,
        "has_alpha": look.has_alpha,
        "focal": look.focal,
        "removed": copy.removed if copy else (),
    }
