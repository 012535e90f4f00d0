"""Reading and writing single files of a site, for commands and for Python programs."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from avenue.accounts.adopted_people import AdoptedAccounts
from avenue.app.services import Services, opened_services
from avenue.builder.website.moving import MovedPages
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Site, command_actor
from avenue.media.intake.policy import library_pictures, old_uploads, product_pictures
from avenue.media.models import Visibility
from avenue.media.pictures.limits import MB
from avenue.media.store.library import LibraryStore
from avenue.migration.addresses import OldAddresses
from avenue.migration.adopt.context import AdoptionContext, Policies
from avenue.migration.adopt.errors import SourceIsHere
from avenue.migration.adopt.inventory import Inventory
from avenue.migration.adopt.maps import read_map
from avenue.migration.adopt.models import Mapped
from avenue.migration.adopt.pictures import Pictures
from avenue.migration.adopt.service import Adoption
from avenue.migration.adopt.store import AdoptedStore
from avenue.migration.destinations import destination_of
from avenue.migration.files import Files
from avenue.migration.folder_import import FolderImport
from avenue.migration.models import FolderOrder
from avenue.migration.plan import Plan
from avenue.migration.store import PageStore
from avenue.migration.storing import ImportTargets
from avenue.migration.tree import opened_tree
from avenue.shop.store.external_pictures import ExternalPictures
from avenue.shop.store.moving import MovedStore
from avenue.storage.connection import Database
from avenue.storage.earlier import EarlierDatabase
from avenue.storage.schema import Gate

LARGEST_DOCUMENT_MB = 16
"""MongoDB's limit for a document."""


@contextmanager
def site_services(
    settings: Settings, database: Database, site_id: str
) -> Iterator[tuple[Services, Site]]:
    """Yield services to a command about a site, and end its decode processes afterwards.

    Raise `UnknownSite`, or an error if the database must not be used.
    """
    Gate(database).pass_or_raise()
    with opened_services(settings, database) as services:
        yield services, services.sites.named(site_id)


def hosts_of(site: Site) -> tuple[str, ...]:
    """Return the hosts of a site, and that of its base URL."""
    return (*site.hosts, urlsplit(site.base_url).netloc)


@contextmanager
def files_of(settings: Settings, database: Database, site_id: str) -> Iterator[Files]:
    """Yield the files of a site to a command; raises as `site_services`."""
    with site_services(settings, database, site_id) as (services, site):
        yield Files(
            command_actor(site),
            import_targets(services),
            assets=services.assets,
            policy=library_pictures(settings).on(site),
            media=services.media,
            tmp_dir=settings.tmp_dir,
        )


@contextmanager
def folder_import_of(
    settings: Settings, database: Database, site_id: str, order: FolderOrder, plan: Plan
) -> Iterator[FolderImport]:
    """Yield the import of an old folder or ZIP into a site to a command; it fills `plan`.

    Raise `NotATree`, `UnsafeArchive`; otherwise raises as `files_of`.
    """
    with site_services(settings, database, site_id) as (services, site):
        addresses = OldAddresses(prefix=order.prefix, hosts=(*order.hosts, *hosts_of(site)))
        with opened_tree(order.place, top=addresses.folder_name) as tree:
            yield FolderImport(
                command_actor(site),
                tree,
                destination_of(order, site, settings),
                addresses,
                import_targets(services),
                plan=plan,
                tmp_dir=settings.tmp_dir,
            )


def import_targets(services: Services) -> ImportTargets:
    """Return what imports write to."""
    return ImportTargets(
        library=services.library,
        library_store=LibraryStore(services.database),
        legacy_urls=services.legacy_urls,
        pages=PageStore(services.database),
        owners=ExternalPictures(services.database),
        catalogue=MovedStore(services.database),
        website=MovedPages(services.pages),
        adopted=AdoptedStore(services.database),
        audit=services.audit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionOrder:
    """The sources of an adoption: `uri` of the database, `files`, the upload folder.

    `map` is the text of a map file, `hosts` are the application's host names, except local ones.
    """

    uri: str = field(repr=False)
    map: str = ""
    files: Path | None = None
    hosts: tuple[str, ...] = ()


@contextmanager
def adoption_of(
    settings: Settings,
    database: Database,
    site_id: str,
    order: AdoptionOrder,
) -> Iterator[Adoption]:
    """Yield the adoption of an earlier application's database to a command.

    Raise `BadSource`, `SourceAway`, `SourceIsHere`, `BadMap`, `NotATree`; otherwise raises as
    `files_of`.
    """
    mapped = read_map(order.map) if order.map else Mapped()
    # A document of the earlier database was not sent by a visitor, so any size is accepted.
    largest = max(settings.max_product_image_mb, LARGEST_DOCUMENT_MB) * MB
    with ExitStack() as stack:
        services, site = stack.enter_context(site_services(settings, database, site_id))
        addresses = OldAddresses(prefix="/", hosts=(*order.hosts, *hosts_of(site)))
        source = stack.enter_context(closing(EarlierDatabase(order.uri)))
        if source.is_same_as(settings.mongodb_uri):
            raise SourceIsHere
        files = (
            stack.enter_context(opened_tree(order.files, top="uploads")) if order.files else None
        )
        inventory = stack.enter_context(closing(Inventory()))
        policies = Policies(
            products=replace(product_pictures(settings), max_bytes=largest, eager=(), later=()),
            library=replace(library_pictures(settings), eager=(), later=()),
            files=old_uploads(settings, Visibility.PRIVATE),
        )
        job_access = AdoptionContext(
            command_actor(site),
            import_targets(services),
            AdoptedAccounts(services.account_store, services.passwords),
            policies,
            mapped,
            inventory,
            Pictures(source, inventory, mapped, addresses, files, max_bytes=largest),
            settings.tmp_dir,
        )
        yield Adoption(source, job_access)


@contextmanager
def open_files(site_id: str = DEFAULT_SITE) -> Iterator[Files]:
    """Yield the files of a site to a Python program with Avenue's settings in its environment.

    Raise `ConfigError` if they are invalid; otherwise raises as `files_of`.
    """
    settings = Settings.from_env()
    database = Database(settings)
    try:
        with files_of(settings, database, site_id) as files:
            yield files
    finally:
        database.close()
