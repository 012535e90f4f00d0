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
from avenue.identity import DEFAULT_SITE, Actor, command_actor
from avenue.media.intake.policy import library_pictures, old_uploads, product_pictures
from avenue.media.models import Visibility
from avenue.media.pictures.limits import MB
from avenue.media.store.library import LibraryStore
from avenue.migration.addresses import OldAddresses
from avenue.migration.adopt.context import AdoptionContext, AdoptionTargets, Policies
from avenue.migration.adopt.errors import SourceIsHere
from avenue.migration.adopt.inventory import Inventory
from avenue.migration.adopt.maps import read_map
from avenue.migration.adopt.models import Mapped
from avenue.migration.adopt.pictures import Pictures
from avenue.migration.adopt.service import Adoption
from avenue.migration.adopt.store import AdoptedStore
from avenue.migration.destinations import destination_of
from avenue.migration.files import Files, Stores
from avenue.migration.folder_import import FolderImport
from avenue.migration.models import FolderOrder, Removal, UsedAt
from avenue.migration.plan import Plan
from avenue.migration.store import PageStore
from avenue.migration.storing import ImportTargets
from avenue.migration.tree import opened_tree
from avenue.shop.store.external_pictures import ExternalPictures
from avenue.shop.store.moving import MovedStore
from avenue.storage.connection import Database
from avenue.storage.earlier import EarlierDatabase
from avenue.storage.schema import Gate
from avenue.storage.sites import Sites

LARGEST_DOCUMENT_MB = 16
"""MongoDB's limit for a document."""


@contextmanager
def files_of(settings: Settings, database: Database, site_id: str) -> Iterator[Files]:
    """Yield the files of a site to a command, and end its decode processes afterwards.

    Raise `UnknownSite`, or an error if the database must not be used.
    """
    Gate(database).pass_or_raise()
    with opened_services(settings, database) as services:
        site = services.sites.named(site_id)
        yield Files(
            command_actor(site),
            library=services.library,
            stores=Stores(
                library=LibraryStore(database),
                assets=services.assets,
                legacy_urls=services.legacy_urls,
            ),
            policy=library_pictures(settings).on(site),
            audit=services.audit,
            removal=_removal(services),
            tmp_dir=settings.tmp_dir,
        )


def _removal(services: Services) -> Removal:
    """Return the service that deletes a file of the media library, as its editors do."""

    def remove(actor: Actor, asset_id: str, *, force: bool) -> list[UsedAt]:
        kept = services.media.remove(actor, [asset_id], force=force).kept.get(asset_id, ())
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
    """Yield the import of an old folder or ZIP into a site to a command; it fills `plan`.

    Raise `NotATree`, `UnsafeArchive`; otherwise raises as `files_of`.
    """
    Gate(database).pass_or_raise()
    with opened_services(settings, database) as services:
        site = services.sites.named(site_id)
        own_hosts = (*site.hosts, urlsplit(site.base_url).netloc)
        addresses = OldAddresses(prefix=order.prefix, hosts=(*order.hosts, *own_hosts))
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
    """Return the destinations of imported files, and the records that refer to them."""
    return ImportTargets(
        library=services.library,
        legacy_urls=services.legacy_urls,
        store=LibraryStore(services.database),
        pages=PageStore(services.database),
        owners=ExternalPictures(services.database),
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
    Gate(database).pass_or_raise()
    site = Sites(database, settings).named(site_id)
    addresses = OldAddresses(
        prefix="/", hosts=(*order.hosts, *site.hosts, urlsplit(site.base_url).netloc)
    )
    # A document of the earlier database was not sent by a visitor, so any size is accepted.
    largest = max(settings.max_product_image_mb, LARGEST_DOCUMENT_MB) * MB
    with ExitStack() as stack:
        services = stack.enter_context(opened_services(settings, database))
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
            AdoptionTargets(
                library=services.library,
                library_store=LibraryStore(database),
                legacy_urls=services.legacy_urls,
                catalogue=MovedStore(database),
                website=MovedPages(services.pages),
                people=AdoptedAccounts(services.account_store, services.passwords),
                adopted=AdoptedStore(database),
                audit=services.audit,
            ),
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
