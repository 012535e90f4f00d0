"""The services that the application, commands and jobs share, each made in one place."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from avenue.accounts.breaches import HashFile
from avenue.accounts.captchas import Captcha
from avenue.accounts.challenges import SEALED_FOR, Challenges
from avenue.accounts.letters import QueuedLetters
from avenue.accounts.models import POW
from avenue.accounts.oidc.groups import GroupRoles
from avenue.accounts.oidc.models import Policy
from avenue.accounts.oidc.provider import Client, Provider
from avenue.accounts.oidc.service import PURPOSE as SIGN_INS
from avenue.accounts.oidc.service import OidcService
from avenue.accounts.passkeys import PURPOSE as CHALLENGES
from avenue.accounts.passkeys import Passkeys
from avenue.accounts.passwords import Passwords
from avenue.accounts.recovery import RecoveryService
from avenue.accounts.second_factor import PURPOSE, SecondFactors
from avenue.accounts.service import AccountService
from avenue.accounts.store import MongoAccountStore
from avenue.accounts.tries import Tries
from avenue.app.uses import EveryUse, LogoReferrers, LogoUses, PageUses
from avenue.audit.service import AuditService
from avenue.audit.store import MongoAuditStore
from avenue.backup.store import BackupStore, Deed
from avenue.builder.library.folders.store import FolderStore
from avenue.builder.library.service import MediaService
from avenue.builder.library.store import MediaStore, Users
from avenue.builder.website.intake import Intake
from avenue.builder.website.models import path_of
from avenue.builder.website.service import PageService
from avenue.builder.website.store import PageReferrers, PageStore
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.health.alerts.channels.browsers import SEALED_FOR as BROWSERS
from avenue.health.alerts.channels.browsers import Browsers
from avenue.health.alerts.channels.service import ReceiverService
from avenue.health.alerts.channels.store import BrowserStore, ChoiceStore
from avenue.health.alerts.glancing import GlanceService, Watched
from avenue.health.alerts.service import AlertService
from avenue.health.alerts.store import MongoAlertStore
from avenue.health.checks.addresses.judging import AddressBook
from avenue.health.checks.addresses.mending import Mender
from avenue.health.checks.addresses.store import DocumentStore
from avenue.health.checks.files import FileInspector
from avenue.health.checks.fsck import Fsck
from avenue.health.checks.inspection import Inspector
from avenue.health.checks.probe import ProbeService
from avenue.health.checks.references import ReferenceInspector
from avenue.health.checks.repair import Repair
from avenue.health.checks.scrub import Scrub
from avenue.health.checks.store.findings import CheckStore, ScrubStore
from avenue.health.checks.store.inspections import InspectionStore
from avenue.health.checks.trace.service import TraceService
from avenue.health.checks.trace.store import TraceStore
from avenue.health.checks.walk import Holdings
from avenue.health.facts.store import FactStore
from avenue.health.history.snapshots.models import BackupAges
from avenue.health.history.snapshots.service import SnapshotService
from avenue.health.history.snapshots.store import HouseCounts, SnapshotStore
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.health.rules.machine import IN_MEMORY, disk_of
from avenue.health.views.capacity.service import CapacityService
from avenue.health.views.state.service import Sources, StateService
from avenue.identity import HOME_CLUSTER, Actor, Site
from avenue.jobs.access import JobAccess
from avenue.jobs.models import Queue
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.policy import (
    image_limits,
    library_pictures,
    picture_archives,
    product_pictures,
    site_logo,
)
from avenue.media.intake.scanning import IntakeScanner
from avenue.media.models import Asset, Scan, State, Version, Visibility
from avenue.media.pictures.decoding import DecodePool, processes_for
from avenue.media.pictures.variants import VARIANTS, own_rows
from avenue.media.presenting import has_sizes, logo_shown
from avenue.media.quarantine.store import QuarantineStore, ScanStore
from avenue.media.quarantine.walk import SCAN, ScanWalk
from avenue.media.references import Referrers
from avenue.media.renditions.service import Renditions
from avenue.media.renditions.store import RenditionStore
from avenue.media.serving.cache import AssetCache, ByteCache
from avenue.media.serving.disk_cache import DiskCache
from avenue.media.serving.reading import MediaReader
from avenue.media.signing.service import SignedLinks
from avenue.media.signing.store import LinkKeys
from avenue.media.store.assets import AssetStore
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.media.store.library import LibraryStore
from avenue.media.store.swept import swept_of
from avenue.notifications.store import OutboxStore
from avenue.notifications.web_push import VapidKey
from avenue.outside.fetching import Fetcher
from avenue.provisioning.clusters import Scale, lightest, uses_of
from avenue.provisioning.service import weighed_lately
from avenue.scanning.clamd import Clamd, Scanner
from avenue.sealing import Sealing
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.service.bulk import BulkService
from avenue.shop.service.groups import GroupService
from avenue.shop.service.imports import ImportService
from avenue.shop.service.picture_imports import PictureImportService, PictureImportWorker
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.shop.service.samples import SampleService
from avenue.shop.store.groups import GroupStore
from avenue.shop.store.imports import ImportStore
from avenue.shop.store.picture_imports import PictureImportStore
from avenue.shop.store.pictures import PictureStore
from avenue.shop.store.products import ProductStore
from avenue.shop.store.samples import SampleStore
from avenue.shop.store.status import PictureReferrers, StatusStore
from avenue.sites.service import LogoService, SiteService
from avenue.sites.store import SiteStore
from avenue.storage.clusters import cluster_states, clusters_at_hand
from avenue.storage.connection import Database
from avenue.storage.quotas import COUNT_QUOTAS, Amount, Holder, Ledger
from avenue.storage.rate_limits import RateLimits
from avenue.storage.room import StorageRoom
from avenue.storage.schema import DEFAULT_SITE
from avenue.storage.site_counts import Counter
from avenue.storage.sites import Sites
from avenue.storage.status import DeploymentStatus, beside
from avenue.uploads.service import UploadService
from avenue.uploads.store import UploadStore
from avenue.uploads.tickets.service import TicketService
from avenue.uploads.tickets.store import TicketStore
from avenue.uploads.tus.service import TusService
from avenue.uploads.tus.store import SweptTusStore, TusStore
from avenue.web.site_frame import Logo

MB = 1024 * 1024
QUEUE_SECONDS = 1.0

log = logging.getLogger(__name__)


def account_service(
    settings: Settings,
    database: Database,
    rate_limits: RateLimits,
    passwords: Passwords | None = None,
) -> AccountService:
    """Return the people of the house, for the application and for commands."""
    passwords = passwords or Passwords(breached=breached_passwords(settings))
    return AccountService(
        MongoAccountStore(database),
        passwords,
        rate_limits,
        second_factors(settings, database, rate_limits, passwords),
        tries_per_minute=settings.max_logins_per_minute,
        token_days=settings.session_days,
        second_factor_roles=settings.second_factor_roles,
    )


def breached_passwords(settings: Settings) -> HashFile | None:
    """Return the hashes of passwords that are refused besides those everybody knows."""
    path = settings.breached_passwords
    return HashFile(Path(path)) if path else None


def challenges_of(settings: Settings, rate_limits: RateLimits) -> Challenges:
    """Return what asks for a challenge once some tries have failed."""
    kind = settings.challenge
    is_ours = kind in {"off", POW}
    return Challenges(
        rate_limits,
        Sealing(settings.secret_key, SEALED_FOR),
        after=None if kind == "off" else settings.challenge_after,
        bits=settings.challenge_bits,
        captcha=None
        if is_ours
        else Captcha(kind, settings.challenge_site_key, settings.challenge_secret),
    )


def passkeys_of(settings: Settings, database: Database, rate_limits: RateLimits) -> Passkeys:
    """Return what takes passkeys in, and asks for them."""
    return Passkeys(
        MongoAccountStore(database),
        rate_limits,
        Sealing(settings.secret_key, CHALLENGES),
        tries_per_minute=settings.max_logins_per_minute,
    )


def oidc_service(settings: Settings, database: Database, rate_limits: RateLimits) -> OidcService:
    """Return what signs people in with the provider, if there is one."""
    client = Client(
        issuer=settings.oidc_issuer,
        id=settings.oidc_client_id,
        secret=settings.oidc_client_secret,
        scopes=settings.oidc_scopes,
        groups_claim=settings.oidc_groups_claim,
        email_verified_claim=settings.oidc_email_verified_claim,
    )
    return OidcService(
        MongoAccountStore(database),
        Provider(client) if settings.oidc_issuer else None,
        rate_limits,
        Sealing(settings.secret_key, SIGN_INS),
        Policy(
            label=settings.oidc_label or urlsplit(settings.oidc_issuer).hostname or "",
            groups=GroupRoles(settings.group_roles),
            link=settings.oidc_link,
            second_factor=settings.oidc_second_factor,
        ),
        tries_per_minute=settings.max_logins_per_minute,
    )


def second_factors(
    settings: Settings, database: Database, rate_limits: RateLimits, passwords: Passwords
) -> SecondFactors:
    """Return what sets second factors up, and asks for them."""
    return SecondFactors(
        MongoAccountStore(database),
        passwords,
        rate_limits,
        Sealing(settings.secret_key, PURPOSE),
        tries_per_minute=settings.max_logins_per_minute,
    )


def recovery_service(
    settings: Settings, database: Database, rate_limits: RateLimits, passwords: Passwords
) -> RecoveryService:
    """Return passwords by letter, for the application and for jobs."""
    return RecoveryService(
        MongoAccountStore(database),
        passwords,
        rate_limits,
        QueuedLetters(OutboxStore(database)) if settings.smtp_url else None,
        house_url=settings.base_url,
        tries_per_minute=settings.max_logins_per_minute,
    )


def audit_service(settings: Settings, database: Database) -> AuditService:
    """Return the log of changes, for the application, commands and jobs."""
    return AuditService(MongoAuditStore(database), keep_days=settings.audit_days)


def job_service(database: Database) -> JobService:
    """Return the background work, for the application and for commands."""
    return JobService(MongoJobStore(database))


def site_service(settings: Settings, database: Database, known: Sites | None = None) -> SiteService:
    """Return the sites of the house; what is changed shows to whoever goes by `known` at once."""
    store, known = SiteStore(database, settings), known or Sites(database, settings)

    def lightest_cluster() -> str:
        if not settings.clusters:
            return HOME_CLUSTER
        sites = store.every()
        weighed = weighed_lately(snapshot_service(settings, database, known), sites)
        return lightest(
            uses_of(cluster_states(database), sites, weighed.weights, scale_of(settings))
        )

    return SiteService(store, known, settings, lightest_cluster)


def scale_of(settings: Settings) -> Scale:
    """Return how much a cluster holds."""
    return Scale(capacity=settings.cluster_units, levels=settings.alert_levels)


def signed_links(settings: Settings, database: Database) -> SignedLinks:
    """Return the links to private files, for the application and for commands."""
    return SignedLinks(LinkKeys(database), AssetStore(database), settings)


def import_service(settings: Settings, database: Database) -> ImportService:
    """Return the imports of products, for the application and for commands."""
    return ImportService(ImportStore(database), JobService(MongoJobStore(database)), settings)


def picture_service(
    settings: Settings, database: Database, library: MediaLibrary
) -> PictureService:
    """Return the pictures of products and groups, for the application and for jobs."""
    return PictureService(
        PictureStore(database),
        ProductStore(database),
        GroupStore(database),
        library,
        product_pictures(settings),
        LegacyUrls(database),
        settings,
    )


def picture_import_service(
    settings: Settings, database: Database, library: MediaLibrary
) -> PictureImportService:
    """Return the imports of pictures by SKU, for the application and for commands."""
    return PictureImportService(
        PictureImportStore(database),
        ProductStore(database),
        library,
        JobService(MongoJobStore(database)),
        product_pictures(settings),
        picture_archives(settings),
        settings,
    )


def picture_import_worker(
    settings: Settings, database: Database, library: MediaLibrary, sites: Sites
) -> PictureImportWorker:
    """Return who takes pictures by SKU in, for jobs."""
    assets = AssetCache(settings.cache_seconds)
    return PictureImportWorker(
        PictureImportStore(database),
        picture_service(settings, database, library),
        library,
        MediaReader(AssetStore(database), assets, ByteCache(0)),
        audit_service(settings, database),
        product_pictures(settings),
        sites.named,
        settings,
    )


def media_library(settings: Settings, database: Database, decoders: DecodePool) -> MediaLibrary:
    """Return what takes files in, for the application and for commands."""
    return MediaLibrary(
        AssetStore(database),
        RenditionStore(database),
        decoders,
        image_limits(settings),
        StorageRoom(database, settings, ledger(database)),
        IntakeScanner(scanner_of(settings), settings),
        settings,
    )


def scan_walk_of(settings: Settings, cluster: Database, job_id: str) -> ScanWalk:
    """Return what scans the stored files of a cluster for the job `job_id`."""
    changes = audit_service(settings, cluster.home)

    def found(asset: Asset, version: Version, scan: Scan) -> None:
        details = {"version": version.version}
        if scan.signature:
            details["signature"] = scan.signature
        changes.record_job(
            asset.site,
            "quarantine.entered",
            asset.id,
            job_id=job_id,
            job_kind=SCAN,
            details=details,
        )

    scanner = scanner_of(settings)
    if scanner is None:
        raise ValueError("no scanner is set up")
    return ScanWalk(
        ScanStore(cluster),
        QuarantineStore(cluster.home),
        AssetStore(cluster.home),
        RenditionStore(cluster.home),
        scanner,
        found,
    )


def scanner_of(settings: Settings) -> Scanner | None:
    """Return what scans files, None where nothing does."""
    if not settings.scanner:
        return None
    return Clamd(
        settings.scanner,
        seconds=settings.scanner_seconds,
        most_bytes=settings.scanner_max_mb * 1024 * 1024,
    )


def ledger(database: Database) -> Ledger:
    """Return how much everybody has stored, and is promised, for uploads and for jobs."""
    assets, arriving = AssetStore(database), TusStore(database)

    def count(holder: Holder, most: int | None) -> Amount:
        # In this order: what arrives meanwhile is counted twice rather than not at all.
        promised = arriving.promised(holder)
        return promised + assets.stored(holder, most)

    def request_count(holder: Holder) -> None:
        job_service(database).enqueue(COUNT_QUOTAS, {"holder": holder.id}, key=holder.id)

    return Ledger(database, count, request_count)


def removal(quotas: Ledger, asset: Asset) -> Callable[[], None]:
    """Return what takes an asset that is to be purged off the quotas it counts for."""
    amount = Amount(bytes=sum(each.bytes for each in asset.versions), files=1)
    stored_at = max((each.at for each in asset.versions), default=asset.created_at)
    holders = [Holder(site=asset.site, person=each) for each in {None, asset.owner}]
    subtractions = [quotas.removal(each, amount, stored_at=stored_at) for each in holders]

    def subtract() -> None:
        for each in subtractions:
            each()

    return subtract


def site_counters(database: Database) -> dict[str, Counter]:
    """Return what is counted of each site, by its name, for the job that does it."""
    return {
        **StatusStore(database).counters,
        **FolderStore(database).counters,
        **InspectionStore(database).counters,
    }


def tus_service(settings: Settings, database: Database, library: MediaLibrary) -> TusService:
    """Return the uploads that come in parts."""
    uploads = UploadService(UploadStore(database), library, settings)
    return TusService(TusStore(database), uploads, library, settings)


def ticket_service(
    settings: Settings,
    database: Database,
    library: MediaLibrary,
    accounts: AccountService,
    rate_limits: RateLimits,
) -> TicketService:
    """Return the uploads of people without an account."""
    uploads = UploadService(UploadStore(database), library, settings)
    tries = Tries(rate_limits, "ticket", per_minute=settings.max_logins_per_minute)
    return TicketService(TicketStore(database), uploads, library, accounts, tries)


def page_service(
    settings: Settings, database: Database, library: MediaLibrary, sites: Sites
) -> PageService:
    """Return the pages of the website builder."""
    store = PageStore(database)
    intake = Intake(store, library, library_pictures(settings), settings.tmp_dir)
    return PageService(store, library, intake, sites.logo)


def logo_service(
    settings: Settings, database: Database, library: MediaLibrary, sites: Sites
) -> LogoService:
    """Return the logos of sites."""
    return LogoService(SiteStore(database, settings), sites, library, site_logo(settings))


def media_service(
    settings: Settings,
    database: Database,
    library: MediaLibrary,
    reader: MediaReader,
    users: Sequence[Users],
) -> MediaService:
    """Return the media library, which asks `users` before it removes anything."""
    store = MediaStore(database, LibraryStore(database), FolderStore(database), users)
    fetcher = Fetcher(seconds=settings.fetch_seconds, tmp_dir=settings.tmp_dir)
    return MediaService(store, library, reader, fetcher, settings)


def media_users(
    settings: Settings, database: Database, pages: PageService, logos: LogoService
) -> list[Users]:
    """Return who uses files of the media library."""
    return [LogoUses(SiteStore(database, settings), logos), PageUses(pages)]


def trace_service(settings: Settings, database: Database, users: Sequence[Users]) -> TraceService:
    """Return who follows one asset through all that is stored of it."""
    uses = EveryUse(StatusStore(database), users)
    return TraceService(TraceStore(database), LegacyUrls(database), uses, settings)


def mender(settings: Settings, database: Database) -> Mender:
    """Return who finds addresses that should not stand in documents, and mends them."""
    book = AddressBook(InspectionStore(database), LegacyUrls(database).find_many)
    return Mender(DocumentStore(database), book, audit_service(settings, database))


def logo_shown_on(library: MediaLibrary, sites: Sites, site: Site) -> Logo | None:
    """Return the logo that public pages of `site` show; one that everybody may see."""
    logo = sites.logo(site.id)
    if logo is None:
        return None
    found = library.get_many(Actor(site=site), [logo]).get(logo)
    if found is None or found.state is not State.LIVE or found.visibility is Visibility.PRIVATE:
        return None
    if found.current.is_withheld:
        return None
    return logo_shown(found, has_sizes=has_sizes(site, found))


def published_paths(pages: PageService, site: Site) -> list[tuple[str, datetime]]:
    """Return where visitors see the pages of `site`, for the map that search engines read."""
    return [(path_of(each.slug), each.changed_at) for each in pages.addresses(site)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What a shop can do, each part made once."""

    products: ProductService
    groups: GroupService
    pictures: PictureService
    bulk: BulkService
    samples: SampleService


def shop_of(settings: Settings, database: Database, library: MediaLibrary) -> Shop:
    """Return the shop, for the application, commands and jobs."""
    product_store, group_store = ProductStore(database), GroupStore(database)
    products = ProductService(product_store, group_store, library, settings)
    groups = GroupService(group_store, product_store, library)
    pictures = picture_service(settings, database, library)
    jobs = JobService(MongoJobStore(database))
    samples = SampleService(SampleStore(database), products, groups, jobs, settings)
    return Shop(
        products=products,
        groups=groups,
        pictures=pictures,
        bulk=BulkService(products, pictures),
        samples=samples,
    )


def disk_cache_of(settings: Settings) -> DiskCache | None:
    """Return the disk cache of this machine for this database; None without one.

    Several installations may have the same AVENUE_TMP_DIR, each with a folder of its own. A folder
    in memory would take from the memory of the processes.
    """
    if not settings.disk_cache_mb or disk_of(settings.tmp_dir) in IN_MEMORY:
        return None
    source = str(settings.data_dir.resolve()) if settings.local else settings.mongodb_uri
    key = hashlib.sha256(source.rpartition("@")[2].encode()).hexdigest()[:12]
    try:
        return DiskCache(settings.tmp_dir / f"avenue-cache-{key}", settings.disk_cache_mb * MB)
    except OSError as error:
        log.warning("There is no disk cache: %s", error)
        return None


def renditions_of(
    settings: Settings, database: Database, decoders: DecodePool, cache: ByteCache, sites: Sites
) -> Renditions:
    """Return what finds and makes renditions, for the application and for jobs."""
    return Renditions(
        RenditionStore(database),
        AssetStore(database),
        decoders,
        image_limits(settings),
        cache,
        settings,
        partial(has_size, sites),
    )


def sizes_of(sites: Sites, site_id: str) -> list[str]:
    """Return the names of the sizes that a site has of its own."""
    site = sites.by_id(site_id)
    return [row.name for row in own_rows(site.sizes).values()] if site else []


def has_size(sites: Sites, site_id: str, variant: str) -> bool:
    """Tell whether pictures of a site come as `variant`."""
    return variant in VARIANTS or variant in sizes_of(sites, site_id)


def snapshot_service(settings: Settings, database: Database, sites: Sites) -> SnapshotService:
    """Return the snapshots of the deployment, for the application and for jobs."""
    return SnapshotService(
        SnapshotStore(database),
        HouseCounts(database),
        DeploymentStatus(database),
        MongoTrafficStore(database),
        ledger(database),
        sites,
        settings,
        lambda: backup_ages(settings, database),
    )


def backup_ages(settings: Settings, database: Database) -> BackupAges:
    """Return how long ago backups were looked after."""
    if not settings.backup_to:
        return BackupAges()
    now, since = utc_now(), BackupStore(database).missing_since()
    verified = now - min(since[Deed.CREATED], since[Deed.VERIFIED])
    drilled = now - since[Deed.DRILLED] if settings.backup_drill_days else None
    return BackupAges(
        backup_hours=verified / timedelta(hours=1),
        drill_days=drilled / timedelta(days=1) if drilled is not None else None,
    )


def capacity_service(settings: Settings, database: Database, sites: Sites) -> CapacityService:
    """Return the reports on capacity, for the application and for commands."""
    deployment = DeploymentStatus(database)
    return CapacityService(
        snapshot_service(settings, database, sites),
        lambda: deployment.mongodb().data_members,
        settings,
        cores=processes_for(1),
    )


def alert_service(settings: Settings, database: Database) -> AlertService:
    """Return the alerts, for the application and for jobs."""
    told = receiver_service(settings, database, Sites(database, settings)).told
    return AlertService(MongoAlertStore(database), OutboxStore(database), settings, told)


def receiver_service(settings: Settings, database: Database, sites: Sites) -> ReceiverService:
    """Return who is told of alerts, for the application and for who tells them."""
    return ReceiverService(
        ChoiceStore(database),
        MongoAlertStore(database),
        OutboxStore(database),
        Browsers(
            BrowserStore(database),
            Sealing(settings.secret_key, BROWSERS),
            VapidKey(settings.secret_key, _contact_of(settings)),
        ),
        MongoAccountStore(database),
        sites,
        settings,
    )


def _contact_of(settings: Settings) -> str:
    """Return where push services find who runs this."""
    if settings.base_url.startswith("https://"):
        return settings.base_url
    return f"mailto:{parseaddr(settings.mail_from)[1] or 'avenue@localhost'}"


def glance_service(settings: Settings, database: Database, sites: Sites) -> GlanceService:
    """Return who looks every few minutes, for jobs and for web processes."""
    watched = Watched(
        jobs=job_service(database),
        outbox=OutboxStore(database),
        inspections=InspectionStore(database),
        deployments=lambda: [DeploymentStatus(database), *beside(database)],
        facts=FactStore(database),
        snapshots=SnapshotStore(database),
        traffic=MongoTrafficStore(database),
        scans=lambda: _scan_stores(settings, database),
    )
    return GlanceService(alert_service(settings, database), watched, sites, settings)


def state_service(
    settings: Settings, database: Database, library: MediaLibrary, sites: Sites
) -> StateService:
    """Return how everything is, for the application."""
    sources = Sources(
        deployments=lambda: list(map(DeploymentStatus, clusters_at_hand(database))),
        inspections=InspectionStore(database),
        usage=library,
        jobs=JobAccess(job_service(database)),
        outbox=OutboxStore(database),
        snapshots=snapshot_service(settings, database, sites),
        alerts=alert_service(settings, database),
        quarantine=QuarantineStore(database),
        scans=lambda: _scan_stores(settings, database),
    )
    return StateService(sources, settings)


def _scan_stores(settings: Settings, database: Database) -> list[ScanStore]:
    """Return what is known of scans on each cluster at hand; none where nothing is scanned."""
    return [ScanStore(each) for each in clusters_at_hand(database)] if settings.scanner else []


def references_of(settings: Settings, database: Database) -> ReferenceInspector:
    """Return who judges everything that pictures are referred to by."""
    store, known_paths = InspectionStore(database), LegacyUrls(database).find_many
    referrers = [PictureReferrers(database, kind) for kind in (PRODUCT, GROUP)]
    website: list[Referrers] = [
        PageReferrers(database),
        LogoReferrers(SiteStore(database, settings)),
    ]
    return ReferenceInspector(store, referrers, known_paths, beside=website)


def probe_service(settings: Settings, database: Database) -> ProbeService:
    """Return what stores a file to see whether that works, on the house's own site."""
    return ProbeService(
        AssetStore(database), database.deadline, site=DEFAULT_SITE, tmp_dir=settings.tmp_dir
    )


def queues_of(database: Database) -> Sequence[Queue]:
    """Return how the jobs of each kind stand; raise `Unavailable` when that takes too long."""
    with database.deadline(QUEUE_SECONDS):
        return JobService(MongoJobStore(database)).queues()


def holdings_of(settings: Settings, database: Database) -> Holdings:
    """Return everything that walks look at."""
    inspections = InspectionStore(database)
    return Holdings(
        store=CheckStore(database),
        inspections=inspections,
        files=FileInspector(inspections),
        swept=partial(swept_of, database),
        ledger=ledger(database),
        references=references_of(settings, database),
    )


def fsck_of(settings: Settings, database: Database, sites: Sites) -> Fsck:
    """Return the check of everything, and its mending."""
    holdings = holdings_of(settings, database)
    repair = Repair(holdings, AssetStore(database), SweptTusStore(database).forget_one)
    return Fsck(holdings, repair, sites, audit_service(settings, database))


def findings_of(database: Database) -> CheckStore:
    """Return where what checks found is kept."""
    return CheckStore(database)


def scrub_of(settings: Settings, database: Database, sites: Sites) -> Scrub:
    """Return who reads a little of everything each hour."""
    inspections = InspectionStore(database)
    return Scrub(
        ScrubStore(database),
        CheckStore(database),
        inspections,
        FileInspector(inspections, keeps_sums=True),
        sites,
        days=settings.scrub_days,
    )


def inspector(settings: Settings, database: Database, sites: Sites) -> Inspector:
    """Return who looks whether everything that is referred to is there."""
    return Inspector(holdings_of(settings, database), sites)
