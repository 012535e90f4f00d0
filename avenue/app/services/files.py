"""The services of stored files."""

from dataclasses import dataclass
from functools import cached_property, partial

from avenue.accounts.tries import Tries
from avenue.app.services.people import People
from avenue.app.services.stores import Stores
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.policy import image_limits
from avenue.media.intake.scanning import IntakeScanner
from avenue.media.models import Asset, Scan, Version
from avenue.media.pictures.variants import VARIANTS, own_rows
from avenue.media.quarantine.store import QuarantineStore, ScanStore
from avenue.media.quarantine.walk import SCAN, ScanWalk
from avenue.media.renditions.later import LaterSizes
from avenue.media.renditions.service import Renditions
from avenue.media.renditions.store import RenditionStore
from avenue.media.serving.cache import AssetCache
from avenue.media.serving.reading import MediaReader
from avenue.media.signing.service import SignedLinks
from avenue.media.signing.store import LinkKeys
from avenue.media.store.assets import AssetStore
from avenue.storage.clusters import is_site_away
from avenue.storage.room import StorageRoom
from avenue.uploads.service import UploadService
from avenue.uploads.store import UploadStore
from avenue.uploads.tickets.service import TicketService
from avenue.uploads.tickets.store import TicketStore
from avenue.uploads.tus.service import TusService
from avenue.uploads.tus.store import TusStore


@dataclass(frozen=True)
class Files(People):
    """Storing and serving files."""

    @cached_property
    def library(self) -> MediaLibrary:
        """Stores uploaded files."""
        return MediaLibrary(
            self.assets,
            self.rendition_store,
            self.decoders,
            image_limits(self.settings),
            StorageRoom(self.database, self.settings, self.ledger),
            IntakeScanner(self.scanner, self.settings),
            self.settings,
            LaterSizes(lambda: self.renditions).note,
        )

    @cached_property
    def asset_cache(self) -> AssetCache:
        """Caches facts about files."""
        seconds = self.settings.cache_seconds
        return AssetCache(seconds, is_away=partial(is_site_away, self.database))

    @cached_property
    def reader(self) -> MediaReader:
        """Opens stored files."""
        return MediaReader(self.assets, self.asset_cache, self.cache, self.database.turn)

    @cached_property
    def renditions(self) -> Renditions:
        """Finds and generates sizes of pictures."""
        return Renditions(
            self.rendition_store,
            self.assets,
            self.decoders,
            image_limits(self.settings),
            self.cache,
            self.settings,
            self.has_size,
        )

    def sizes_of(self, site_id: str) -> list[str]:
        """Return the names of a site's own sizes."""
        site = self.sites.by_id(site_id)
        return [row.name for row in own_rows(site.sizes).values()] if site else []

    def has_size(self, site_id: str, variant: str) -> bool:
        """Return whether a site has the size `variant`."""
        return variant in VARIANTS or variant in self.sizes_of(site_id)

    @cached_property
    def signed_links(self) -> SignedLinks:
        """The links to private files."""
        return SignedLinks(LinkKeys(self.database), self.assets, self.settings)

    @cached_property
    def uploads(self) -> UploadService:
        """General uploads."""
        return UploadService(UploadStore(self.database), self.library, self.settings)

    @cached_property
    def tus(self) -> TusService:
        """Resumable uploads."""
        return TusService(TusStore(self.database), self.uploads, self.library, self.settings)

    @cached_property
    def tickets(self) -> TicketService:
        """Uploads of people without an account."""
        tries = Tries(self.rate_limits, "ticket", per_minute=self.settings.max_logins_per_minute)
        store = TicketStore(self.database)
        return TicketService(store, self.uploads, self.library, self.callers, tries)

    def scan_walk(self, job_id: str) -> ScanWalk:
        """Return the scan of stored files for the job `job_id`."""
        home = self.database.home
        changes = Stores(self.settings, home).audit

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

        if self.scanner is None:
            raise ValueError("no scanner is set up")
        return ScanWalk(
            ScanStore(self.database),
            QuarantineStore(home),
            AssetStore(home),
            RenditionStore(home),
            self.scanner,
            found,
        )
