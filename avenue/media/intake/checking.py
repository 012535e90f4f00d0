"""Checks received files: their type, viruses, and pictures, which are decoded and cleaned."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from avenue.clock import utc_now
from avenue.errors import AvenueError, Unavailable
from avenue.identity import Actor
from avenue.media.intake.filetypes import PICTURES, file_name
from avenue.media.intake.models import Arrived, Incoming, Outcome, Refusal, UploadRequest
from avenue.media.intake.scanning import IntakeScanner
from avenue.media.intake.sniffing import HEAD_BYTES, MediaType, detect
from avenue.media.intake.spool import fill, new_spool
from avenue.media.models import Asset, Scan, State, Version
from avenue.media.pictures.decoding import DecodePool
from avenue.media.pictures.facts import Examined, Wanted
from avenue.media.pictures.limits import ImageLimits
from avenue.media.pictures.variants import DEFAULT_EXTENSION
from avenue.media.renditions.models import KeptRendition, RenditionKey
from avenue.media.renditions.service import to_keep
from avenue.media.store.assets import AssetStore

MB = 1024 * 1024


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


class FileChecks:
    """Decides whether received files may be stored, and as which bytes."""

    def __init__(
        self,
        store: AssetStore,
        examiner: DecodePool,
        limits: ImageLimits,
        scanner: IntakeScanner,
        tmp_dir: Path,
    ) -> None:
        self._store = store
        self._examiner = examiner
        self._limits = limits
        self._scanner = scanner
        self._tmp_dir = tmp_dir

    def check_all(
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
            result = self.check(order, each, room, spools, mended)
            if isinstance(result, Checked):
                taken.add(each.sha256)
            results.append(result)
        return results

    def check(
        self,
        order: UploadRequest,
        incoming: Incoming,
        room: int,
        spools: ExitStack,
        mended: list[str],
    ) -> Checked | Outcome:
        """Check a file if there is `room` for it; the rest is as for `check_all`."""
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
            with new_spool(self._tmp_dir) as clean_file:
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
        clean_file = spools.enter_context(new_spool(self._tmp_dir))
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

    def openable(self, arrived: Arrived, spools: ExitStack) -> Incoming:
        """Return `arrived`; as a real file if it is a picture, which a decoder has to open."""
        arrived.file.seek(0)
        found = detect(arrived.file.read(HEAD_BYTES))
        if found is None or found.name not in PICTURES:
            return arrived
        spool = spools.enter_context(new_spool(self._tmp_dir))
        arrived.file.seek(0)
        fill(spool, iter(lambda: arrived.file.read(MB), b""))
        return replace(arrived, file=spool)


def asset_of(
    actor: Actor, order: UploadRequest, checked: Checked, asset_id: str, file_id: str
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


def renditions_of(asset: Asset, checked: Checked) -> list[KeptRendition]:
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
