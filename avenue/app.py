"""The one place where everything meets."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from avenue.accounts import pages as account_pages
from avenue.accounts import routes as account_routes
from avenue.accounts.passwords import Passwords
from avenue.accounts.service import AccountService
from avenue.accounts.store import MongoAccountStore
from avenue.audit import routes as audit_routes
from avenue.audit.service import AuditService
from avenue.audit.store import MongoAuditStore
from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.identity import command_actor
from avenue.jobs.models import Job
from avenue.jobs.runner import JobRunner, RunningJob
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.media import routes as media_routes
from avenue.media.cache import AssetCache, ByteCache
from avenue.media.decoding import DecodePool, processes_for
from avenue.media.library import MediaLibrary
from avenue.media.policy import (
    UploadPolicy,
    image_limits,
    library_pictures,
    product_pictures,
    site_logo,
)
from avenue.media.reading import MediaReader
from avenue.media.store import AssetStore, LegacyUrls, SweptStore
from avenue.media.sweeper import Sweeper, Swept
from avenue.migration.addresses import OldAddresses
from avenue.migration.destinations import destination_of
from avenue.migration.files import Files
from avenue.migration.folder_import import FolderImport, Shelves
from avenue.migration.models import FolderOrder
from avenue.migration.plan import Plan
from avenue.migration.store import LibraryStore, PageStore
from avenue.migration.tree import opened_tree
from avenue.shop import routes as shop_routes
from avenue.shop.service.groups import GroupService
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.shop.store.groups import GroupStore
from avenue.shop.store.pictures import PictureStore
from avenue.shop.store.products import ProductStore
from avenue.sites import routes as site_routes
from avenue.sites.service import LogoService, SiteService
from avenue.sites.store import SiteStore
from avenue.storage.connection import Database
from avenue.storage.rate_limits import RateLimits
from avenue.storage.room import StorageRoom
from avenue.storage.schema import (
    DEFAULT_SITE,
    Fitness,
    ForeignDatabase,
    Gate,
    NewerDatabase,
    NotAReplicaSet,
)
from avenue.storage.scope import BUCKETS
from avenue.storage.sites import Sites
from avenue.web import (
    audit,
    auth,
    cors,
    headers,
    health,
    hosts,
    limits,
    parsing,
    problems,
    requestlog,
)
from avenue.web.services import provide

MB = 1024 * 1024
SWEEP = "sweep"
LONGEST_REQUEST_SECONDS = 3600.0
BOOT_ERROR = 3  # gunicorn ends instead of starting the worker again and again
NEEDS_NO_DATABASE = ("/healthz", "/readyz", "/static/")

log = logging.getLogger(__name__)


def create_app(settings: Settings, database: Database) -> Flask:
    """Return the application. Connects to nothing yet, so it starts while MongoDB is away."""
    app = Flask("avenue")
    gate = Gate(database)
    rate_limits = RateLimits(database)
    accounts = account_service(settings, database, rate_limits)
    policy = product_pictures(settings)
    library = media_library(settings, database, DecodePool(processes_for(settings.workers)))
    reader = MediaReader(
        AssetStore(database), AssetCache(settings.cache_seconds), ByteCache(settings.cache_mb * MB)
    )
    changes = audit_service(settings, database)
    legacy_urls = LegacyUrls(database)
    provide(app, settings, accounts, library, reader, legacy_urls, policy, changes)
    known_sites = Sites(database, settings)
    _provide_sites(app, database, library, known_sites, settings)
    _provide_shop(app, database, library, policy, legacy_urls, settings)

    parsing.install(app)
    problems.install(app)
    _install_gate(app, gate, database, settings)
    hosts.install(app, known_sites, settings)
    cors.install(app, settings)
    limits.install(app, rate_limits, settings, auth.current_actor)
    auth.install(app, accounts, settings)
    audit.install(app, changes)
    headers.install(app, settings)
    health.install(app, Fitness(database))
    for blueprint in (
        account_routes.blueprint,
        account_pages.blueprint,
        media_routes.blueprint,
        *shop_routes.BLUEPRINTS,
        audit_routes.blueprint,
        site_routes.blueprint,
    ):
        app.register_blueprint(blueprint)
    app.add_url_rule("/", "home", _home)
    requestlog.install(app)
    return app


def start() -> Flask:
    """Return the application of a web process, its background thread running.

    Ends the process when the database is not one Avenue may use; one that is away only makes
    `/readyz` and the requests say so until it is back.
    """
    settings = Settings.from_env()
    requestlog.configure_logging()
    database = Database(settings)
    try:
        Gate(database).pass_or_raise()
    except (ForeignDatabase, NotAReplicaSet, NewerDatabase) as error:
        log.critical("%s %s", error.message, error.hint)
        sys.exit(BOOT_ERROR)
    except Unavailable as error:
        log.warning("%s %s", error.message, error.hint)
    app = create_app(settings, database)
    if settings.jobs == "inline":
        threading.Thread(
            target=Background(settings, database).run_forever, name="jobs", daemon=True
        ).start()
    return app


def _provide_shop(
    app: Flask,
    database: Database,
    library: MediaLibrary,
    policy: UploadPolicy,
    legacy_urls: LegacyUrls,
    settings: Settings,
) -> None:
    products, groups = ProductStore(database), GroupStore(database)
    pictures = PictureStore(database)
    provide(
        app,
        ProductService(products, groups, library, settings),
        GroupService(groups, products, library),
        PictureService(pictures, products, groups, library, policy, legacy_urls, settings),
    )


def account_service(
    settings: Settings, database: Database, rate_limits: RateLimits
) -> AccountService:
    """Return the people of the house, for the application and for commands."""
    return AccountService(
        MongoAccountStore(database),
        Passwords(),
        rate_limits,
        tries_per_minute=settings.max_logins_per_minute,
        token_days=settings.session_days,
    )


def media_library(settings: Settings, database: Database, decoders: DecodePool) -> MediaLibrary:
    """Return what takes files in, for the application and for commands."""
    assets = AssetStore(database)
    room = StorageRoom(database, settings, assets.stored_bytes)
    return MediaLibrary(assets, decoders, image_limits(settings), room, settings)


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


def site_service(settings: Settings, database: Database) -> SiteService:
    """Return the sites of the house, for commands."""
    return SiteService(SiteStore(database, settings), Sites(database, settings), settings)


def audit_service(settings: Settings, database: Database) -> AuditService:
    """Return the log of changes, for the application, commands and jobs."""
    return AuditService(MongoAuditStore(database), keep_days=settings.audit_days)


class Background:
    """All background work: which jobs there are, and a runner for them."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._gate = Gate(database)
        self._sweep_seconds = settings.sweep_minutes * 60
        self._sweeper = Sweeper(
            SweptStore(database), buckets=BUCKETS, trash_days=settings.trash_days
        )
        self._jobs = JobService(MongoJobStore(database))
        self._runner = JobRunner(self._jobs, {SWEEP: self._sweep}, prepare=self._prepare)
        self._stop = threading.Event()

    def run_forever(self) -> None:
        """Work until `stop` is called."""
        self._runner.run_forever(self._stop)

    def stop(self) -> None:
        """Let `run_forever` return soon; the job in hand is handed back."""
        self._stop.set()

    def run_now(self, kind: str, progress: Callable[[Job], None] = lambda _: None) -> Job:
        """Queue a job of `kind`, work until it is finished, and return it."""
        self._gate.pass_or_raise()
        job = self._jobs.enqueue(kind, key="now")
        while not job.is_finished:
            if not self._runner.run_one(self._stop):
                self._stop.wait(0.2)  # another process has it
            job = self._jobs.get(job.id)
            progress(job)
        return job

    def _prepare(self) -> None:
        self._gate.pass_or_raise()
        self._jobs.periodic(SWEEP, self._sweep_seconds)

    def _sweep(self, job: RunningJob) -> dict[str, int]:
        def save(swept: Swept) -> None:
            job.save(done=swept.total)

        return self._sweeper.sweep(save).as_dict()


def _provide_sites(
    app: Flask, database: Database, library: MediaLibrary, known: Sites, settings: Settings
) -> None:
    store = SiteStore(database, settings)
    provide(
        app,
        SiteService(store, known, settings),
        LogoService(store, known, library, site_logo(settings)),
    )


def _install_gate(app: Flask, gate: Gate, database: Database, settings: Settings) -> None:
    """Let requests to the database only when it is ours, and none of them wait without end."""

    def enter() -> None:
        if request.path.startswith(NEEDS_NO_DATABASE):
            return
        gate.pass_or_raise()
        deadline = database.deadline(_seconds_for(request.method, settings))
        request.environ["avenue.deadline"] = deadline
        deadline.__enter__()

    def leave(_: BaseException | None) -> None:
        deadline = request.environ.pop("avenue.deadline", None)
        if deadline is not None:
            deadline.__exit__(None, None, None)

    app.before_request(enter)
    app.teardown_request(leave)


def _seconds_for(method: str, settings: Settings) -> float:
    """Return how long a request may keep the database busy: its writing, plus its transfer."""
    if method in {"GET", "HEAD", "OPTIONS"}:
        return settings.read_seconds
    declared_bytes = request.content_length or 0
    seconds = settings.write_seconds + declared_bytes / MB
    if declared_bytes > settings.max_drain_mb * MB:  # read while it arrives, not collected before
        seconds += declared_bytes / (settings.min_body_kb_per_second * 1024)
    return min(seconds, LONGEST_REQUEST_SECONDS)


def _home() -> Response:
    return redirect("/login")
