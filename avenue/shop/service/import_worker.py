"""The jobs that import products and undo imports."""

from collections.abc import Mapping, Sequence

from avenue.audit.service import AuditService
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.jobs.runner import RunningJob
from avenue.jobs.service import JobService
from avenue.media.references import IMPORT_EXTERNAL
from avenue.shop.importing.deciding import Decider, decide_undo
from avenue.shop.importing.models import Decision, Found, Import, NewRow, Stage
from avenue.shop.service.imports import IMPORT, UNDO
from avenue.shop.store.import_processing import ImportProcessing


class ImportWorker:
    """Runs imports, some rows at a time, and resumes interrupted ones."""

    def __init__(
        self, imports: ImportProcessing, jobs: JobService, audit: AuditService, settings: Settings
    ) -> None:
        self._imports = imports
        self._jobs = jobs
        self._audit = audit
        self._most_images = settings.max_images_per_product

    def apply(self, job: RunningJob) -> Mapping[str, int]:
        """Import the rows of the import named in the job; return how many by outcome."""
        site_id, import_id = str(job.site), str(job.args["import"])
        while True:
            run = self._imports.apply_some(site_id, import_id, self._decide)
            job.save(cursor=run.done, done=run.done, total=run.total)
            if run.stage is not Stage.APPLYING:
                if not run.dry_run:
                    self._write_down("import.finished", run, job, IMPORT, run.counts)
                    self._fetch_images(site_id, run)
                return run.counts

    def undo(self, job: RunningJob) -> Mapping[str, int]:
        """Undo the import named in the job; return how many rows by reversal."""
        site_id, import_id = str(job.site), str(job.args["import"])
        while True:
            run = self._imports.undo_some(site_id, import_id, decide_undo)
            if run.undo is None:
                return {}
            job.save(cursor=run.undo.done, done=run.undo.done, total=run.undo.total)
            if run.stage is not Stage.UNDOING:
                self._imports.remove_empty_groups(site_id, import_id)
                self._write_down("import.undone", run, job, UNDO, run.undo.counts)
                return run.undo.counts

    def _fetch_images(self, site_id: str, run: Import) -> None:
        """Queue a job that imports the pictures of an import's rows, if requested."""
        if run.fetch_images and run.images_job is None:
            args = {"import": run.id}
            job = self._jobs.enqueue(IMPORT_EXTERNAL, args, site=site_id, key=f"table {run.id}")
            self._imports.set_images_job(site_id, run.id, job.id)

    def _write_down(
        self, action: str, run: Import, job: RunningJob, kind: str, counts: Mapping[str, int]
    ) -> None:
        self._audit.record_job(
            str(job.site),
            action,
            run.id,
            job_id=job.id,
            job_kind=kind,
            details={"by": run.by, **counts},
            entry_id=job.id,
        )

    def _decide(self, run: Import, rows: Sequence[NewRow], found: Found) -> list[Decision]:
        decider = Decider(run, found, most_images=self._most_images, now=utc_now())
        return decider.decide(rows)
