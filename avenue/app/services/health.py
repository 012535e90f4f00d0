"""The services of health checks, alerts and capacity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from functools import cached_property, partial

from avenue.app.services.shop import Shop
from avenue.app.uses import EveryUse, LogoReferrers
from avenue.backup.store import BackupStore, Deed
from avenue.builder.website.store.uses import PageReferrers
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.health.alerts.channels.browsers import SEALED_FOR as BROWSERS, Browsers
from avenue.health.alerts.channels.service import ReceiverService
from avenue.health.alerts.channels.store import BrowserStore, ChoiceStore
from avenue.health.alerts.quick_checks import QuickCheckService, Watched
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
from avenue.health.checks.renditions import RenditionInspector
from avenue.health.checks.repair import Repair
from avenue.health.checks.scrub import Scrub
from avenue.health.checks.store.findings import CheckStore, ScrubStore
from avenue.health.checks.trace.service import TraceService
from avenue.health.checks.trace.store import TraceStore
from avenue.health.checks.walk import Holdings
from avenue.health.facts.store import FactStore
from avenue.health.history.snapshots.models import BackupAges
from avenue.health.history.snapshots.service import SnapshotService
from avenue.health.history.snapshots.store import DeploymentCounts, SnapshotStore
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.health.views.capacity.service import CapacityService
from avenue.health.views.state.service import Sources, StateService
from avenue.identity import DEFAULT_SITE
from avenue.jobs.access import JobAccess
from avenue.jobs.models import Queue
from avenue.media.pictures.decoding import processes_for
from avenue.media.quarantine.store import ScanStore
from avenue.media.references import Referrers
from avenue.media.store.swept import swept_of
from avenue.notifications.web_push import VapidKey
from avenue.sealing import Sealing
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.store.status import PictureReferrers
from avenue.storage.clusters import clusters_at_hand
from avenue.storage.status import DeploymentStatus, beside
from avenue.uploads.tus.store import SweptTusStore

QUEUE_SECONDS = 1.0


@dataclass(frozen=True)
class Health(Shop):
    """Measuring, judging, checking and alerting."""

    @cached_property
    def deployment(self) -> DeploymentStatus:
        """The state of this database's server and of its configuration."""
        return DeploymentStatus(self.database)

    @cached_property
    def snapshots(self) -> SnapshotService:
        """The snapshots of the deployment."""
        return SnapshotService(
            SnapshotStore(self.database),
            DeploymentCounts(self.database),
            self.deployment,
            MongoTrafficStore(self.database),
            self.ledger,
            self.sites,
            self.settings,
            self.backup_ages,
        )

    def backup_ages(self) -> BackupAges:
        """Return the age of the last backup, verification and drill."""
        if not self.settings.backup_to:
            return BackupAges()
        now, since = utc_now(), BackupStore(self.database).missing_since()
        verified = now - min(since[Deed.CREATED], since[Deed.VERIFIED])
        drilled = now - since[Deed.DRILLED] if self.settings.backup_drill_days else None
        return BackupAges(
            backup_hours=verified / timedelta(hours=1),
            drill_days=drilled / timedelta(days=1) if drilled is not None else None,
        )

    @cached_property
    def capacity(self) -> CapacityService:
        """The reports on capacity."""
        return CapacityService(
            self.snapshots.kept,
            lambda: self.deployment.mongodb().data_members,
            self.settings,
            cores=processes_for(1),
        )

    @cached_property
    def alerts(self) -> AlertService:
        """The alerts and their messages."""
        store = MongoAlertStore(self.database)
        return AlertService(store, self.outbox, self.settings, self.receivers.receivers_of)

    @cached_property
    def receivers(self) -> ReceiverService:
        """The receivers of alerts."""
        return ReceiverService(
            ChoiceStore(self.database),
            MongoAlertStore(self.database),
            self.outbox,
            Browsers(
                BrowserStore(self.database),
                Sealing(self.settings.secret_key, BROWSERS),
                VapidKey(self.settings.secret_key, _contact_of(self.settings)),
            ),
            self.account_store,
            self.sites,
            self.settings,
        )

    @cached_property
    def quick_checks(self) -> QuickCheckService:
        """The checks that run every few minutes, in jobs and in web processes."""
        watched = Watched(
            jobs=self.jobs,
            outbox=self.outbox,
            inspections=self.inspections,
            deployments=lambda: [self.deployment, *beside(self.database)],
            facts=FactStore(self.database),
            snapshots=self.snapshots.kept,
            traffic=MongoTrafficStore(self.database),
            scans=self._scan_stores,
        )
        return QuickCheckService(self.alerts, watched, self.sites, self.settings)

    @cached_property
    def state(self) -> StateService:
        """The state of all components."""
        sources = Sources(
            deployments=lambda: list(map(DeploymentStatus, clusters_at_hand(self.database))),
            inspections=self.inspections,
            counts=self.stored_counts,
            usage=self.library,
            jobs=JobAccess(self.jobs),
            queue=self.jobs,
            outbox=self.outbox,
            snapshots=self.snapshots.kept,
            alerts=self.alerts,
            quarantine=self.quarantine,
            scans=self._scan_stores,
        )
        return StateService(sources, self.settings)

    def _scan_stores(self) -> list[ScanStore]:
        """Return the scan stores of the reachable clusters; none without a scanner."""
        return list(map(ScanStore, clusters_at_hand(self.database))) if self.scanner else []

    def queues(self) -> Sequence[Queue]:
        """Return the state of the job queue by kind; raise `Unavailable` if that takes too long."""
        with self.database.deadline(QUEUE_SECONDS):
            return self.jobs.queues()

    @cached_property
    def probe(self) -> ProbeService:
        """Stores a test file, on the deployment's own site."""
        return ProbeService(
            self.assets,
            self.database.deadline,
            site=DEFAULT_SITE,
            tmp_dir=self.settings.tmp_dir,
        )

    @cached_property
    def trace(self) -> TraceService:
        """Traces one asset through everything that is stored about it."""
        uses = EveryUse(self.shop_status, self.media_users)
        return TraceService(TraceStore(self.database), self.legacy_urls, uses, self.settings)

    @cached_property
    def mender(self) -> Mender:
        """Finds wrong addresses in documents, and repairs them."""
        book = AddressBook(self.inspected_assets, self.legacy_urls.find_many)
        return Mender(DocumentStore(self.database), book, self.audit)

    @cached_property
    def checks(self) -> CheckStore:
        """The store of check findings."""
        return CheckStore(self.database)

    @cached_property
    def holdings(self) -> Holdings:
        """Everything that walks check."""
        referrers = [PictureReferrers(self.database, kind) for kind in (PRODUCT, GROUP)]
        website: list[Referrers] = [PageReferrers(self.database), LogoReferrers(self.site_store)]
        files, swept = FileInspector(self.inspected_assets), partial(swept_of, self.database)
        return Holdings(
            store=self.checks,
            assets=self.inspected_assets,
            inspections=self.inspections,
            files=files,
            swept=swept,
            ledger=self.ledger,
            references=ReferenceInspector(
                self.inspected_assets,
                self.inspections,
                referrers,
                self.legacy_urls.find_many,
                beside=website,
            ),
            renditions=RenditionInspector(self.checks, self.inspected_assets, files, swept),
        )

    @cached_property
    def inspector(self) -> Inspector:
        """Checks whether everything that is referenced exists."""
        return Inspector(self.holdings, self.sites)

    @cached_property
    def fsck(self) -> Fsck:
        """The full check, and its repair."""
        forget = SweptTusStore(self.database).forget_one
        repair = Repair(self.holdings, self.assets, forget)
        return Fsck(self.holdings, repair, self.sites, self.audit)

    @cached_property
    def scrub(self) -> Scrub:
        """Reads a share of all bytes each hour."""
        return Scrub(
            ScrubStore(self.database),
            self.checks,
            self.inspected_assets,
            self.stored_counts,
            FileInspector(self.inspected_assets, keeps_sums=True),
            self.sites,
            days=self.settings.scrub_days,
        )


def _contact_of(settings: Settings) -> str:
    """Return the contact that push services get."""
    if settings.base_url.startswith("https://"):
        return settings.base_url
    return f"mailto:{parseaddr(settings.mail_from)[1] or 'avenue@localhost'}"
