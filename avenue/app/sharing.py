"""Moves photos shared from a phone into the library."""

from pathlib import Path

from avenue.builder.library.service import MediaService
from avenue.identity import Actor
from avenue.media.intake.spool import fill, new_spool
from avenue.media.models import Asset
from avenue.media.serving.reading import MediaReader
from avenue.shop.pages.sharing import SharedToLibrary
from avenue.shop.service.pictures import PictureFile, PictureService


def shared_to_library(
    media: MediaService, pictures: PictureService, reader: MediaReader, tmp_dir: Path
) -> SharedToLibrary:
    """Return the service that moves temporary pictures into the library."""

    def take(actor: Actor, asset: Asset) -> None:
        stored = reader.open(asset)
        with new_spool(tmp_dir) as spool:
            fill(spool, stored.hashed())
            file = PictureFile(
                name=asset.name, file=spool, length=stored.length, sha256=stored.sha256
            )
            media.add(actor, [file], key=f"shared {asset.id}", once=True)
        pictures.remove_temporary(actor, asset.id)

    return SharedToLibrary(take)
