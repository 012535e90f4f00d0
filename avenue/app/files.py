"""Files in and out of a site, for commands and for Python programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from avenue.app.services import (
    audit_service,
    logo_service,
    media_library,
    media_service,
    media_users,
    page_service,
)
from avenue.config import Settings
from avenue.identity import Actor, command_actor
from avenue.media.cache import AssetCache, ByteCache
from avenue.media.decoding import DecodePool, processes_for
from avenue.media.library import MediaLibrary
from avenue.media.policy import (
    library_pictures,
)
from avenue.media.reading import MediaReader
from avenue.media.shelving.store import LibraryStore
from avenue.media.store import AssetStore, LegacyUrls
from avenue.migration.addresses import OldAddresses
from avenue.migration.destinations import destination_of
from avenue.migration.files import Files, Stores
from avenue.migration.folder_import import FolderImport, Shelves
from avenue.migration.models import FolderOrder, Removal, UsedAt
from avenue.migration.plan import Plan
from avenue.migration.store import PageStore
from avenue.migration.tree import opened_tree
from avenue.shop.store.pictures import PictureStore
from avenue.storage.connection import Database
from avenue.storage.schema import (
    DEFAULT_SITE,
    Gate,
)
from avenue.storage.sites import Sites


@contextmanager
def files_of(settings: Settings, database: Database, site_id: str) -> Iterator[Files]:
    """Give the files of a site to a command, and end the decode processes it needed.

    Raise `UnknownSite`, or why the database may not be used.
    """
    Gate(database).pass_or_raise()
    sites = Sites(database, settings)
    site = sites.named(site_id)
    decoders = DecodePool(processes_for(workers=1))
    library = media_library(settings, database, decoders)
    try:
        yield Files(
            command_actor(site),
            library=library,
            stores=Stores(
                library=LibraryStore(database),
                assets=AssetStore(database),
                legacy_urls=LegacyUrls(database),
            ),
            policy=library_pictures(settings).on(site),
            audit=audit_service(settings, database),
            removal=_removal(settings, database, library, sites),
            tmp_dir=settings.tmp_dir,
        )
    finally:
        decoders.close()


def _removal(
    settings: Settings, database: Database, library: MediaLibrary, sites: Sites
) -> Removal:
    """Return what takes a file out of the media library, as its editors do."""
    pages = page_service(settings, database, library)
    users = media_users(settings, database, pages, logo_service(settings, database, library, sites))
    reader = MediaReader(AssetStore(database), AssetCache(settings.cache_seconds), ByteCache(0))
    media = media_service(settings, database, library, reader, users)

    def remove(actor: Actor, asset_id: str, *, force: bool) -> list[UsedAt]:
        kept = media.remove(actor, [asset_id], force=force).kept.get(asset_id, ())
        return [
            UsedAt(
                kind=each.kind,
                id=each.id,
                title=each.title,
                where=each.where,
                url=actor.site.base_url + each.path,
            )
            for each in kept
        ]

    return remove


@contextmanager
def folder_import_of(
    settings: Settings, database: Database, site_id: str, order: FolderOrder, plan: Plan
) -> Iterator[FolderImport]:
    """Give a command the import of an old folder or ZIP into a site; `plan` is filled by it.

    Raise `NotATree`, `UnsafeArchive`, else as `files_of`.
    """
    Gate(database).pass_or_raise()
    site = Sites(database, settings).named(site_id)
    own_hosts = (*site.hosts, urlsplit(site.base_url).netloc)
    addresses = OldAddresses(prefix=order.prefix, hosts=(*order.hosts, *own_hosts))
    decoders = DecodePool(processes_for(workers=1))
    shelves = Shelves(
        library=media_library(settings, database, decoders),
        legacy_urls=LegacyUrls(database),
        store=LibraryStore(database),
        pages=PageStore(database),
        owners=PictureStore(database),
        audit=audit_service(settings, database),
    )
    try:
        with opened_tree(order.place, top=addresses.folder_name) as tree:
            yield FolderImport(
                command_actor(site),
                tree,
                destination_of(order, site, settings),
                addresses,
                shelves,
                plan=plan,
                tmp_dir=settings.tmp_dir,
            )
    finally:
        decoders.close()


@contextmanager
def open_files(site_id: str = DEFAULT_SITE) -> Iterator[Files]:
    """Give the files of a site to a Python program whose environment has Avenue's settings.

    Raise `ConfigError` when it has not; else as `files_of`.
    """
    settings = Settings.from_env()
    database = Database(settings)
    try:
        with files_of(settings, database, site_id) as files:
            yield files
    finally:
        database.close()
