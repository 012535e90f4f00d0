"""The stores, and what several services share."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from avenue.accounts.store.accounts import MongoAccountStore
from avenue.audit.service import AuditService
from avenue.audit.store import MongoAuditStore
from avenue.config import Settings
from avenue.health.checks.store.assets import InspectedAssets
from avenue.health.checks.store.counts import StoredCounts
from avenue.health.checks.store.inspections import InspectionStore
from avenue.health.rules.machine import IN_MEMORY, disk_of
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.media.models import Asset
from avenue.media.pictures.decoding import DecodePool, processes_for
from avenue.media.quarantine.store import QuarantineStore
from avenue.media.renditions.store import RenditionStore
from avenue.media.serving.cache import ByteCache
from avenue.media.serving.disk_cache import DiskCache
from avenue.media.store.assets import AssetStore
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.notifications.store import OutboxStore
from avenue.scanning.clamd import Clamd
from avenue.sealing import Sealing
from avenue.sites.store import SiteStore
from avenue.storage.connection import Database
from avenue.storage.holders import COUNT_QUOTAS, Amount, Holder
from avenue.storage.quotas import Ledger
from avenue.storage.rate_limits import COUNTED, RateLimits
from avenue.storage.site_counts import COUNT_SITES, SiteCounts
from avenue.storage.sites import Sites
from avenue.uploads.tus.store import TusStore

MB = 1024 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stores:
    """Stores and caches over one database, shared by the services.

    `workers` is the number of processes like this one that share the machine's cores for decoding;
    `cache` keeps the bytes of files in memory, None in commands and jobs. Code that may decode
    pictures and ends before the process does uses `opened_services`.
    """

    settings: Settings
    database: Database
    workers: int = 1
    cache: ByteCache = field(default_factory=lambda: ByteCache(0))

    @cached_property
    def rate_limits(self) -> RateLimits:
        """Counts attempts and requests."""
        return RateLimits(self.database, Sealing(self.settings.secret_key, COUNTED))

    @cached_property
    def sites(self) -> Sites:
        """The sites, as every request looks them up."""
        return Sites(self.database, self.settings)

    @cached_property
    def jobs(self) -> JobService:
        """The background jobs."""
        return JobService(MongoJobStore(self.database))

    @cached_property
    def audit(self) -> AuditService:
        """The audit log."""
        return AuditService(MongoAuditStore(self.database), keep_days=self.settings.audit_days)

    @cached_property
    def outbox(self) -> OutboxStore:
        """The outbox of messages."""
        return OutboxStore(self.database)

    @cached_property
    def assets(self) -> AssetStore:
        """The stored files."""
        return AssetStore(self.database)

    @cached_property
    def rendition_store(self) -> RenditionStore:
        """The stored sizes of pictures."""
        return RenditionStore(self.database)

    @cached_property
    def legacy_urls(self) -> LegacyUrls:
        """The addresses that files had before."""
        return LegacyUrls(self.database)

    @cached_property
    def account_store(self) -> MongoAccountStore:
        """The store of accounts."""
        return MongoAccountStore(self.database)

    @cached_property
    def site_store(self) -> SiteStore:
        """The store of sites."""
        return SiteStore(self.database, self.settings)

    @cached_property
    def inspections(self) -> InspectionStore:
        """What inspections found."""
        return InspectionStore(self.database)

    @cached_property
    def inspected_assets(self) -> InspectedAssets:
        """The assets and bytes that checks read."""
        return InspectedAssets(self.database)

    @cached_property
    def stored_counts(self) -> StoredCounts:
        """The numbers and sizes of stored files."""
        return StoredCounts(self.database, self.site_counts)

    @cached_property
    def site_counts(self) -> SiteCounts:
        """The numbers of objects of sites; missing ones are counted in the background."""
        return SiteCounts(
            self.database, lambda: self.jobs.enqueue(COUNT_SITES, key=f"now {COUNT_SITES}")
        )

    @cached_property
    def quarantine(self) -> QuarantineStore:
        """The findings of the scanner."""
        return QuarantineStore(self.database)

    @cached_property
    def decoders(self) -> DecodePool:
        """The decode processes; none is started before the first picture."""
        return DecodePool(processes_for(self.workers))

    @cached_property
    def scanner(self) -> Clamd | None:
        """The malware scanner, None if none is set up."""
        if not self.settings.scanner:
            return None
        return Clamd(
            self.settings.scanner,
            seconds=self.settings.scanner_seconds,
            most_bytes=self.settings.scanner_max_mb * 1024 * 1024,
        )

    @cached_property
    def ledger(self) -> Ledger:
        """Counts stored and reserved bytes for the quotas."""
        arriving = TusStore(self.database)

        def count(holder: Holder, most: int | None) -> Amount:
            # In this order: files that arrive meanwhile are counted twice rather than not at all.
            promised = arriving.promised(holder)
            return promised + self.assets.stored(holder, most)

        def request_count(holder: Holder) -> None:
            self.jobs.enqueue(COUNT_QUOTAS, {"holder": holder.id}, key=holder.id)

        return Ledger(self.database, count, request_count)


def removal(quotas: Ledger, asset: Asset) -> Callable[[], None]:
    """Return a function that subtracts a purged asset from its quotas."""
    amount = Amount(bytes=sum(each.bytes for each in asset.versions), files=1)
    stored_at = max((each.at for each in asset.versions), default=asset.created_at)
    holders = [Holder(site=asset.site, person=each) for each in {None, asset.owner}]
    subtractions = [quotas.removal(each, amount, stored_at=stored_at) for each in holders]

    def subtract() -> None:
        for each in subtractions:
            each()

    return subtract


def disk_cache_of(settings: Settings) -> DiskCache | None:
    """Return the disk cache of this machine for this database, or None.

    Several installations may share AVENUE_TMP_DIR; each has its own folder. There is none in a
    folder in memory, which would take memory from the processes.
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
