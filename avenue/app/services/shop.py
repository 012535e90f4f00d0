"""The services of the shop."""

from dataclasses import dataclass
from functools import cached_property

from avenue.app.services.website import Website
from avenue.media.intake.policy import (
    picture_archives,
    product_pictures,
)
from avenue.shop.service.bulk import BulkService
from avenue.shop.service.groups import GroupService
from avenue.shop.service.imports import ImportService
from avenue.shop.service.picture_import_worker import PictureImportWorker
from avenue.shop.service.picture_imports import PictureImportService
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.shop.service.samples import SampleService
from avenue.shop.store.groups import GroupStore
from avenue.shop.store.imports import ImportStore
from avenue.shop.store.picture_imports import PictureImportStore
from avenue.shop.store.pictures import PictureStore
from avenue.shop.store.product_queries import ProductQueries
from avenue.shop.store.products import ProductStore
from avenue.shop.store.samples import SampleStore
from avenue.shop.store.status import StatusStore


@dataclass(frozen=True)
class Shop(Website):
    """Products, groups and their pictures."""

    @cached_property
    def product_store(self) -> ProductStore:
        """The store of products."""
        return ProductStore(self.database)

    @cached_property
    def product_queries(self) -> ProductQueries:
        """The lists of products."""
        return ProductQueries(self.database)

    @cached_property
    def group_store(self) -> GroupStore:
        """The store of groups."""
        return GroupStore(self.database)

    @cached_property
    def shop_status(self) -> StatusStore:
        """What is known of products and groups as a whole."""
        return StatusStore(self.database, self.site_counts)

    @cached_property
    def products(self) -> ProductService:
        """The products."""
        return ProductService(
            self.product_store, self.product_queries, self.group_store, self.library, self.settings
        )

    @cached_property
    def groups(self) -> GroupService:
        """The groups of products."""
        return GroupService(self.group_store, self.product_queries, self.library)

    @cached_property
    def pictures(self) -> PictureService:
        """The pictures of products and groups."""
        return PictureService(
            PictureStore(self.database),
            self.product_store,
            self.group_store,
            self.library,
            product_pictures(self.settings),
            self.legacy_urls,
            self.settings,
        )

    @cached_property
    def bulk(self) -> BulkService:
        """Actions on many products at once."""
        return BulkService(self.products, self.pictures)

    @cached_property
    def samples(self) -> SampleService:
        """The sample products."""
        store = SampleStore(self.database)
        return SampleService(store, self.products, self.groups, self.jobs, self.settings)

    @cached_property
    def product_imports(self) -> ImportService:
        """Imports of products from tables."""
        return ImportService(ImportStore(self.database), self.jobs, self.settings)

    @cached_property
    def picture_imports(self) -> PictureImportService:
        """Imports of pictures by SKU."""
        return PictureImportService(
            PictureImportStore(self.database),
            self.product_queries,
            self.library,
            self.reader,
            self.jobs,
            product_pictures(self.settings),
            picture_archives(self.settings),
            self.settings,
        )

    @cached_property
    def picture_import_worker(self) -> PictureImportWorker:
        """Runs the imports of pictures."""
        return PictureImportWorker(
            PictureImportStore(self.database),
            self.pictures,
            self.library,
            self.reader,
            self.audit,
            product_pictures(self.settings),
            self.sites.named,
            self.settings,
        )
