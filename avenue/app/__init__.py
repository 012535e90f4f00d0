"""The application factory: registers all blueprints, services and request hooks."""

import atexit
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from flask import Flask, request

from avenue.accounts import pages as account_pages
from avenue.accounts import routes as account_routes
from avenue.app import telemetry
from avenue.app.alt_texts import library_room, shop_room
from avenue.app.background import Background, watch_forever
from avenue.app.backups import backup_service
from avenue.app.cards import product_cards
from avenue.app.home import other_tasks
from avenue.app.menus import menu_targets
from avenue.app.moves import move_service
from avenue.app.moving import let_writes_wait
from avenue.app.services import Services, disk_cache_of
from avenue.app.sharing import shared_to_library
from avenue.audit import pages as audit_pages
from avenue.audit import routes as audit_routes
from avenue.audit.service import AuditService
from avenue.backup import pages as backup_pages
from avenue.backup import routes as backup_routes
from avenue.builder.editor import pages as editor_pages
from avenue.builder.library import pages as library_pages
from avenue.builder.library import routes as library_routes
from avenue.builder.library.folders.service import FolderService
from avenue.builder.website import pages as website_pages
from avenue.builder.website import routes as website_routes
from avenue.builder.website.previews import Previews
from avenue.builder.website.rendering import Documents
from avenue.config import Settings
from avenue.errors import AvenueError, Unavailable
from avenue.health.alerts.store import MongoAlertStore
from avenue.health.history.failures.recording import FailureRecorder
from avenue.health.history.failures.service import FailureService
from avenue.health.history.failures.store import FailureStore
from avenue.health.history.traffic.counting import counted
from avenue.health.history.traffic.reporting import Reporter
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.health.views import pages as ops_pages
from avenue.health.views import routes as ops_routes
from avenue.health.views.capacity import routes as capacity_routes
from avenue.health.views.pages import problems as problem_pages
from avenue.health.views.pages import state as state_pages
from avenue.health.views.public import routes as public_routes
from avenue.health.views.public.service import PublicStatusService
from avenue.health.views.readiness import routes as readiness_routes
from avenue.health.views.readiness.service import ReadinessService
from avenue.health.views.receivers import routes as receiver_routes
from avenue.health.views.status import routes as status_routes
from avenue.health.views.status.problems import ProblemService
from avenue.health.views.status.service import StatusService
from avenue.health.views.trace import routes as trace_routes
from avenue.jobs.access import JobAccess
from avenue.mcp import routes as mcp_routes
from avenue.media.alt_texts import pages as alt_text_pages
from avenue.media.alt_texts import routes as alt_text_routes
from avenue.media.alt_texts.service import AltTextService
from avenue.media.alt_texts.store import AltTextStore
from avenue.media.alt_texts.suggesting import Suggester
from avenue.media.intake.policy import (
    product_pictures,
)
from avenue.media.quarantine import pages as quarantine_pages
from avenue.media.quarantine import routes as quarantine_routes
from avenue.media.quarantine.service import QuarantineService
from avenue.media.serving import routes as media_routes
from avenue.media.serving.cache import ByteCache
from avenue.media.serving.cold_read import ColdRead
from avenue.media.serving.disk_cache import DiskCache
from avenue.media.serving.refreshing import Refresher
from avenue.media.serving.response_cache import CachedResponses, ResponseCache
from avenue.moves import pages as move_pages
from avenue.moves import routes as move_routes
from avenue.notifications.register import MailRegister
from avenue.provisioning import pages as provisioning_pages
from avenue.provisioning import routes as provisioning_routes
from avenue.server.fast_lane import AT_HAND
from avenue.shop import pages as shop_pages
from avenue.shop import routes as shop_routes
from avenue.shop.pages.products import KnownProblems
from avenue.shop.pages.window import MorePages
from avenue.shop.store.old_ids import OldIds
from avenue.sites import pages as site_pages
from avenue.sites import routes as site_routes
from avenue.storage.clusters import database_of_site
from avenue.storage.connection import Database
from avenue.storage.schema import START_SECONDS, UNFIT, Gate
from avenue.storage.status import DeploymentStatus
from avenue.uploads import pages as upload_pages
from avenue.uploads import routes as upload_routes
from avenue.uploads.aliases import routes as alias_routes
from avenue.uploads.filepond import routes as filepond_routes
from avenue.uploads.filepond.service import FilePondService
from avenue.uploads.links import routes as link_routes
from avenue.uploads.links.service import LinkService
from avenue.uploads.tickets import routes as ticket_routes
from avenue.uploads.tus import routes as tus_routes
from avenue.uploads.tus.methods import MeantMethods
from avenue.uploads.zips import routes as zip_routes
from avenue.uploads.zips.service import ZipService
from avenue.web import (
    assets,
    audit,
    auth,
    cache_policy,
    colours,
    cors,
    design,
    docs,
    headers,
    health,
    hosts,
    language,
    limits,
    metrics,
    operators,
    pages,
    parsing,
    problems,
    requestlog,
    scraping,
    site_frame,
    stylesheet,
)
from avenue.web.error_reporting import TelemetryNotInstalled
from avenue.web.marks import current_view
from avenue.web.requestlog import TRIED_SECONDS
from avenue.web.services import provide
from avenue.web.site_frame import Logos

MB = 1024 * 1024
LONGEST_REQUEST_SECONDS = 3600.0
LAST_REPORT_SECONDS = 2.0
BOOT_ERROR = 3  # gunicorn exits instead of restarting the worker again and again
NAVIGATION = (
    *shop_pages.NAVIGATION,
    *problem_pages.NAVIGATION,
    *library_pages.NAVIGATION,
    *alt_text_pages.NAVIGATION,
    *editor_pages.NAVIGATION,
    *upload_pages.NAVIGATION,
    *account_pages.NAVIGATION,
    *site_pages.NAVIGATION,
    *state_pages.NAVIGATION,
    *audit_pages.NAVIGATION,
)
"""The panel's navigation, package by package."""
NAVIGATION_WITH_SCANNER = (*NAVIGATION, *quarantine_pages.NAVIGATION)
NEEDS_NO_DATABASE = ("/healthz", "/readyz", "/metrics", "/static/")

log = logging.getLogger(__name__)


def create_app(settings: Settings, database: Database, disk: DiskCache | None = None) -> Flask:
    """Return the Flask application. It does not connect yet, so it starts without MongoDB.

    With a `disk`, public files are also cached there.
    """
    app = Flask("avenue", static_folder=None)
    gate = Gate(database)
    cache = ByteCache(settings.cache_mb * MB, database.turn, disk)
    services = Services(settings, database, settings.workers, cache)
    hot = _provide_delivery(app, services, gate, disk)
    provide(app, settings, services.library, services.legacy_urls, services.audit)
    provide(app, product_pictures(settings))
    _provide_people(app, services)
    _provide_uploads(app, services)
    _provide_website(app, services)
    _provide_shop(app, services)
    _provide_operations(app, services)

    for each in (parsing, language, assets, colours, stylesheet, site_frame, problems):
        each.install(app)
    _install_gate(app, gate, database, settings)
    hosts.install(app, services.sites, settings)
    cors.install(app, settings)
    limits.install(app, services.rate_limits, settings, auth.current_actor)
    auth.install(app, services.accounts, settings)
    _watch_writes(app, services.audit, database, settings)
    headers.install(app, settings)
    _register_blueprints(app, settings)
    _answer_machines(app, services)
    pages.install(app, NAVIGATION_WITH_SCANNER if settings.scanner else NAVIGATION)
    cache_policy.install(app)
    _answer_ahead(app, hot)
    requestlog.install(app)
    return app


def _watch_writes(
    app: Flask, changes: AuditService, database: Database, settings: Settings
) -> None:
    """Record changes in the audit log, and let writes wait while their site moves."""
    audit.install(app, changes)
    let_writes_wait(app, database, settings)


def _answer_ahead(app: Flask, hot: ResponseCache) -> None:
    """Answer cached pictures before the application is called."""
    app.extensions[AT_HAND] = hot
    app.wsgi_app = hosts.OneHost(  # type: ignore[method-assign]
        MeantMethods(CachedResponses(app.wsgi_app, hot))
    )


def _register_blueprints(app: Flask, settings: Settings) -> None:
    for blueprint in (
        account_routes.blueprint,
        *account_pages.BLUEPRINTS,
        media_routes.blueprint,
        quarantine_routes.blueprint,
        quarantine_pages.blueprint,
        alt_text_routes.blueprint,
        alt_text_pages.blueprint,
        *shop_routes.BLUEPRINTS,
        *shop_pages.BLUEPRINTS,
        *ops_pages.BLUEPRINTS,
        backup_routes.blueprint,
        backup_pages.blueprint,
        move_routes.blueprint,
        move_pages.blueprint,
        provisioning_pages.blueprint,
        provisioning_routes.blueprint,
        status_routes.blueprint,
        public_routes.blueprint,
        capacity_routes.blueprint,
        trace_routes.blueprint,
        receiver_routes.blueprint,
        ops_routes.blueprint,
        docs.blueprint,
        audit_routes.blueprint,
        audit_pages.blueprint,
        site_routes.blueprint,
        site_pages.blueprint,
        tus_routes.blueprint,
        filepond_routes.blueprint,
        upload_routes.blueprint,
        link_routes.blueprint,
        ticket_routes.blueprint,
        zip_routes.blueprint,
        *upload_pages.BLUEPRINTS,
        website_routes.blueprint,
        website_pages.blueprint,
        *editor_pages.BLUEPRINTS,
        *library_routes.BLUEPRINTS,
        *library_pages.BLUEPRINTS,
        mcp_routes.blueprint,
        alias_routes.blueprint_of(settings),  # registered last, so that it hides no other route
    ):
        app.register_blueprint(blueprint)
    if settings.local:
        app.register_blueprint(design.blueprint)


def _answer_machines(app: Flask, services: Services) -> None:
    """Answer orchestrators and Prometheus, which send an address instead of a host name."""
    operators.install(app, services.sites)
    health.install(app)
    probe = services.probe.probe
    provide(app, ReadinessService(services.database, probe, scanner=services.scanner))
    app.register_blueprint(readiness_routes.blueprint)
    scraping.install(app, services.queues)


def start() -> Flask:
    """Return the application of a web process, with its background threads running.

    Ends the process if the database must not be used. If it is unreachable, requests and `/readyz`
    report that until it is back.
    """
    settings = Settings.from_env()
    requestlog.configure_logging(settings.log_file)
    try:
        telemetry.send_telemetry(settings)
    except TelemetryNotInstalled as error:
        log.critical("%s %s", error.message, error.hint)
        sys.exit(BOOT_ERROR)
    scraping.count_with_others()
    database = Database(settings, meter=metrics.PoolMeter())
    gate = Gate(database)
    try:
        with database.deadline(START_SECONDS):
            gate.pass_or_raise()
    except UNFIT as error:
        log.critical("%s %s", error.message, error.hint)
        sys.exit(BOOT_ERROR)
    except Unavailable as error:
        log.warning("%s %s", error.message, error.hint)
    app = create_app(settings, database, disk_cache_of(settings))
    telemetry.trace(app, settings)
    if settings.cache_seconds:
        refresher: Refresher = app.extensions["avenue"][Refresher]
        threading.Thread(target=refresher.run_forever, name="refresher", daemon=True).start()
    if settings.jobs == "inline":
        threading.Thread(
            target=Background(settings, database).run_forever, name="jobs", daemon=True
        ).start()
    threading.Thread(
        target=watch_forever,
        args=(settings, database, threading.Event()),
        name="watch",
        daemon=True,
    ).start()
    _write_traffic_and_errors(app, database, gate)
    return app


def _note_errors(app: Flask, database: Database, gate: Gate) -> None:
    """Collect the errors of this process in memory; they are written once it has its threads."""
    store = FailureStore(database)
    recorder = FailureRecorder(store, admit=gate.pass_or_raise)
    provide(app, recorder, FailureService(store))
    problems.note_in(app, recorder)


def _write_traffic_and_errors(app: Flask, database: Database, gate: Gate) -> None:
    reporter = Reporter(MongoTrafficStore(database), counted, admit=gate.pass_or_raise)
    _keep_writing("traffic", reporter.run_forever, reporter.report, database)
    recorder: FailureRecorder = app.extensions["avenue"][FailureRecorder]
    _keep_writing("errors", recorder.run_forever, recorder.write, database)


def _keep_writing(
    name: str,
    run_forever: Callable[[threading.Event], None],
    write: Callable[[], object],
    database: Database,
) -> None:
    """Write what this process collected, in a thread and once more when the process ends."""

    def last() -> None:
        with suppress(AvenueError), database.deadline(LAST_REPORT_SECONDS):
            write()

    atexit.register(last)
    threading.Thread(target=run_forever, args=(threading.Event(),), name=name, daemon=True).start()


def _provide_people(app: Flask, services: Services) -> None:
    provide(app, services.accounts, services.recovery, services.people, services.second_factors)
    provide(app, services.passkeys, services.oidc, services.challenges)


def _provide_delivery(
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
    rooms = [shop_room(pictures, services.shop_status), library_room(services.media)]
    texts = AltTextService(AltTextStore(database), rooms)
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
        *(services.pages, services.media, services.logos, FolderService(services.folders)),
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


def _install_gate(app: Flask, gate: Gate, database: Database, settings: Settings) -> None:
    """Check the database before a request uses it, and set a deadline for its queries.

    Errors are also collected, and written under the same condition.
    """
    _note_errors(app, database, gate)

    def enter() -> None:
        if request.path.startswith(NEEDS_NO_DATABASE):
            return
        tried = request.environ.get(TRIED_SECONDS, 0.0)
        deadline = database.request(_seconds_for(request.method, settings) - tried)
        request.environ["avenue.deadline"] = deadline
        deadline.__enter__()
        gate.pass_or_raise()

    def leave(_: BaseException | None) -> None:
        deadline = request.environ.pop("avenue.deadline", None)
        if deadline is not None:
            deadline.__exit__(None, None, None)

    app.before_request(enter)
    app.teardown_request(leave)


def _seconds_for(method: str, settings: Settings) -> float:
    """Return the seconds of database time for a request: writing plus transferring its body."""
    if method in {"GET", "HEAD", "OPTIONS"}:
        return settings.read_seconds
    declared_bytes = request.content_length or 0
    seconds = settings.write_seconds + declared_bytes / MB
    if declared_bytes > settings.max_drain_mb * MB:  # read while it arrives, not collected before
        seconds += declared_bytes / (settings.min_body_kb_per_second * 1024)
    view = current_view()
    if request.is_json and limits.fetching_route.is_on(view):
        seconds += settings.fetch_seconds
    if limits.resumable_route.is_on(view):
        seconds += settings.max_tus_mb  # the last part may be small; all of it is read
    return min(seconds, LONGEST_REQUEST_SECONDS)
