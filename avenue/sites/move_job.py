"""The jobs that move a site to another cluster, and that delete what moves leave behind.

The record in the directory of sites says how far the move is. Each step can be repeated: when a run
is killed, the next one continues from that record.
"""

from collections.abc import Callable, Mapping
from typing import Any

from avenue.audit.service import AuditService
from avenue.identity import DEFAULT_SITE, HOME_CLUSTER, new_id
from avenue.jobs.errors import GiveUp, LeaseLost, Waits
from avenue.jobs.models import State
from avenue.jobs.runner import RunningJob
from avenue.jobs.service import JobService
from avenue.sites.move_steps import MoveSteps
from avenue.sites.moving import MOVE, ONE
from avenue.storage.connection import Database
from avenue.storage.copying.move_guard import MoverReplaced
from avenue.storage.directory import Phase
from avenue.storage.refusing import MayNotRefuse
from avenue.storage.site_moves import SiteMove, SiteMoveRecords
from avenue.storage.sites import Sites

TOLD = frozenset({"brought", "damaged", "writes_waited_seconds"})
"""What the result of a job says about a move."""


class MoveWorker:
    """The jobs that move sites, and that delete what they leave behind."""

    def __init__(
        self,
        database: Database,
        known: Sites,
        jobs: JobService,
        audit: AuditService,
    ) -> None:
        self._database = database
        self._known = known
        self._jobs = jobs
        self._audit = audit
        self._records = SiteMoveRecords(database)

    def purge_due(self, _: RunningJob) -> Mapping[str, int]:
        """Start to delete what moves have left whose grace period is over.

        Continue unfinished deletions.
        """
        due = [each for each in self._records.due() if self._records.end_keeping(each, now=False)]
        begun = 0
        for each in self._records.all():
            if each.phase is not Phase.KEPT:
                self._jobs.enqueue(MOVE, {"site": each.site, "to": each.target}, key=ONE)
                begun += 1
        return {"due": len(due), "begun": begun}

    def move(self, job: RunningJob) -> Mapping[str, Any]:
        """Execute step by step until the move is complete or undone. Raise what prevents it."""
        site_id = str(job.args["site"])
        mover = new_id()
        self._database.instance.begin()
        first = self._records.find(site_id)
        if first is None:
            return {"site": site_id, "phase": None}
        if {first.origin, first.target} - {HOME_CLUSTER, *self._database.clusters}:
            raise Waits  # for a process that has both clusters configured
        self._records.take_over(first, mover)
        try:
            while True:
                move = self._records.find(site_id)
                if move is None or move.phase is Phase.KEPT:
                    break
                if move.mover != mover:
                    raise LeaseLost
                steps = MoveSteps(self._database, move, job, self._records)
                try:
                    self._of_phases(steps)[move.phase]()
                except MoverReplaced:  # aborted meanwhile, or taken over by another run
                    continue
        except MayNotRefuse as error:
            raise GiveUp(error) from error
        finally:
            self._known.forget()
        return self._result(first, move, job)

    def _of_phases(self, steps: MoveSteps) -> Mapping[Phase, Callable[[], None]]:
        return {
            Phase.COPYING: steps.copy,
            Phase.SETTLING: steps.settle_and_switch,
            Phase.FENCED: steps.open_again,
            Phase.SWITCHED: steps.open_there,
            Phase.PURGING: lambda: steps.purge(self._busy),
            Phase.ABORTING: steps.undo,
        }

    def _result(self, first: SiteMove, move: SiteMove | None, job: RunningJob) -> dict[str, Any]:
        is_undone = first.phase is Phase.ABORTING or (
            move is None and first.phase is not Phase.PURGING
        )
        result = {
            "site": first.site,
            "from": first.origin,
            "to": first.target,
            "phase": move.phase.value if move else None,
            "until": move.until if move else None,
            "note": move.note if move else None,
            **{name: value for name, value in (job.cursor or {}).items() if name in TOLD},
        }
        action = "site.move_undone" if is_undone else "site.moved"
        if first.phase not in {Phase.KEPT, Phase.PURGING}:
            self._audit.record_job(
                DEFAULT_SITE,
                action,
                first.site,
                job_id=job.id,
                job_kind=MOVE,
                details={"from": first.origin, "to": first.target},
                entry_id=job.id,
            )
        return result

    def _busy(self, move: SiteMove, own_id: str) -> list[str]:
        """Return the kinds of job that may still read the site on the earlier cluster."""
        return [
            each.kind
            for each in self._jobs.using(move.site)
            if each.id != own_id
            and each.state is State.RUNNING
            and each.started_at is not None
            and each.started_at < (move.switched_at or each.started_at)
            and each.every_seconds is None
        ]
