"""The use cases of pictures by SKU: check a ZIP, return the plan, apply it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import AvenueError, NotFound, Unavailable
from avenue.identity import Actor, Limit, Role, new_id
from avenue.jobs.models import Job, State as JobState
from avenue.jobs.service import JobService
from avenue.media.archives import ArchiveFile
from avenue.media.errors import DamagedFile, InfectedFile
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Incoming, UploadRequest
from avenue.media.intake.policy import UploadPolicy
from avenue.media.models import Asset
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.seekable_file import SeekableFile
from avenue.shop.errors import OneFileOnly, ProductNotFound
from avenue.shop.matching.errors import (
    ArchiveExpired,
    FileNotInArchive,
    ImportBegun,
    NothingToBring,
    PictureImportNotFound,
)
from avenue.shop.matching.models import (
    FilePage,
    FileQuery,
    MatchedProduct,
    PictureImport,
    PictureImportStanding,
    PlannedFile,
    Stage,
    State,
)
from avenue.shop.matching.planning import plan
from avenue.shop.models import ListQuery, Page, Product
from avenue.shop.service.access import may_change
from avenue.shop.service.picture_archives import named, opened, unpacked
from avenue.shop.service.pictures import MOST_BYTES_TO_SHRINK
from avenue.shop.store.picture_imports import PictureImportStore
from avenue.shop.store.product_queries import ProductQueries
from avenue.storage.collection import AlreadyThere
from avenue.storage.idempotency import IdempotencyKeyReused

PICTURES_BY_SKU = "pictures_by_sku"
GIVEN_UP = "It was given up; send the same ZIP again, nothing is stored twice."


class PictureImportService:
    """Imports of pictures. Sellers add pictures to their own products, others to all."""

    def __init__(
        self,
        imports: PictureImportStore,
        products: ProductQueries,
        library: MediaLibrary,
        reader: MediaReader,
        jobs: JobService,
        pictures: UploadPolicy,
        archives: UploadPolicy,
        settings: Settings,
    ) -> None:
        self._imports = imports
        self._products = products
        self._library = library
        self._reader = reader
        self._tmp_dir = settings.tmp_dir
        self._jobs = jobs
        self._pictures = pictures
        self._archives = archives
        self._limit = settings.max_images_per_product
        self._hours = settings.unclaimed_hours

    def look(self, actor: Actor, file: ArchiveFile) -> list[PlannedFile]:
        """Return the classification of each file of a ZIP, by its name and its first bytes.

        Raise `UnsafeArchive` or `TooManyFiles`.
        """
        actor.must_be_signed_in(Role.SELLER)
        with opened(file) as archive:
            files = named(archive, self._pictures)
        site = actor.site
        owner = None if actor.runs_shop else str(actor.id)
        return plan(
            files,
            self._products.with_sku(site.id, owner=owner),
            most_bytes=max(self._pictures.on(site).max_bytes, MOST_BYTES_TO_SHRINK),
            most_pictures=site.limit(Limit.IMAGES_PER_PRODUCT, self._limit),
        )

    def start(
        self, actor: Actor, incoming: Incoming, *, name: str, key: str | None
    ) -> tuple[PictureImportStanding, bool]:
        """Store a ZIP and its plan, and return whether it is a new import.

        It is not new if this `key` (Idempotency-Key) started one. No product is changed. Raise
        `UnsupportedMediaType`, `UnsafeArchive`, `TooManyFiles`, `IdempotencyKeyReused`,
        `InfectedFile`, or the errors of the library; then nothing is left behind.
        """
        actor.must_be_signed_in(Role.SELLER)
        if key is not None and (known := self._known(actor, incoming, key)):
            return self._standing(known), False
        self._archives.check_bytes(incoming.length)
        incoming.file.seek(0)
        self._archives.check_type(incoming.file.read(4))
        planned = self.look(actor, incoming.file)
        order = UploadRequest(
            policy=self._archives,
            target="picture_archive",
            key=None,
            room=1,
            no_room=OneFileOnly(),
        )
        with self._library.receiving(actor, order, [incoming]) as upload_result:
            upload_result.raise_if_empty()
            _check_clean(upload_result.new[0])
            new = self._new(actor, incoming, upload_result.new[0].id, name, key, planned)
            self._imports.put_files(actor.site.id, new.id, planned)
            try:
                self._imports.begin(actor.site.id, new, upload_result, hours=self._hours)
            except AlreadyThere:  # a simultaneous identical request was faster
                upload_result.fates = {}
        if (
            key is not None
            and not upload_result.fates
            and (known := self._known(actor, incoming, key))
        ):
            return self._standing(known), False
        return self.get(actor, new.id), True

    def get(self, actor: Actor, import_id: str) -> PictureImportStanding:
        """Return an own import; raise `PictureImportNotFound`."""
        return self._standing(self._own(actor, import_id))

    def find(self, actor: Actor, query: ListQuery) -> Page:
        """Return a page of the actor's own imports, for staff and administrators of all."""
        actor.must_be_signed_in(Role.SELLER)
        by = None if actor.runs_shop else str(actor.id)
        found, total = self._imports.find(actor.site.id, query, by=by)
        page = Page.of(found, query.limit, lambda last: (last.created_at, last.id), total=total)
        return replace(page, items=tuple(map(self._standing, page.items)))

    def files(self, actor: Actor, import_id: str, query: FileQuery) -> FilePage:
        """Return some files of an own import; raise `PictureImportNotFound`."""
        run = self._own(actor, import_id)
        return self._imports.files(actor.site.id, run.id, query)

    def assign(
        self, actor: Actor, import_id: str, wanted: Mapping[int, str | None]
    ) -> tuple[PictureImportStanding, int]:
        """Assign files of an own import to products manually, by number; None is no product.

        Return how many of them changed. Raise `PictureImportNotFound`, `ProductNotFound`,
        `FileNotInArchive`, `ArchiveExpired` or `ImportBegun`; then nothing has changed.
        """
        run, site_id = self._own(actor, import_id), actor.site.id
        if run.stage is not Stage.PLANNED:
            raise ImportBegun
        if self._standing(run).state is State.EXPIRED:
            raise ArchiveExpired
        products = {
            each.id: each
            for each in self._products.these(site_id, [each for each in wanted.values() if each])
            if may_change(actor, each)
        }
        if any(each and each not in products for each in wanted.values()):
            raise ProductNotFound
        matched = {
            number: _matched_product(products[product]) if product else None
            for number, product in wanted.items()
        }
        changed = self._imports.assign(site_id, run, matched)
        return self.get(actor, run.id), changed

    def thumbnail(self, actor: Actor, import_id: str, number: int) -> bytes:
        """Return a picture in the ZIP of an own import, as a small WebP.

        Raise `PictureImportNotFound`, `FileNotInArchive`, `ArchiveExpired`, `NotScanned` or
        `DamagedFile`.
        """
        run, site = self._own(actor, import_id), actor.site
        file = self._imports.file(site.id, run.id, number)
        if file is None:
            raise FileNotInArchive
        asset = self._reader.find_now(site, run.archive)
        if asset is None:
            raise ArchiveExpired
        policy = self._pictures.on(site)
        try:
            with (
                opened(SeekableFile(self._reader.open(asset))) as archive,
                unpacked(archive, file, policy, self._tmp_dir) as picture,
            ):
                return self._library.thumbnail(picture.file, policy.check_file(picture.file))
        except (NotFound, Unavailable, DamagedFile):
            raise
        except AvenueError as error:  # not a picture after all, or one that cannot be opened
            raise FileNotInArchive from error

    def apply(self, actor: Actor, import_id: str) -> PictureImportStanding:
        """Start importing the matched pictures of an own import; repeatable.

        Raise `PictureImportNotFound`, `ArchiveExpired` or `NothingToBring`.
        """
        run, site_id = self._own(actor, import_id), actor.site.id
        if not run.total:
            raise NothingToBring
        if run.stage is Stage.PLANNED:
            self._imports.begin_applying(site_id, run, hours=self._hours)
            run = self._imports.get(site_id, run.id)
        if run.stage is Stage.APPLYING and _is_over(self._job_of(run)):
            args = {"import": run.id}
            job = self._jobs.enqueue(PICTURES_BY_SKU, args, site=site_id, key=run.id)
            self._imports.set_job(site_id, run.id, job.id)
        return self.get(actor, run.id)

    def _known(self, actor: Actor, incoming: Incoming, key: str) -> PictureImport | None:
        known = self._imports.by_key(actor.site.id, str(actor.id), key)
        if known is not None and known.sha256 != incoming.sha256:
            raise IdempotencyKeyReused
        return known

    def _new(
        self,
        actor: Actor,
        incoming: Incoming,
        archive: str,
        name: str,
        key: str | None,
        planned: list[PlannedFile],
    ) -> PictureImport:
        now = utc_now()  # a placeholder for the server's time, which is stored
        return PictureImport(
            id=new_id(),
            by=str(actor.id),
            role=_role_of(actor),
            name=name,
            sha256=incoming.sha256,
            archive=archive,
            key=key,
            stage=Stage.PLANNED,
            job=None,
            done=0,
            found=Counter(each.finding.value for each in planned),
            created_at=now,
            expires_at=now,
            finished_at=None,
        )

    def _own(self, actor: Actor, import_id: str) -> PictureImport:
        """Return an import the actor may see; for everyone else it does not exist."""
        actor.must_be_signed_in(Role.SELLER)
        run = self._imports.get(actor.site.id, import_id)
        if not actor.runs_shop and run.by != actor.id:
            raise PictureImportNotFound
        return run

    def _standing(self, run: PictureImport) -> PictureImportStanding:
        if run.stage is Stage.DONE:
            return PictureImportStanding(run=run, state=State.DONE, error=None)
        if run.stage is Stage.PLANNED:
            state = State.PLANNED if utc_now() < run.expires_at else State.EXPIRED
            return PictureImportStanding(run=run, state=state, error=None)
        job = self._job_of(run)
        if _is_over(job):  # or the process that was to start it was killed
            error = (job and job.error) or GIVEN_UP
            return PictureImportStanding(run=run, state=State.FAILED, error=error)
        state = State.RUNNING if job and job.state is JobState.RUNNING else State.QUEUED
        return PictureImportStanding(run=run, state=state, error=job.error if job else None)

    def _job_of(self, run: PictureImport) -> Job | None:
        return self._jobs.known(run.job)


def _role_of(actor: Actor) -> Role:
    """Return the role with whose permissions the pictures are imported."""
    if actor.is_admin:
        return Role.ADMIN
    return Role.STAFF if actor.runs_shop else Role.SELLER


def _matched_product(product: Product) -> MatchedProduct:
    return MatchedProduct(
        product=product.id,
        sku=product.sku or "",
        name=product.name,
        pictures=len(product.images),
    )


def _is_over(job: Job | None) -> bool:
    return job is None or job.is_finished


def _check_clean(archive: Asset) -> None:
    """Raise `InfectedFile`.

    An unscanned one is accepted, because each of its pictures is scanned.
    """
    scan = archive.current.scan
    if scan is not None and scan.signature is not None:
        raise InfectedFile(signature=scan.signature)
