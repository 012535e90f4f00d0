"""The use cases of product imports: start, show, undo."""

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

from avenue.config import Settings
from avenue.errors import Forbidden, sentence
from avenue.identity import Actor, Role, new_id
from avenue.jobs.models import Job, State as JobState
from avenue.jobs.service import JobService
from avenue.shop.importing.columns import MOST_OWN, ColumnNames, OwnColumn, key_of
from avenue.shop.importing.errors import (
    BadColumns,
    ImportNotFound,
    ImportUnfinished,
    NotAFinishedDryRun,
    NotTheLastImport,
)
from avenue.shop.importing.models import (
    Import,
    ImportStanding,
    NewImport,
    RowPage,
    RowQuery,
    Stage,
    State,
)
from avenue.shop.importing.reading import read_table
from avenue.shop.importing.values import rows_of
from avenue.shop.models import ListQuery, Page
from avenue.shop.service.pictures import is_own_picture
from avenue.shop.store.imports import ImportStore
from avenue.storage.idempotency import IdempotencyKeyReused
from avenue.web.language import LOCALES

IMPORT = "product_import"
UNDO = "product_import_undo"
MOST_COLUMNS = sentence("You can save up to {most} column names.")
GIVEN_UP = "It was given up; send the same file again and it goes on."


class ImportService:
    """Imports of products. Sellers import their own products, staff and administrators all."""

    def __init__(self, imports: ImportStore, jobs: JobService, settings: Settings) -> None:
        self._imports = imports
        self._jobs = jobs
        self._most_rows = settings.max_import_rows
        self._most_json_levels = settings.max_json_depth

    def columns(self, actor: Actor) -> tuple[OwnColumn, ...]:
        """Return the site's own column names."""
        actor.must_be_signed_in(Role.SELLER)
        return self._imports.columns(actor.site.id)

    def put_columns(self, actor: Actor, columns: Sequence[OwnColumn]) -> bool:
        """Set the site's own column names; return whether they changed.

        For staff and administrators. Raise `BadColumns`.
        """
        if not actor.runs_shop:
            raise Forbidden
        keys = [key_of(each.name) for each in columns]
        if len(columns) > MOST_OWN:
            raise BadColumns(MOST_COLUMNS, words={"most": MOST_OWN})
        if len(set(keys)) < len(keys):
            raise BadColumns(sentence("Two of the names are the same."))
        is_new = set(self._imports.columns(actor.site.id)) != set(columns)
        if is_new:
            self._imports.put_columns(actor.site.id, columns)
        return is_new

    def start(
        self,
        actor: Actor,
        file: BinaryIO,
        *,
        name: str,
        sha256: str,
        dry_run: bool,
        key: str | None,
        fetch_images: bool = False,
    ) -> tuple[ImportStanding, bool]:
        """Start an import of the table in `file`, and return whether it is a new one.

        With `fetch_images` the pictures at its `image_urls` are imported after the rows.

        It is not new if this `key` (Idempotency-Key) started one, or one with the same bytes is
        unfinished; one that was given up is resumed then. Raise `UnreadableTable`, `NoSkuColumn`,
        `TooManyRows`, `InvalidBody` or `IdempotencyKeyReused`; then nothing is left behind.
        """
        actor.must_be_signed_in(Role.SELLER)
        site = actor.site
        table = read_table(
            file,
            ColumnNames(self._imports.columns(site.id)),
            most_rows=self._most_rows,
            most_json_levels=self._most_json_levels,
        )
        new = NewImport(
            id=new_id(),
            by=str(actor.id),
            runs_shop=actor.runs_shop,
            name=name,
            layout=table.layout,
            sha256=sha256,
            dry_run=dry_run,
            key=key,
            total=table.total,
            fetch_images=fetch_images,
        )
        run = self._imports.begin(site.id, new)
        if (run.sha256, run.dry_run, run.fetch_images) != (sha256, dry_run, fetch_images):
            raise IdempotencyKeyReused
        if run.stage is Stage.RECEIVING:
            is_own = functools.partial(is_own_picture, site)
            rows = rows_of(table, is_own, LOCALES.get(site.language, "en"))
            self._imports.put_rows(site.id, run.id, rows)
        return self._at_work(site.id, run.id), run.id == new.id

    def apply(
        self, actor: Actor, import_id: str, *, fetch_images: bool = False
    ) -> tuple[ImportStanding, bool]:
        """Start an import of the rows of an own dry run, and return whether it is a new one.

        Rows that the dry run refused stay refused. Applied once more, it is the same import;
        pictures are fetched as in `start`, if this or the dry run says so. Raise `ImportNotFound`
        or `NotAFinishedDryRun`.
        """
        dry = self._own(actor, import_id)
        if not dry.dry_run or dry.stage is not Stage.DONE:
            raise NotAFinishedDryRun
        site_id = actor.site.id
        new = NewImport(
            id=new_id(),
            by=str(actor.id),
            runs_shop=actor.runs_shop,
            name=dry.name,
            layout=dry.layout,
            sha256=dry.sha256,
            dry_run=False,
            key=f"apply {dry.id}",
            total=dry.total,
            fetch_images=fetch_images or dry.fetch_images,
        )
        run = self._imports.begin(site_id, new)
        if run.stage is Stage.RECEIVING:
            self._imports.put_rows(site_id, run.id, self._imports.all_rows(site_id, dry.id))
        return self._at_work(site_id, run.id), run.id == new.id

    def get(self, actor: Actor, import_id: str) -> ImportStanding:
        """Return an own import; raise `ImportNotFound`."""
        return self._standing(self._own(actor, import_id))

    def find(self, actor: Actor, query: ListQuery) -> Page:
        """Return a page of the actor's own imports, for staff and administrators of all."""
        actor.must_be_signed_in(Role.SELLER)
        by = None if actor.runs_shop else actor.id
        found, total = self._imports.find(actor.site.id, query, by=by)
        page = Page.of(found, query.limit, lambda last: (last.created_at, last.id), total=total)
        return replace(page, items=tuple(map(self._standing, page.items)))

    def rows(self, actor: Actor, import_id: str, query: RowQuery) -> RowPage:
        """Return some rows of an own import; raise `ImportNotFound`."""
        run = self._own(actor, import_id)
        return self._imports.rows(actor.site.id, run.id, query)

    def may_undo(self, actor: Actor, run: Import) -> bool:
        """Return whether `undo` would succeed for an own import now."""
        if run.dry_run or run.stage is not Stage.DONE:
            return False
        last = self._imports.last_that_changed(actor.site.id, run.by)
        return last is not None and last.id == run.id

    def undo(self, actor: Actor, import_id: str) -> ImportStanding:
        """Start undoing an own import; repeatable until that is finished.

        Only the last one of its person that changed something: raise `NotTheLastImport`, or
        `ImportUnfinished` while it is running.
        """
        run = self._own(actor, import_id)
        last = self._imports.last_that_changed(actor.site.id, run.by)
        if last is None or last.id != run.id:
            raise NotTheLastImport
        if last.stage is Stage.APPLYING and not _is_over(self._job_of(last)):
            raise ImportUnfinished
        self._imports.begin_undo(actor.site.id, last)
        return self._at_work(actor.site.id, last.id)

    def undo_last(self, actor: Actor) -> ImportStanding:
        """Start undoing the actor's last import that changed something."""
        actor.must_be_signed_in(Role.SELLER)
        last = self._imports.last_that_changed(actor.site.id, str(actor.id))
        if last is None:
            raise NotTheLastImport(sentence("There is no import to undo."))
        return self.undo(actor, last.id)

    def _own(self, actor: Actor, import_id: str) -> Import:
        """Return an import the actor may see; for everyone else it does not exist."""
        actor.must_be_signed_in(Role.SELLER)
        run = self._imports.get(actor.site.id, import_id)
        if not actor.runs_shop and run.by != actor.id:
            raise ImportNotFound
        return run

    def _at_work(self, site_id: str, import_id: str) -> ImportStanding:
        """Make sure that a job processes an unfinished import, and return it."""
        run = self._imports.get(site_id, import_id)
        undoes = run.stage is Stage.UNDOING
        if (undoes or run.stage is Stage.APPLYING) and _is_over(self._job_of(run)):
            kind = UNDO if undoes else IMPORT
            job = self._jobs.enqueue(kind, {"import": run.id}, site=site_id, key=run.id)
            self._imports.set_job(site_id, run.id, job.id, undoes=undoes)
            run = self._imports.get(site_id, import_id)
        return self._standing(run)

    def _standing(self, run: Import) -> ImportStanding:
        finished = {Stage.DONE: State.DONE, Stage.UNDONE: State.UNDONE}
        if run.stage in finished:
            images = self._jobs.known(run.images_job)
            return ImportStanding(run=run, state=finished[run.stage], error=None, images=images)
        job = self._job_of(run)
        if _job_id(run) and _is_over(job):
            error = (job and job.error) or GIVEN_UP
            return ImportStanding(run=run, state=State.FAILED, error=error)
        state = State.RUNNING if job and job.state is JobState.RUNNING else State.QUEUED
        if run.stage is Stage.UNDOING:
            state = State.UNDOING
        return ImportStanding(run=run, state=state, error=job.error if job else None)

    def _job_of(self, run: Import) -> Job | None:
        return self._jobs.known(_job_id(run))


def _job_id(run: Import) -> str | None:
    return run.undo.job if run.undo else run.job


def _is_over(job: Job | None) -> bool:
    return job is None or job.is_finished
