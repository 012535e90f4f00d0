"""Provides the services that routes and pages use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from flask import Flask

from avenue.app.alt_texts import library_feature, shop_feature
from avenue.app.backups import backup_service
from avenue.app.cards import product_cards
from avenue.app.menus import menu_targets
from avenue.app.moves import move_service
from avenue.app.services import Services
from avenue.app.shared_photos import shared_to_library
from avenue.app.start_page import other_tasks
from avenue.builder.library.folders.service import FolderService
from avenue.builder.website.previews import Previews
from avenue.builder.website.rendering import Documents
from avenue.health.alerts.store import MongoAlertStore
from avenue.health.views.public.service import PublicStatusService
from avenue.health.views.status.problems import ProblemService
from avenue.health.views.status.service import StatusService
from avenue.jobs.access import JobAccess
from avenue.media.alt_texts.service import AltTextService
from avenue.media.alt_texts.store import AltTextStore
from avenue.media.alt_texts.suggesting import Suggester
from avenue.media.intake.policy import product_pictures
from avenue.media.quarantine.service import QuarantineService
from avenue.media.serving.cold_read import ColdRead
from avenue.media.serving.disk_cache import DiskCache
from avenue.media.serving.refreshing import Refresher
from avenue.media.serving.response_cache import ResponseCache
from avenue.notifications.register import MailRegister
from avenue.shop.pages.products import KnownProblems
from avenue.shop.pages.storefront import MorePages
from avenue.shop.store.old_ids import OldIds
from avenue.storage.clusters import database_of_site
from avenue.storage.schema import Gate
from avenue.storage.status import DeploymentStatus
from avenue.uploads.filepond.service import FilePondService
from avenue.uploads.links.service import LinkService
from avenue.uploads.zips.service import ZipService
from avenue.web import headers
from avenue.web.services import provide
from avenue.web.site_frame import Logos


def provide_services(app: Flask, services: Services) -> None:
    """Provide the services of all packages except delivery."""
    settings = services.settings
    provide(app, settings, services.library, services.legacy_urls, services.audit)
    provide(app, product_pictures(settings))
    _provide_people(app, services)
    _provide_uploads(app, services)
    _provide_website(app, services)
    _provide_shop(app, services)
    _provide_operations(app, services)


def _provide_people(app: Flask, services: Services) -> None:
    provide(app, services.accounts, services.callers, services.recovery, services.people)
    provide(app, services.second_factors, services.passkeys)
    provide(app, services.oidc, services.challenges)


def provide_delivery(
    app: Flask, services: Services, gate: Gate, disk: DiskCache | None
) -> ResponseCache:
    """Provide the services that find stored files; return the response cache of this worker."""
    settings, database, sites = services.settings, services.database, services.sites
    others: list[Callable[[], object]] = [sites.all]
    if disk is not None:
        sweep = partial(disk.sweep, settings.cache_seconds / 2, services.assets.public_among)
        others += [services.cache.touch_files, sweep]
    refresher = Refresher(services.assets, services.asset_cache, settings.cache_seconds, *others)
    provide(app, services.renditions, services.reader, refresher)

    @contextmanager
    def bounded() -> Iterator[None]:
        with database.request(settings.read_seconds):
            gate.pass_or_raise()
            yield

    transport = headers.transport_headers(settings)
    look = ColdRead(services.reader, services.renditions, transport).find
    return ResponseCache(services.cache, services.asset_cache, sites.at_hand, bounded, look)


def _provide_shop(app: Flask, services: Services) -> None:
    database, pictures = services.database, services.pictures
    problems = ProblemService(
        services.shop_status, services.inspections, services.inspector, services.jobs
    )
    status = StatusService(
        services.shop_status,
        services.inspections,
        services.stored_counts,
        services.inspector,
        lambda site_id: DeploymentStatus(database_of_site(database, site_id)),
        services.legacy_urls.find_many,
        problems,
        services.settings,
    )
    provide(
        app,
        *(services.products, services.groups, pictures, services.bulk, services.samples),
        product_cards(services.products, services.legacy_urls),
        OldIds(database),
        *(status, problems, KnownProblems(problems.of)),
        services.product_imports,
        services.picture_imports,
        shared_to_library(services.media, pictures, services.reader, services.settings.tmp_dir),
    )
    features = [shop_feature(pictures, services.shop_status), library_feature(services.media)]
    texts = AltTextService(AltTextStore(database), features)
    provide(app, texts, Suggester(texts, services.renditions, services.settings))


def _provide_uploads(app: Flask, services: Services) -> None:
    uploads, links = services.uploads, services.signed_links
    provide(app, uploads, ZipService(uploads, services.reader, services.settings))
    provide(app, services.tus, FilePondService(services.tus, uploads), services.tickets)
    provide(app, QuarantineService(services.quarantine))
    provide(app, links, LinkService(services.library, links, services.settings))


def _provide_website(app: Flask, services: Services) -> None:
    provide(
        app,
        *(services.pages, services.shown_pages, services.media, services.logos),
        FolderService(services.folders),
        Documents(),
        Previews(services.settings),
        MorePages(services.published_paths),
        menu_targets(services.pages, services.products),
        Logos(services.logo_shown_on),
        other_tasks(
            *(services.media, services.pages, services.library),
            *(services.quarantine, services.settings),
        ),
    )


def _provide_operations(app: Flask, services: Services) -> None:
    """Provide the services of the operations pages."""
    register = MailRegister(services.outbox, services.account_store.emails_of)
    provide(
        app,
        *(services.site_service, services.removals, services.clones, services.site_moves),
        *(services.provisioning, services.snapshots, services.capacity, services.state),
        *(services.alerts, services.receivers, register, services.trace),
        PublicStatusService(MongoAlertStore(services.database)),
        JobAccess(services.jobs),
        *(backup_service(services), move_service(services)),
    )
