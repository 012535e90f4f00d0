"""Moves photos shared from a phone into the library."""

from pathlib import Path

from avenue.builder.library.service import MediaService
from avenue.identity import Actor
from avenue.media.intake.spool import spooled
from avenue.media.models import Asset
from avenue.media.serving.reading import MediaReader
from avenue.shop.pages.sharing import SharedToLibrary
from avenue.shop.service.pictures import PictureService


def shared_to_library(
    media: MediaService, pictures: PictureService, reader: MediaReader, tmp_dir: Path
) -> SharedToLibrary:
    """Return the service that moves temporary pictures into the library."""

    def take(actor: Actor, asset: Asset) -> None:
        stored = reader.open(asset)
        with spooled(asset.name, stored.hashed(), tmp_dir) as file:
            media.add(actor, [file], key=f"shared {asset.id}", once=True)
        pictures.remove_temporary(actor, asset.id)

    return SharedToLibrary(take)
