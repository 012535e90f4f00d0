"""Files in and out of a site, for commands and for Python programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from avenue.app.services import audit_service, media_library
from avenue.config import Settings
from avenue.identity import command_actor
from avenue.media.decoding import DecodePool, processes_for
from avenue.media.policy import (
    library_pictures,
)
from avenue.media.store import AssetStore, LegacyUrls
from avenue.migration.addresses import OldAddresses
from avenue.migration.destinations import destination_of
from avenue.migration.files import Files
from avenue.migration.folder_import import FolderImport, Shelves
from avenue.migration.models import FolderOrder
from avenue.migration.plan import Plan
from avenue.migration.store import LibraryStore, PageStore
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
    site = Sites(database, settings).named(site_id)
    decoders = DecodePool(processes_for(workers=1))
    try:
        yield Files(
            command_actor(site),
            library=media_library(settings, database, decoders),
            store=LibraryStore(database),
            assets=AssetStore(database),
            legacy_urls=LegacyUrls(database),
            policy=library_pictures(settings).on(site),
            audit=audit_service(settings, database),
            tmp_dir=settings.tmp_dir,
        )
    finally:
        decoders.close()


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
