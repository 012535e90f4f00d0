"""A job store in memory whose time stands still until a test lets it pass."""

import itertools
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from avenue.jobs.models import CANCELLED, Job, Progress, State, Wish

START = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryStore:
    """Keeps the same promises as the one in MongoDB, for one thread of jobs."""

    def __init__(self) -> None:
        self.now = START
        self.jobs: dict[str, Job] = {}
        self.keys: dict[str, str] = {}
        self.extended = 0
        self._numbers = itertools.count(1)

    def let_pass(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def add(
        self,
        kind: str,
        args: Mapping[str, Any],
        site: str | None,
        open_key: str | None,
        *,
        place: str | None = None,
        after_seconds: float = 0,
    ) -> Job:
        assert place is None, "all work is anybody's here"
        assert not after_seconds, "nobody takes part in it but the test"
        known = self.keys.get(open_key or "")
        if known and not self.jobs[known].is_finished:
            return self.jobs[known]
        job = self._put(f"job {next(self._numbers)}", kind, args, site, None)
        if open_key:
            self.keys[open_key] = job.id
        return job

    def put_periodic(self, kind: str, every_seconds: int) -> None:
        self._put(kind, kind, {}, None, every_seconds)

    def find(self, job_id: str) -> Job | None:
        return self.jobs.get(job_id)

    def newest(self, limit: int, site: str | None, states: Collection[State]) -> list[Job]:
        known = [job for job in self.jobs.values() if site in {None, job.site}]
        return [job for job in known if job.state in states][-limit:]

    def claim(
        self,
        kinds: Collection[str],
        holder: str,
        lease_seconds: float,
        *,
        only: str | None = None,
    ) -> Job | None:
        due = [
            job
            for job in self.jobs.values()
            if job.kind in kinds
            and not job.is_finished
            and job.run_at <= self.now
            and only in {None, job.id}
        ]
        if not due:
            return None
        job = min(due, key=lambda each: each.run_at)
        return self._keep(
            job,
            state=State.RUNNING,
            holder=holder,
            attempts=job.attempts + 1,
            run_at=self.now + timedelta(seconds=lease_seconds),
        )

    def extend(self, job: Job, lease_seconds: float) -> bool:
        self.extended += 1
        return self._change(job, run_at=self.now + timedelta(seconds=lease_seconds))

    def save(self, job: Job, lease_seconds: float, saved: Mapping[str, Any]) -> Job | None:
        before = self.jobs[job.id]
        changes: dict[str, Any] = {"run_at": self.now + timedelta(seconds=lease_seconds)}
        if "cursor" in saved:
            moved = saved["cursor"] != before.cursor
            changes["cursor"] = saved["cursor"]
            changes["attempts"] = 1 if moved else before.attempts
        units = {name: value for name, value in saved.items() if name != "cursor"}
        progress = replace(before.progress, **units)
        return self.jobs[job.id] if self._change(job, progress=progress, **changes) else None

    def finish(self, job: Job, result: Mapping[str, Any] | None, error: str | None) -> bool:
        changes: dict[str, Any] = {"result": result, "error": error, "finished_at": self.now}
        if job.every_seconds is None:
            changes["state"] = State.FAILED if error else State.DONE
        else:
            run_at = self.now + timedelta(seconds=job.every_seconds)
            to_pause = self.jobs[job.id].wish is Wish.PAUSE
            state = State.PAUSED if to_pause else State.QUEUED
            changes |= {"state": state, "run_at": run_at, "cursor": None, "attempts": 0}
        return self._change(job, **changes, holder=None, wish=None)

    def retry(self, job: Job, error: str, delay_seconds: int) -> bool:
        run_at = self.now + timedelta(seconds=delay_seconds)
        return self._change(job, state=State.QUEUED, error=error, run_at=run_at, holder=None)

    def hand_back(self, job: Job) -> bool:
        attempts = self.jobs[job.id].attempts - 1
        return self._change(
            job, state=State.QUEUED, run_at=self.now, attempts=attempts, holder=None
        )

    def halt(self, job: Job) -> bool:
        wish = self.jobs[job.id].wish
        if wish is None:
            return self.hand_back(job)
        state = State.PAUSED if wish is Wish.PAUSE else State.CANCELLED
        error = None if wish is Wish.PAUSE else CANCELLED
        return self._change(job, state=state, error=error, holder=None, wish=None)

    def pause(self, job_id: str) -> bool:
        return self._told(job_id, Wish.PAUSE, State.PAUSED)

    def resume(self, job_id: str) -> bool:
        job = self.jobs[job_id]
        if job.may_be_resumed:
            state = State.QUEUED if job.state is State.PAUSED else job.state
            self._keep(job, state=state, wish=None)
        return job.may_be_resumed

    def cancel(self, job_id: str) -> bool:
        return self._told(job_id, Wish.CANCEL, State.CANCELLED)

    def _told(self, job_id: str, wish: Wish, state: State) -> bool:
        job = self.jobs[job_id]
        may = job.may_be_paused if wish is Wish.PAUSE else job.may_be_cancelled
        if may:
            is_running = job.state is State.RUNNING
            self._keep(job, **({"wish": wish} if is_running else {"state": state}))
        return may

    def _change(self, job: Job, **changes: Any) -> bool:
        present = self.jobs[job.id]
        if present.state is not State.RUNNING or present.holder != job.holder:
            return False
        self._keep(present, **changes)
        return True

    def _keep(self, job: Job, **changes: Any) -> Job:
        self.jobs[job.id] = replace(job, **changes)
        return self.jobs[job.id]

    def _put(
        self,
        job_id: str,
        kind: str,
        args: Mapping[str, Any],
        site: str | None,
        every_seconds: int | None,
    ) -> Job:
        self.jobs[job_id] = Job(
            id=job_id,
            kind=kind,
            site=site,
            args=args,
            state=State.QUEUED,
            progress=Progress(),
            cursor=None,
            attempts=0,
            result=None,
            error=None,
            run_at=self.now,
            every_seconds=every_seconds,
            created_at=self.now,
            started_at=None,
            finished_at=None,
            holder=None,
            wish=None,
        )
        return self.jobs[job_id]
