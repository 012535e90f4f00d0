"""The jobs of `avenue.moves`: imports and exports of a site."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from itertools import chain
from pathlib import Path

from avenue.app.exports import export, export_import_of
from avenue.app.files import AdoptionOrder, adoption_of, folder_import_of
from avenue.app.imports import (
    OpenImport,
    SourceOrder,
    added,
    external_imports_of,
    planned_facts,
    source_import_of,
    table_images_of,
)
from avenue.app.move_progress import Facts, ProgressSaver
from avenue.app.services import Services
from avenue.backup.errors import S3NotInstalled
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import AvenueError, Unavailable
from avenue.export.errors import ExportRefused, ExportUnreachable
from avenue.export.models import Exported, ExportOrder, Part
from avenue.identity import DEFAULT_SITE
from avenue.jobs.errors import GiveUp
from avenue.jobs.runner import Handler, RunningJob
from avenue.media.old_urls import can_answer
from avenue.media.references import IMPORT_EXTERNAL
from avenue.migration.adopt.presenting import adoption_facts, refused
from avenue.migration.adopt.service import Adoption
from avenue.migration.models import FolderOrder, Kind, Outcome
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
from avenue.moves.service import MoveService, place_of
from avenue.moves.store import MoveReports
from avenue.outside.fetching import Fetcher
from avenue.sealing import Sealing
from avenue.storage.connection import Database
from avenue.storage.earlier import SourceAway

MOST_TOLD = 100
"""Entries of each list in a job's result; the complete lists are in its report."""

Lists = Mapping[str, Iterable[Facts]]


def move_service(services: Services) -> MoveService:
    """Return the service that starts imports and exports, for the panel and for commands."""
    settings, reports = services.settings, MoveReports(services.database)
    return MoveService(services.jobs, Sealing(settings.secret_key), reports, _move_dir(settings))


def places_of(settings: Settings) -> Collection[str]:
    """Return the places that this process can access, for jobs that need one."""
    place = place_of(_move_dir(settings))
    return () if place is None else (place,)


def _move_dir(settings: Settings) -> Path | None:
    return Path(settings.move_dir) if settings.move_dir else None


class MoveJobs:
    """The handlers of these jobs."""

    def __init__(
        self, settings: Settings, database: Database, fetcher: Fetcher | None = None
    ) -> None:
        self._settings = settings
        self._database = database
        self._fetcher = fetcher
        self._sealing = Sealing(settings.secret_key)
        self._reports = MoveReports(database)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handler of each kind."""
        return {
            ADOPT: self.adopt,
            IMPORT_FROM: self.bring_source,
            IMPORT_FOLDER: self.bring_folder,
            IMPORT_EXPORT: self.bring_export,
            IMPORT_EXTERNAL: self.bring_external,
            EXPORT: self.take_out,
        }

    def adopt(self, job: RunningJob) -> Facts:
        """Import an earlier application's database; one that follows runs until it is cancelled.

        A resumed run reads everything again, and only compares what was already imported.
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
                # Opened before the first pass, so that no change during it is missed.
                adoption.changes() if follows else nullcontext() as changes,
            ):
                told = ProgressSaver(job)
                facts = self._adopted(job, adoption, told, is_dry=args["is_dry"])
                while changes is not None:
                    first = min(changes.taken(), default=None)
                    if first is None:
                        told.tell(0, 0)
                    else:
                        self._adopted(job, adoption, told, is_dry=False, first=first)
        return facts

    def _adopted(
        self,
        job: RunningJob,
        adoption: Adoption,
        told: ProgressSaver,
        *,
        is_dry: bool,
        first: datetime | None = None,
    ) -> Facts:
        """Make a pass over the database and return its report.

        `first` is the time of the first change, None in the first pass.
        """
        for _ in adoption.read():
            told.tell(0, None)
        total = sum(each.documents for each in adoption.recognised)
        told.watch(adoption.preview() if is_dry else adoption.bring(), total)
        facts = self._reported(job, adoption_facts(adoption), {"refused": refused(adoption)})
        behind = (utc_now() - first).total_seconds() if first else None
        told.report(facts, behind_seconds=behind)
        return facts

    def bring_source(self, job: RunningJob) -> Facts:
        """Import files of another service or of a list of URLs."""
        order = SourceOrder(
            address=job.args["where"],
            kind=Kind(job.args["as"]),
            hosts=tuple(job.args["hosts"]),
            is_public=job.args["is_public"],
        )
        with (
            _ends_at_once(),
            closing(EntryPlan()) as plan,
            source_import_of(
                self._settings, self._database, _site(job), order, plan, self._fetcher
            ) as opened,
        ):
            self._bring(job, [opened], is_dry=job.args["is_dry"])
            counts = {"from": opened.origin.name, "as": order.kind.value, **_counts(plan)}
            counts |= {"plan": job.cursor["plan"], "silent_total": plan.count_silent()}
            return self._reported(job, counts, _lists_of([plan]))

    def bring_external(self, job: RunningJob) -> Facts:
        """Import the external pictures of records, or only those of an imported table.

        A resumed run lists them again: records no longer name imported pictures by URL.
        """
        settings, database, site_id = self._settings, self._database, _site(job)
        table, is_dry = job.args.get("import"), bool(job.args.get("is_dry"))
        with _ends_at_once(), closing(EntryPlan()) as owned, closing(EntryPlan()) as shown:
            opened = (
                table_images_of(settings, database, site_id, str(table), owned, self._fetcher)
                if table
                else external_imports_of(settings, database, site_id, (owned, shown), self._fetcher)
            )
            with opened as parts:
                plans = (owned, shown)[: len(parts)]
                self._bring(job, parts, is_dry=is_dry)
            told = [_counts(each) for each in plans]
            figures = ("stored", "duplicates", "unchanged", "refused_total")
            return self._reported(
                job,
                {
                    **{name: sum(each[name] for each in told) for name in figures},
                    "rewritten": {
                        kind: count for each in told for kind, count in each["rewritten"].items()
                    },
                    "plan": job.cursor["plan"],
                },
                _lists_of(plans),
            )

    def bring_folder(self, job: RunningJob) -> Facts:
        """Import a folder or a ZIP."""
        order = FolderOrder(
            place=Path(job.args["where"]),
            kind=Kind(job.args["as"]),
            prefix=job.args["prefix"],
            hosts=tuple(job.args["hosts"]),
            is_public=job.args["is_public"],
        )
        is_dry = job.args["is_dry"]
        with (
            _ends_at_once(),
            closing(Plan()) as plan,
            folder_import_of(self._settings, self._database, _site(job), order, plan) as importing,
        ):
            told = ProgressSaver(job)
            for _ in importing.read():
                told.tell(0, None)
            told.watch(importing.preview() if is_dry else importing.bring(), plan.count_contents())
            counts = {
                "as": order.kind.value,
                "addresses_answer": can_answer(order.prefix),
                **_counts(plan),
                "unreferenced": plan.count_unreferenced(),
                "skipped_total": plan.count_skipped(),
            }
            lists = {
                **({"files": _files_of(plan)} if is_dry else {}),
                "skipped": map(asdict, plan.skipped()),
                "refused": map(asdict, plan.refused()),
                "lost": (
                    {"kind": each.kind, "id": each.id, "url": each.address}
                    for each in importing.lost()
                ),
            }
            return self._reported(job, counts, lists)

    def bring_export(self, job: RunningJob) -> Facts:
        """Import an Avenue export."""
        where, is_dry = job.args["where"], job.args["is_dry"]
        with (
            _ends_at_once(),
            export_import_of(self._settings, self._database, _site(job), where) as opened,
        ):
            told, work = ProgressSaver(job), opened.work
            for _ in work.read():
                told.tell(0, None)
            told.watch(work.preview(job.save) if is_dry else work.bring(job.save), work.steps)
            counts = {
                "from": opened.address,
                **({"plan": opened.planned()} if is_dry else {}),
                **{name: dict(counts) for name, counts in work.counts.items()},
                "files": {
                    "stored": work.count_files(Outcome.STORED),
                    "duplicates": work.count_files(Outcome.DUPLICATE),
                    "unchanged": work.count_files(Outcome.UNCHANGED),
                },
                "refused_total": work.count_files(Outcome.REFUSED),
            }
            lists = {"refused": map(asdict, work.refused()), "silent": map(asdict, work.silent())}
            return self._reported(job, counts, lists)

    def take_out(self, job: RunningJob) -> Facts:
        """Export a site as files."""
        order = ExportOrder(
            parts=frozenset(map(Part, job.args["parts"])),
            has_private=job.args["has_private"],
            is_trial=job.args["is_dry"],
        )
        told, where = ProgressSaver(job), job.args["where"]

        def tell(counts: Exported) -> None:
            told.tell(counts.files + counts.pages, None)

        with _ends_at_once():
            work = export(self._settings, self._database, _site(job), where, order, tell)
        counts = {"to": where, **asdict(work.counts), "left_total": len(work.left)}
        return self._reported(job, counts, {"left": map(asdict, work.left)})

    def _bring(self, job: RunningJob, parts: Sequence[OpenImport], *, is_dry: bool) -> None:
        """List the sources, store the plan in the job, and then import them."""
        told = ProgressSaver(job)
        for each in parts:
            for _ in chain(each.work.read(job.save), each.work.preview()):
                told.tell(0, None)
        plans = list(map(planned_facts, parts))
        told.plan(plans[0] if len(plans) == 1 else added(plans))
        if not is_dry:
            told.watch(_brought(job, parts), told.cursor["plan"]["entries"])

    def _reported(self, job: RunningJob, counts: Facts, lists: Lists) -> Facts:
        """Store the complete lists in the report; return `counts` with the start of each list."""
        told: Facts = {name: [] for name in lists}

        def lines() -> Iterator[str]:
            for name, items in lists.items():
                for each in items:
                    if len(told[name]) < MOST_TOLD:
                        told[name].append(each)
                    yield json.dumps({"list": name, **each})

        self._reports.put(_site(job), job.id, lines())
        return {**counts, **told}


def _brought(job: RunningJob, parts: Sequence[OpenImport]) -> Iterator[None]:
    for each in parts:
        yield from each.work.bring(job.save)


@contextmanager
def _ends_at_once() -> Iterator[None]:
    """Make a job fail at once for errors that another attempt would meet again.

    If our own database is unreachable, it is retried. For errors of the source, the person starts
    the job again.
    """
    try:
        yield
    except (SourceAway, ExportUnreachable, ExportRefused, S3NotInstalled) as error:
        raise GiveUp(error) from error
    except Unavailable:
        raise
    except AvenueError as error:
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


def _lists_of(plans: Sequence[EntryPlan]) -> Lists:
    return {
        "refused": map(asdict, chain.from_iterable(each.refused() for each in plans)),
        "silent": map(asdict, chain.from_iterable(each.silent() for each in plans)),
    }


def _files_of(plan: Plan) -> Iterator[Facts]:
    for path, outcome in plan.files():
        named_by = [{"kind": each.kind, "id": each.id} for each in plan.references_to(path)]
        yield {"path": path, "outcome": outcome, "references": named_by}
