"""The steps of moving a site to another cluster; docs/adr/0022 explains the procedure."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from avenue.errors import Unavailable
from avenue.jobs.runner import RunningJob
from avenue.sites.errors import BackupRuns, SiteIsBusy, TransactionsOpen, WritesTooMuch
from avenue.storage.clusters import cluster_named
from avenue.storage.connection import Database
from avenue.storage.copying.move_files import CopiedFiles
from avenue.storage.copying.move_guard import Guard, MoverReplaced
from avenue.storage.copying.moving import HistoryLost, Keys, NotTheSame, SiteCopy
from avenue.storage.directory import Phase
from avenue.storage.gridfs import BACKUP
from avenue.storage.instances import wait_for_all
from avenue.storage.leases import Held, Leases
from avenue.storage.refusing import (
    does_refuse,
    has_long_transactions,
    refuse,
    refused_on,
    take,
)
from avenue.storage.removing import SiteShare
from avenue.storage.site_moves import KEPT_UNTIL, SWITCH, SiteMove, SiteMoveRecords

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
HISTORY = "The source forgot what had changed, so the records were copied again."


class MoveSteps:
    """The steps of one move, executed by one run of its job."""

    def __init__(
        self,
        database: Database,
        move: SiteMove,
        job: RunningJob,
        records: SiteMoveRecords,
    ) -> None:
        self._database = database
        self._source = cluster_named(database, move.origin)
        self._target = cluster_named(database, move.target)
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

        damaged = CopiedFiles(self._copy).damaged(self._note_of("hashed", []), save)
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
