"""Moving a site to another cluster while it is in use; docs/adr/0022 explains the procedure.

The record in the directory of sites says how far the move is. Each step can be repeated: when a run
is killed, the next one continues from that record.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from avenue.audit.service import AuditService
from avenue.errors import Unavailable
from avenue.identity import DEFAULT_SITE, HOME_CLUSTER, Actor, Site, SiteState, new_id
from avenue.jobs.errors import GiveUp, LeaseLost, Waits
from avenue.jobs.models import Job, State
from avenue.jobs.runner import RunningJob
from avenue.jobs.service import JobService
from avenue.sites.errors import (
    BackupRuns,
    FirstSiteStays,
    IsThere,
    NoSuchCluster,
    NothingToAbort,
    ProcessesLackCluster,
    SiteIsBusy,
    SiteIsMoving,
    SiteNotFound,
    TransactionsOpen,
    WritesTooMuch,
)
from avenue.sites.store import SiteStore
from avenue.storage.clusters import admit
from avenue.storage.connection import Database
from avenue.storage.copying.moving import (
    Guard,
    HistoryLost,
    Keys,
    MoverReplaced,
    NotTheSame,
    SiteCopy,
)
from avenue.storage.directory import Phase
from avenue.storage.gridfs import BACKUP
from avenue.storage.instances import wait_for_all, without_clusters
from avenue.storage.leases import Held, Leases
from avenue.storage.refusing import (
    MayNotRefuse,
    does_refuse,
    has_long_transactions,
    refuse,
    refused_on,
    take,
)
from avenue.storage.removing import SiteShare
from avenue.storage.site_moves import KEPT_UNTIL, SWITCH, SiteMove, SiteMoveRecords
from avenue.storage.sites import Sites

MOVE = "move_site"
"""Moves a site, or continues a move; its arguments are `site` and `to`."""
PURGE_MOVED = "purge_moved"
"""Deletes, once an hour, what moves have left on the earlier cluster, once the grace period is
over."""
EVERY_SECONDS = 3600
ONE = "one"
"""The key of the job: one site moves at a time."""
BEAT_SECONDS = 1.0
CALM_SECONDS = 0.5
"""A round of changes below this leaves little to copy while writes wait."""
ROUND_SECONDS = 10.0
MOST_ROUNDS = 60
FENCE_SECONDS = 10.0
"""The longest time that writes wait in one attempt; then they continue, and the move tries again.
"""
REFUSING_SECONDS = 2.0
LEASE_IN_FENCE_SECONDS = 12.0
TRIES_IN_FENCE = 3
TOLD = frozenset({"brought", "damaged", "writes_waited_seconds"})
"""What the result of a job says about a move."""
HISTORY = "The source forgot what had changed, so the records were copied again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a move would do."""

    site: str
    origin: str
    target: str
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The cluster of a site, its move if there is one, and the newest job of that.

    `targets` are the clusters to which it can move.
    """

    site: Site
    move: SiteMove | None
    job: Job | None
    targets: tuple[str, ...]


class MoveService:
    """Starts and ends moves; raises `Forbidden` unless the actor is a superuser."""

    def __init__(self, database: Database, store: SiteStore, jobs: JobService) -> None:
        self._database = database
        self._store = store
        self._jobs = jobs
        self._records = SiteMoveRecords(database)

    def look(self, actor: Actor, site_id: str, target: str) -> Outlook:
        """Return what a move would do, and change nothing; raises as `begin`."""
        origin = self._check(actor, site_id, target)
        if origin == target:
            raise IsThere(cluster=target)
        there = _named(self._database, target)
        guard = Guard(there, site_id, "", 0)
        copy = SiteCopy(_named(self._database, origin), there, site_id, guard)
        return Outlook(site=site_id, origin=origin, target=target, documents=copy.count())

    def begin(self, actor: Actor, site_id: str, target: str) -> Job:
        """Start to move a site, or continue.

        Raise `SiteNotFound`, `FirstSiteStays`, `NoSuchCluster`, `IsThere`, `SiteIsMoving`,
        `ProcessesLackCluster`, `ClusterNotReady`.
        """
        origin = self._check(actor, site_id, target)
        now = self._records.find(site_id)
        if origin == target and (now is None or now.phase is Phase.KEPT):
            raise IsThere(cluster=target)
        if origin != target and not self._records.begin(site_id, origin, target):
            raise _is_moving(self._records.find(site_id)) or SiteNotFound
        return self._enqueue(site_id, target)

    def abort(self, actor: Actor, site_id: str) -> Job:
        """Undo a move before its switch; raise `NothingToAbort`."""
        actor.must_be_superuser()
        if not self._records.abort(site_id):
            raise NothingToAbort
        move = self._records.find(site_id)
        return self._enqueue(site_id, move.target if move else HOME_CLUSTER)

    def purge(self, actor: Actor, site_id: str) -> Job:
        """Delete at once what a move has left on the earlier cluster; raise `NothingToAbort`."""
        actor.must_be_superuser()
        if not self._records.end_keeping(site_id, now=True):
            raise NothingToAbort
        move = self._records.find(site_id)
        return self._enqueue(site_id, move.target if move else HOME_CLUSTER)

    def standing(self, actor: Actor, site_id: str) -> Standing:
        """Return the cluster of a site and the progress of its move; raise `SiteNotFound`."""
        actor.must_be_superuser()
        site = self._store.get(site_id)
        if site is None:
            raise SiteNotFound
        jobs = (*self._jobs.unfinished(), *self._jobs.finished())
        its = (each for each in jobs if each.kind == MOVE and each.args.get("site") == site_id)
        clusters = () if site_id == DEFAULT_SITE else (HOME_CLUSTER, *self._database.clusters)
        return Standing(
            site=site,
            move=self._records.find(site_id),
            job=next(its, None),
            targets=tuple(each for each in clusters if each != site.cluster),
        )

    def move_of(self, site_id: str) -> SiteMove | None:
        """Return the move of a site."""
        return self._records.find(site_id)

    def moves(self) -> Mapping[str, SiteMove]:
        """Return the moves of all sites."""
        return {each.site: each for each in self._records.all()}

    def _enqueue(self, site_id: str, target: str) -> Job:
        job = self._jobs.enqueue(MOVE, {"site": site_id, "to": target}, key=ONE)
        if job.args.get("site") != site_id:
            raise SiteIsMoving(
                words={"site": job.args.get("site"), "origin": "?", "target": job.args.get("to")}
            )
        return self._jobs.resume(job.id) if job.may_be_resumed else job

    def _check(self, actor: Actor, site_id: str, target: str) -> str:
        """Return the cluster of a site, after checking that it may be moved."""
        actor.must_be_superuser()
        if site_id == DEFAULT_SITE:
            raise FirstSiteStays
        if target not in {HOME_CLUSTER, *self._database.clusters}:
            raise NoSuchCluster
        site = self._store.get(site_id)
        if site is None or site.state is not SiteState.OPEN:
            raise SiteNotFound
        for each in self._records.all():
            if each.site != site_id and each.phase is not Phase.KEPT:
                raise _moving(each)
        self._check_clusters(site.cluster, target)
        return site.cluster

    def _check_clusters(self, *names: str) -> None:
        for name in names:
            if name != HOME_CLUSTER:
                admit(_named(self._database, name))
        self._database.instance.begin()
        if lacking := without_clusters(self._database, names):
            raise ProcessesLackCluster(words={"count": len(lacking)})


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
                run = _Run(self._database, move, job, self._records)
                try:
                    self._steps(run)[move.phase]()
                except MoverReplaced:  # aborted meanwhile, or taken over by another run
                    continue
        except MayNotRefuse as error:
            raise GiveUp(error) from error
        finally:
            self._known.forget()
        return self._result(first, move, job)

    def _steps(self, run: "_Run") -> Mapping[Phase, Callable[[], None]]:
        return {
            Phase.COPYING: run.copy,
            Phase.SETTLING: run.settle_and_switch,
            Phase.FENCED: run.open_again,
            Phase.SWITCHED: run.open_there,
            Phase.PURGING: lambda: run.purge(self._busy),
            Phase.ABORTING: run.undo,
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
            for each in self._jobs.unfinished()
            if each.id != own_id
            and each.site in {None, move.site}
            and each.state is State.RUNNING
            and each.started_at is not None
            and each.started_at < (move.switched_at or each.started_at)
            and each.every_seconds is None
        ]


class _Run:
    """One step of a move, executed by one run."""

    def __init__(
        self,
        database: Database,
        move: SiteMove,
        job: RunningJob,
        records: SiteMoveRecords,
    ) -> None:
        self._database = database
        self._source, self._target = _named(database, move.origin), _named(database, move.target)
        self._move = move
        self._job = job
        self._records = records
        self._beaten_at = 0.0
        self._guard = self._guard_of(self._target)
        self._copy = SiteCopy(self._source, self._target, move.site, self._guard)

    def copy(self) -> None:
        """Copy everything once, then the changes since a known point."""
        self._prepare()
        total = self._copy.count()
        self._job.save(total=total)
        if self._move.token is None:
            # which may take days; the change streams need not reach back to its start
            self._bring_all()
            self._records.save(self._move, token=self._copy.token())
        self._bring_all()

        before = self._note_of("damaged", 0)

        def save(place: list[str], damaged: int) -> None:
            self._note(hashed=place, damaged=before + damaged)

        damaged = self._copy.damaged(self._note_of("hashed", []), save)
        self._note(damaged=before + damaged)
        self._job.save(done=total)
        self._records.step(self._move, Phase.SETTLING)

    def settle_and_switch(self) -> None:
        """Copy the remaining changes, compare everything, and switch while writes wait."""
        self._prepare()
        try:
            self._settle()
            touched = self._bring_all()
            touched.update(self._settle())
        except HistoryLost:
            self._records.save(self._move, token=None, note=HISTORY)
            self._records.step(self._move, Phase.COPYING)
            return
        if has_long_transactions(self._source):
            raise TransactionsOpen
        with Leases(self._database).taken(BACKUP, SWITCH) as held:
            if isinstance(held, Held):
                raise BackupRuns
            self._fence(touched)

    def open_again(self) -> None:
        """Allow writes where the site is: it was not switched while writes waited."""
        self._move = self._records.step(self._move, Phase.SETTLING)
        self._reopen()

    def _reopen(self) -> None:
        """Let the source accept writes again; retry while it is unreachable, as it is read-only."""
        while True:
            try:
                take(self._source, self._move.site)
            except Unavailable:
                self._job.save()  # ends this run when another runner has the job
                time.sleep(CALM_SECONDS)
            else:
                return

    def open_there(self) -> None:
        """Allow writes on the new cluster once every process uses it.

        It accepts them since before the switch, so only the directory of sites must be reachable.
        """
        wait_for_all(self._database, self._move.site, self._move.epoch)
        self._records.step(self._move, Phase.KEPT, until=KEPT_UNTIL)
        self._copy.forget_marks()

    def purge(self, busy: Callable[[SiteMove, str], list[str]]) -> None:
        """Delete what is left on the earlier cluster; no process reads it any more."""
        wait_for_all(self._database, self._move.site, self._move.epoch)
        if kinds := busy(self._move, self._job.id):
            raise SiteIsBusy(words={"kinds": ", ".join(sorted(set(kinds)))})
        self._empty(self._source)
        self._copy.forget_marks()
        self._records.end(self._move)

    def undo(self) -> None:
        """Keep the site where it is, and delete the copy."""
        self._reopen()
        self._guard.take_over()
        wait_for_all(self._database, self._move.site, self._move.epoch)
        self._empty(self._target)
        take(self._target, self._move.site)
        self._copy.forget_marks()
        self._records.end(self._move)

    def _empty(self, cluster: Database) -> None:
        guard = self._guard_of(cluster)
        guard.take_over()
        share, deleted = SiteShare(cluster, self._move.site, guard.check), 0
        for _, count in share.delete():
            deleted += count
            self._job.save(done=deleted)
        if left := {name: count for name, count in share.count().items() if count}:
            raise NotTheSame(words={"what": ", ".join(left)})
        guard.leave()

    def _guard_of(self, cluster: Database) -> Guard:
        return Guard(cluster, self._move.site, self._move.mover or "", self._move.epoch)

    def _prepare(self) -> None:
        """Make sure that the target only has what this run writes of the site."""
        self._note(epoch=self._move.epoch)
        # a run was killed while it allowed writes again
        if self._move.site in refused_on(self._source):
            self._reopen()
        wait_for_all(self._database, self._move.site, self._move.epoch)
        refuse(self._target, self._move.site)
        self._guard.take_over()

    def _bring_all(self) -> Keys:
        """Compare everything and copy what differs; return the keys that differed."""
        brought = Keys()
        is_first = self._move.phase is Phase.COPYING
        for part in self._copy.parts.values():
            for keys in self._copy.differing(part):
                if keys:
                    some = Keys({part.name: set(keys)})
                    self._copy.bring(some, self._beat)
                    brought.update(some)
                    # The progress of a run is kept, however many are killed.
                    count = self._note_of("brought", 0) + len(keys)
                    self._note(brought=count)
                    self._job.save(done=count if is_first else None)
                self._beat()
        return brought

    def _beat(self) -> None:
        """Check once a second whether the job is still to be done: that is a write of its own."""
        if time.monotonic() - self._beaten_at > BEAT_SECONDS:
            self._job.save()
            self._beaten_at = time.monotonic()

    def _settle(self) -> Keys:
        """Copy changes until there are only a few; return the keys that changed."""
        changed = Keys()
        for _ in range(MOST_ROUNDS):
            began_at = time.monotonic()
            some, is_over = self._follow(seconds=ROUND_SECONDS)
            changed.update(some)
            self._job.save()
            if is_over and time.monotonic() - began_at < CALM_SECONDS:
                return changed
        raise WritesTooMuch

    def _follow(self, *, seconds: float) -> tuple[Keys, bool]:
        now = self._records.find(self._move.site)
        token = now.token if now else None
        if token is None:
            raise HistoryLost

        def save(token: Mapping[str, Any]) -> None:
            self._records.save(self._move, token=token)

        return self._copy.follow(token, save, seconds=seconds)

    def _fence(self, touched: Keys) -> None:
        """Block writes, copy the last changes, compare what has changed, and switch."""
        self._job.shorten(LEASE_IN_FENCE_SECONDS)
        began_at = time.monotonic()
        self._move = self._records.step(self._move, Phase.FENCED)
        try:
            # also where no error says that it is unreachable
            with self._database.deadline(FENCE_SECONDS):
                wait_for_all(self._database, self._move.site, self._move.epoch)
                self._refuse()
                self._drain(touched, began_at)
                self._check_refusal()
                self._guard_of(self._target).leave()
                take(self._target, self._move.site)
            self._move = self._records.step(
                self._move,
                Phase.SWITCHED,
                cluster=self._move.target,
                token=None,
                switched_at="$$NOW",
            )
        except MoverReplaced:
            self._leave_open()
            raise
        except Exception:
            self.open_again()
            raise
        self.open_there()
        self._note(writes_waited_seconds=round(time.monotonic() - began_at, 2))

    def _leave_open(self) -> None:
        """Withdraw a block that arrived late: another run has the move, or has ended it."""
        place = self._records.place(self._move.site)
        is_here = place.cluster == self._source.cluster and not place.is_fenced
        if is_here and self._move.site in refused_on(self._source):
            take(self._source, self._move.site)

    def _refuse(self) -> None:
        self._records.check(self._move)  # it may have been suspended for long
        try:
            refuse(self._source, self._move.site, seconds=REFUSING_SECONDS)
        except Unavailable as error:
            if has_long_transactions(self._source):
                raise TransactionsOpen from error
            raise

    def _check_refusal(self) -> None:
        if not does_refuse(self._source, self._move.site):
            raise NotTheSame(words={"what": "validators"})

    def _drain(self, touched: Keys, began_at: float) -> None:
        """Copy all that was written before the server blocked writes; raise `NotTheSame`."""
        left = FENCE_SECONDS - (time.monotonic() - began_at)
        changed, is_over = self._follow(seconds=max(left, 0.1))
        if not is_over:
            raise WritesTooMuch
        touched.update(changed)
        wrong = self._copy.differing_of(touched)
        for _ in range(TRIES_IN_FENCE):
            if not len(wrong):
                return
            self._copy.bring(wrong)
            wrong = self._copy.differing_of(touched)
        names = sorted(name for name, keys in wrong.by_part.items() if keys)
        raise NotTheSame(words={"what": ", ".join(names)})

    def _note(self, **facts: Any) -> None:
        self._job.save(cursor={**(self._job.cursor or {}), **facts})

    def _note_of(self, name: str, otherwise: Any) -> Any:
        return (self._job.cursor or {}).get(name, otherwise)


def _named(home: Database, cluster: str) -> Database:
    return home if cluster == HOME_CLUSTER else home.clusters[cluster]


def _moving(move: SiteMove) -> SiteIsMoving:
    return SiteIsMoving(words={"site": move.site, "origin": move.origin, "target": move.target})


def _is_moving(move: SiteMove | None) -> SiteIsMoving | None:
    return _moving(move) if move else None
