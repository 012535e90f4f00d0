"""Moves in and out as jobs: what `avenue.moves` begins is done here."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from avenue.app.exports import export, export_import_of
from avenue.app.files import AdoptionOrder, adoption_of, folder_import_of
from avenue.app.imports import MOST_TOLD, SourceOrder, planned_facts, source_import_of
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import AvenueError, StorageFull, Unavailable
from avenue.export.models import Exported, ExportOrder, Part
from avenue.export.presenting import exported_json
from avenue.jobs.errors import GiveUp
from avenue.jobs.runner import Handler, RunningJob
from avenue.jobs.sealing import Sealing
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.migration.adopt.presenting import adoption_facts
from avenue.migration.adopt.service import Adoption
from avenue.migration.models import FolderOrder, Kind, Outcome, Problem
from avenue.migration.plan import Plan
from avenue.migration.sources.plan import EntryPlan
from avenue.moves.models import (
    ADOPT,
    EXPORT,
    IMPORT_EXPORT,
    IMPORT_FOLDER,
    IMPORT_FROM,
    SEALED,
)
from avenue.moves.service import MoveService
from avenue.storage.connection import Database
from avenue.storage.earlier import Changes, SourceAway
from avenue.storage.schema import DEFAULT_SITE

SAVE_SECONDS = 0.5
"""How far a job is, is written no more often; a pause waits as long."""
Facts = dict[str, Any]


def move_service(settings: Settings, database: Database) -> MoveService:
    """Return what begins moves, for the panel and for commands."""
    jobs = JobService(MongoJobStore(database))
    move_dir = Path(settings.move_dir) if settings.move_dir else None
    return MoveService(jobs, Sealing(settings.secret_key), move_dir)


class MoveJobs:
    """The handlers of these jobs."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._sealing = Sealing(settings.secret_key)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Each kind with what does it."""
        return {
            ADOPT: self.adopt,
            IMPORT_FROM: self.bring_source,
            IMPORT_FOLDER: self.bring_folder,
            IMPORT_EXPORT: self.bring_export,
            EXPORT: self.take_out,
        }

    def adopt(self, job: RunningJob) -> Facts:
        """Bring an earlier application's database in; one that follows goes on until it is ended.

        A run that goes on reads everything anew: what is in already is only compared.
        """
        args = job.args
        with _ends_at_once():
            order = AdoptionOrder(
                uri=self._sealing.opened(args[SEALED]),
                map=args["map"],
                files=Path(args["files"]) if args["files"] else None,
                hosts=tuple(args["hosts"]),
            )
            follows = args["follows"] and not args["is_dry"]
            with (
                adoption_of(self._settings, self._database, _site(job), order) as adoption,
                # From before the first pass, so that nothing that changes during it is missed.
                adoption.changes() if follows else nullcontext() as changes,
            ):
                passes = _Passes(job, adoption, is_dry=args["is_dry"])
                facts = passes.make()
                while changes is not None:
                    passes.follow(changes)
        return facts

    def bring_source(self, job: RunningJob) -> Facts:
        """Bring in what another service or a list of URLs has."""
        order = SourceOrder(
            address=job.args["where"],
            kind=Kind(job.args["as"]),
            hosts=tuple(job.args["hosts"]),
            is_public=job.args["is_public"],
        )
        with (
            _ends_at_once(),
            closing(EntryPlan()) as plan,
            source_import_of(self._settings, self._database, _site(job), order, plan) as opened,
        ):
            told = _Told(job)
            for _ in opened.work.read(job.save):
                told.tell(0, None)
            amounts = plan.amounts()
            is_dry = job.args["is_dry"]
            work = opened.work.preview() if is_dry else opened.work.bring(job.save)
            told.watch(work, amounts.entries)
            return {
                **_counts(plan),
                "plan": planned_facts(opened, plan),
                "silent_total": plan.count_silent(),
                "refused": _named(plan.refused()),
                "silent": _named(plan.silent()),
            }

    def bring_folder(self, job: RunningJob) -> Facts:
        """Bring in a folder or a ZIP of this machine."""
        order = FolderOrder(
            place=Path(job.args["where"]),
            kind=Kind(job.args["as"]),
            prefix=job.args["prefix"],
            hosts=tuple(job.args["hosts"]),
            is_public=job.args["is_public"],
        )
        with (
            _ends_at_once(),
            closing(Plan()) as plan,
            folder_import_of(self._settings, self._database, _site(job), order, plan) as importing,
        ):
            told = _Told(job)
            for _ in importing.read():
                told.tell(0, None)
            work = importing.preview() if job.args["is_dry"] else importing.bring()
            told.watch(work, plan.count_contents())
            return {
                **_counts(plan),
                "skipped_total": plan.count_skipped(),
                "refused": _named(plan.refused()),
            }

    def bring_export(self, job: RunningJob) -> Facts:
        """Bring in what `export` has written."""
        where = job.args["where"]
        with (
            _ends_at_once(),
            export_import_of(self._settings, self._database, _site(job), where) as opened,
        ):
            told, work = _Told(job), opened.work
            for _ in work.read():
                told.tell(0, None)
            told.watch(work.preview() if job.args["is_dry"] else work.bring(), work.steps)
            return {
                "stored": work.count_files(Outcome.STORED),
                "duplicates": work.count_files(Outcome.DUPLICATE),
                "unchanged": work.count_files(Outcome.UNCHANGED),
                "refused_total": work.count_files(Outcome.REFUSED),
                **{name: sum(counts.values()) for name, counts in work.counts.items()},
                "refused": _named(work.refused()),
                "silent": _named(work.silent()),
            }

    def take_out(self, job: RunningJob) -> Facts:
        """Take a site out as files."""
        order = ExportOrder(
            parts=frozenset(map(Part, job.args["parts"])),
            has_private=job.args["has_private"],
            is_trial=job.args["is_dry"],
        )
        told, where = _Told(job), job.args["where"]

        def tell(counts: Exported) -> None:
            told.tell(counts.files + counts.pages, None)

        with _ends_at_once():
            work = export(self._settings, self._database, _site(job), where, order, tell)
        facts = exported_json(work.counts, work.left, where, is_trial=order.is_trial)
        return {**facts, "left": facts["left"][:MOST_TOLD], "left_total": len(facts["left"])}


class _Told:
    """Keeps how far a job is, now and then.

    The cursor is the most that was done in a run: it moves only when a run gets further than every
    one before, so that a job whose runs all end at the same place is given up.
    """

    def __init__(self, job: RunningJob) -> None:
        self._job = job
        self._saved_at = float("-inf")
        self.cursor: Facts = dict(job.cursor or {})

    def tell(self, done: int, total: int | None) -> None:
        """Keep how far it is; raise what `RunningJob.save` does."""
        if time.monotonic() - self._saved_at < SAVE_SECONDS:
            return
        self.cursor["most"] = max(self.cursor.get("most", 0), done)
        self._job.save(cursor=dict(self.cursor), done=done, total=total)
        self._saved_at = time.monotonic()

    def watch(self, steps: Iterator[None], total: int) -> None:
        """Do the work of `steps`, and keep how far it is."""
        done = 0
        for _ in steps:
            done += 1
            self.tell(done, max(total, done))
        self._job.save(done=done, total=done)

    def report(self, facts: Facts, *, behind_seconds: float | None) -> None:
        """Keep what a pass did, for who looks at it while the job goes on."""
        self.cursor["report"] = facts
        self.cursor["passes"] = self.cursor.get("passes", 0) + 1
        self.cursor["behind_seconds"] = behind_seconds
        self._job.save(cursor=dict(self.cursor))


class _Passes:
    """The passes of an adoption: one, or another one after each change."""

    def __init__(self, job: RunningJob, adoption: Adoption, *, is_dry: bool) -> None:
        self._adoption = adoption
        self._is_dry = is_dry
        self._told = _Told(job)

    def make(self, *, first: Any = None) -> Facts:
        """Make a pass and return what it did; `first` is when the first change was made."""
        for _ in self._adoption.read():
            self._told.tell(0, None)
        total = sum(each.documents for each in self._adoption.recognised)
        self._told.watch(
            self._adoption.preview() if self._is_dry else self._adoption.bring(), total
        )
        facts = adoption_facts(self._adoption)
        behind = (utc_now() - first).total_seconds() if first else None
        self._told.report(facts, behind_seconds=behind)
        return facts

    def follow(self, changes: Changes) -> None:
        """Wait for a change for a moment, and make a pass when there was one."""
        first = min(changes.taken(), default=None)
        if first is None:
            self._told.tell(0, 0)
        else:
            self.make(first=first)


@contextmanager
def _ends_at_once() -> Iterator[None]:
    """Let a job fail at once for what another try would meet again.

    When our own database is away, it is tried again. The other place is asked again by whoever
    begins the job once more: they see what it answered.
    """
    try:
        yield
    except SourceAway as error:
        raise GiveUp(error) from error
    except AvenueError as error:
        if isinstance(error, Unavailable) and not isinstance(error, StorageFull):
            raise
        raise GiveUp(error) from error


def _site(job: RunningJob) -> str:
    return job.site or DEFAULT_SITE


def _counts(plan: Plan | EntryPlan) -> Facts:
    return {
        "stored": plan.count(Outcome.STORED),
        "duplicates": plan.count(Outcome.DUPLICATE),
        "unchanged": plan.count(Outcome.UNCHANGED),
        "refused_total": plan.count(Outcome.REFUSED),
        "rewritten": plan.count_rewritten(),
    }


def _named(problems: Iterator[Problem]) -> list[Facts]:
    return [asdict(each) for each in islice(problems, MOST_TOLD)]
