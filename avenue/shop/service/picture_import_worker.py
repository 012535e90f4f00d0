"""The job that imports pictures by SKU."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from avenue.audit.service import AuditService
from avenue.config import Settings
from avenue.errors import AvenueError, StorageFull, Unavailable
from avenue.identity import Actor, Site
from avenue.jobs.errors import GiveUp
from avenue.jobs.runner import RunningJob
from avenue.media.archives import Archive
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Incoming
from avenue.media.intake.policy import UploadPolicy
from avenue.media.models import Claim
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.seekable_file import SeekableFile
from avenue.shop.matching.errors import ArchiveExpired
from avenue.shop.matching.models import KeptFile, Outcome, PictureImport, Stage
from avenue.shop.models import PRODUCT, Failure
from avenue.shop.service.picture_archives import opened, unpacked
from avenue.shop.service.picture_imports import PICTURES_BY_SKU
from avenue.shop.service.pictures import PictureService
from avenue.shop.store.picture_imports import PictureImportStore
from avenue.storage.idempotency import UploadInProgress


class PictureImportWorker:
    """Runs imports of pictures, file by file; resumes interrupted ones.

    The key of each file identifies its upload in all attempts.
    """

    def __init__(
        self,
        imports: PictureImportStore,
        pictures: PictureService,
        library: MediaLibrary,
        reader: MediaReader,
        audit: AuditService,
        policy: UploadPolicy,
        site_named: Callable[[str], Site],
        settings: Settings,
    ) -> None:
        self._imports = imports
        self._pictures = pictures
        self._library = library
        self._reader = reader
        self._audit = audit
        self._policy = policy
        self._site_named = site_named
        self._tmp_dir = settings.tmp_dir

    def apply(self, job: RunningJob) -> Mapping[str, int]:
        """Import the pictures of the import named in the job; return how many by outcome."""
        site = self._site_named(str(job.site))
        run = self._imports.get(site.id, str(job.args["import"]))
        if run.stage is Stage.APPLYING:
            run = self._taken_in(site, run, job)
            run = self._imports.finish(site.id, run)
        # Also when resumed after `finish`: the entry may be missing.
        self._audit.record_job(
            site.id,
            "picture_import.finished",
            run.id,
            job_id=job.id,
            job_kind=PICTURES_BY_SKU,
            details={"by": run.by, **run.counts},
            entry_id=job.id,
        )
        if archive := self._imports.discard_archive(site.id, run):
            self._library.purge(archive)
        return run.counts

    def _taken_in(self, site: Site, run: PictureImport, job: RunningJob) -> PictureImport:
        actor = Actor(site=site, id=run.by, role=run.role)
        asset = self._reader.find_now(site, run.archive)
        if asset is None:
            raise ArchiveExpired
        with opened(SeekableFile(self._reader.open_to_take_apart(asset))) as archive:
            job.save(done=run.done, total=run.total)
            while file := self._imports.next_file(site.id, run):
                outcome, failure = self._outcome(actor, run, archive, file)
                run = self._imports.note(site.id, run, file, outcome, failure)
                job.save(cursor=file.number, done=run.done, total=run.total)
        return run

    def _outcome(
        self, actor: Actor, run: PictureImport, archive: Archive, file: KeptFile
    ) -> tuple[Outcome, Failure | None]:
        """Import one picture and return its outcome.

        Raise errors that are not about the picture: the next attempt may succeed. If there is no
        space for it, the job fails at once, and continues here when a person starts it again.
        """
        try:
            with self._fitting(actor.site, archive, file) as picture:
                upload_result = self._pictures.add(
                    actor,
                    Claim(kind=PRODUCT, id=file.matched.product if file.matched else ""),
                    [picture],
                    key=f"{run.id}/{file.number}",
                )
        except (Unavailable, UploadInProgress):
            raise
        except StorageFull as error:  # also of a quota
            raise GiveUp(error) from error
        except AvenueError as error:
            return Outcome.REFUSED, Failure.of(error)
        # A replayed upload was stored by a run that was killed right after it.
        is_new = upload_result.created or upload_result.replayed
        return (Outcome.ADDED if is_new else Outcome.PRESENT), None

    @contextmanager
    def _fitting(self, site: Site, archive: Archive, file: KeptFile) -> Iterator[Incoming]:
        """Yield a file of the archive, reduced if it is too large."""
        policy = self._policy.on(site)
        with unpacked(archive, file, policy, self._tmp_dir) as picture:
            if picture.length <= policy.max_bytes:
                yield picture
                return
            with self._pictures.shrunk(policy, picture) as shrunk:
                yield shrunk
