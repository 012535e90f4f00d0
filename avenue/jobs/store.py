"""Jobs in MongoDB: every step of a job's life is one conditional write at the server's time."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from avenue.identity import new_id
from avenue.jobs.models import CANCELLED, OPEN, Job, Progress, Queue, State, Wish
from avenue.storage.collection import AlreadyThere
from avenue.storage.connection import Database, Document
from avenue.storage.records import passing_over, readable
from avenue.storage.scope import deployment

JOBS = "jobs"
KEEP_FINISHED_DAYS = 30
WAITING = [State.QUEUED.value, State.RUNNING.value]
LISTED: Document = {"result": 0, "cursor": 0}
"""A projection without what may be large and is shown in no list."""


class MongoJobStore:
    """The `jobs` collection.

    The methods that take a running `job` change it only while `job.holder` still holds it, and
    return whether that was so.

    `run_at` alone says when a job may be taken: its due time while it is queued, the end of its
    lease while it runs. So one index and one condition find both due jobs and those whose process
    was killed.
    """

    def __init__(
        self, database: Database, *, places: Callable[[], Collection[str]] = tuple
    ) -> None:
        """`places` returns the places this process has access to: it takes their jobs, too."""
        self._jobs = deployment(database).collection(JOBS)
        self._places = places

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
        """Queue a job, or return the unfinished one that has the same `open_key`.

        One that cannot be read loses that key: it would never run. A job with a `place` is taken by
        processes that have access to it.
        """
        document = {**_fresh(kind), "_id": new_id(), "args": dict(args), "site": site}
        if place is not None:
            document["place"] = place
        if open_key is not None:
            document["open_key"] = open_key
        times = {"created_at": "$$NOW", "run_at": _after(after_seconds)}
        while True:
            try:
                self._jobs.insert_at_server_time(document, times)
            except AlreadyThere:
                by_key = {"open_key": open_key}
                if found := self._jobs.values(_job, by_key):
                    return found[0]
                there = self._jobs.find_as_it_is(by_key, {"_id": 1})
                if there is not None:  # otherwise it finished between the two steps
                    self._jobs.update({**there, **by_key}, {"$unset": {"open_key": ""}})
                continue
            return _job(self._jobs.find_one({"_id": document["_id"]}) or document)

    def put_periodic(self, kind: str, every_seconds: int) -> None:
        """Create or update the one periodic job of `kind`; repeatable.

        One that cannot be read, and so never runs, is replaced.
        """
        document = {**_fresh(kind), "_id": kind, "every_seconds": every_seconds}
        there = self._jobs.find_as_it_is({"_id": kind})
        if there is not None and not list(readable(JOBS, _job, [there])):
            self._jobs.delete({"_id": kind})
        self._jobs.insert_at_server_time(document, {"created_at": "$$NOW", "run_at": "$$NOW"})
        earliest = {"$min": ["$run_at", _after(every_seconds)]}
        sooner = {"$cond": [_is(State.QUEUED), earliest, "$run_at"]}
        self._jobs.update(
            {"_id": kind, "every_seconds": {"$ne": every_seconds}},
            [{"$set": {"every_seconds": every_seconds, "run_at": sooner}}],
        )

    def find(self, job_id: str) -> Job | None:
        """Return one job, or None."""
        return self._jobs.value(_job, {"_id": job_id})

    def newest(self, limit: int, site: str | None, states: Collection[State]) -> list[Job]:
        """Return the newest jobs of `site` in `states`, or of everyone when it is None."""
        query: Document = {"state": {"$in": [each.value for each in states]}}
        if site is not None:
            query["site"] = site
        return self._jobs.values(_job, query, LISTED, sort=[("created_at", -1)], limit=limit)

    def latest(self, kind: str, args: Mapping[str, Any]) -> Job | None:
        """Return the newest job of `kind` with these arguments, in whatever state; or None."""
        query: Document = {"state": {"$in": [each.value for each in State]}, "kind": kind}
        query |= {f"args.{name}": value for name, value in args.items()}
        found = self._jobs.values(_job, query, LISTED, sort=[("created_at", -1)], limit=1)
        return found[0] if found else None

    def using(self, site: str) -> list[Job]:
        """Return all unfinished jobs of `site`, and all running ones of the deployment."""
        own = {"site": site, "state": {"$in": [each.value for each in OPEN]}}
        of_all = {"site": None, "state": State.RUNNING.value}
        return self._jobs.values(_job, {"$or": [own, of_all]}, LISTED)

    def queues(self) -> list[Queue]:
        """Return the numbers of jobs of each kind, by kind."""
        open_or_failed = [*WAITING, State.FAILED.value]
        is_due = {"$lte": ["$run_at", "$$NOW"]}
        has_failed = {"$or": [_is(State.FAILED), {"$and": ["$every_seconds", "$error"]}]}
        has_finished = {"$and": ["$every_seconds", {"$eq": [{"$type": "$finished_at"}, "date"]}]}
        of_each_kind = {
            "_id": "$kind",
            "due": _how_many(_is(State.QUEUED), is_due),
            "later": _how_many(_is(State.QUEUED), {"$not": is_due}),
            "running": _how_many(_is(State.RUNNING)),
            "failed": _how_many(has_failed),
            "finished_at": {"$max": {"$cond": [has_finished, "$finished_at", None]}},
        }
        found = self._jobs.aggregate(
            [
                {"$match": {"state": {"$in": open_or_failed}, "kind": {"$type": "string"}}},
                {"$group": of_each_kind},
                {"$sort": {"_id": 1}},
            ]
        )
        return [Queue(kind=each.pop("_id"), **each) for each in found]

    def claim(
        self,
        kinds: Collection[str],
        holder: str,
        lease_seconds: float,
        *,
        only: str | None = None,
    ) -> Job | None:
        """Take the job that has been due longest, lease it to `holder`, and return it.

        Return None if no job is due. When the answer is lost for good, the job waits for the end of
        that lease, like the job of a killed runner. A caller with `only` is assumed to have access
        to what the job needs, and need not wait for its first run.
        """
        due: Document = {
            "state": {"$in": WAITING},
            "kind": {"$in": sorted(kinds)},
            "$expr": {"$lte": ["$run_at", "$$NOW"]},
        }
        if only is None:
            due["place"] = {"$in": [None, *self._places()]}
        else:
            due["$expr"] = {"$or": [due["$expr"], {"$eq": ["$attempts", 0]}]}
        taken = {
            "state": State.RUNNING.value,
            "holder": holder,
            "attempts": {"$add": [{"$cond": [{"$isNumber": "$attempts"}, "$attempts", 0]}, 1]},
            "started_at": "$$NOW",
            "run_at": _after(lease_seconds),
        }

        def take(unreadable: list[object]) -> Job | None:
            # A job that cannot be read is treated like one whose runner was killed: others come
            # first.
            named = {} if only is None else {"$eq": only}
            readable = {**due, "_id": {"$nin": unreadable, **named}}
            found = self._jobs.find_and_update(readable, [{"$set": taken}], sort=[("run_at", 1)])
            return _job(found) if found else None

        return passing_over(take)

    def extend(self, job: Job, lease_seconds: float) -> bool:
        """Let the lease end `lease_seconds` from now."""
        return self._change(job, {"run_at": _after(lease_seconds)})

    def save(self, job: Job, lease_seconds: float, saved: Mapping[str, Any]) -> Job | None:
        """Extend the lease and store `saved` (those of `cursor`, `done`, `total` that are given).

        Return the updated job, None when it is no longer held.
        """
        change: Document = {"run_at": _after(lease_seconds)}
        if "cursor" in saved:
            cursor = {"$literal": saved["cursor"]}
            change["cursor"] = cursor
            # A job that made progress has not failed: its attempts start at 1.
            change["attempts"] = {"$cond": [{"$ne": ["$cursor", cursor]}, 1, "$attempts"]}
        for name in ("done", "total"):
            if name in saved:
                change[f"progress.{name}"] = saved[name]
        found = self._jobs.find_and_update(_held(job), [{"$set": change}])
        return _job(found) if found else None

    def finish(self, job: Job, result: Mapping[str, Any] | None, error: str | None) -> bool:
        """End the job, as failed if there is an `error`; a periodic one waits for its next time.

        A periodic one with a wish to pause is paused.
        """
        outcome: Document = {"result": {"$literal": None if result is None else dict(result)}}
        if job.every_seconds is not None:
            to_pause = {"$eq": ["$wish", Wish.PAUSE.value]}
            again = {
                "state": {"$cond": [to_pause, State.PAUSED.value, State.QUEUED.value]},
                "error": {"$literal": error},
                "finished_at": "$$NOW",
                "run_at": _after("$every_seconds"),
                "cursor": None,
                "attempts": 0,
                **_LET_GO,
            }
            return self._change(job, {**outcome, **again})
        state = State.DONE if error is None else State.FAILED
        return self._change(job, {**outcome, **_over(state, error)})

    def retry(self, job: Job, error: str, delay_seconds: int) -> bool:
        """Queue the job again in `delay_seconds`, keeping its cursor."""
        waiting = {"state": State.QUEUED.value, "run_at": _after(delay_seconds), "holder": None}
        return self._change(job, {**waiting, "error": {"$literal": error}})

    def wait(self, job: Job, error: str, delay_seconds: int) -> bool:
        """Queue the job again in `delay_seconds`, keeping its cursor and not counting this run.

        Except for the first run: a job without any is due at once for a caller with `only`.
        """
        waiting = {"state": State.QUEUED.value, "run_at": _after(delay_seconds), "holder": None}
        uncounted = {"attempts": {"$max": [1, _UNCOUNTED]}, "error": {"$literal": error}}
        return self._change(job, {**waiting, **uncounted})

    def hand_back(self, job: Job) -> bool:
        """Queue the job again for now, keeping its cursor and not counting this run."""
        waiting = {"state": State.QUEUED.value, "run_at": "$$NOW", "holder": None}
        return self._change(job, {**waiting, "attempts": _UNCOUNTED})

    def halt(self, job: Job) -> bool:
        """Apply the wish: pause or cancel the job; hand it back when there is none."""
        paused = {"state": State.PAUSED.value, "run_at": "$$NOW", "attempts": _UNCOUNTED}
        cancelled = _over(State.CANCELLED, CANCELLED)
        return (
            self._change(job, {**paused, **_LET_GO}, wish=Wish.PAUSE.value)
            or self._change(job, cancelled, wish=Wish.CANCEL.value)
            or self.hand_back(job)
        )

    def pause(self, job_id: str) -> bool:
        """Pause a waiting job, or mark a running one to be paused; return whether it did either."""
        may = {"_id": job_id, "state": {"$in": WAITING}, "wish": {"$ne": Wish.CANCEL.value}}
        wish = {"$cond": [_is(State.RUNNING), Wish.PAUSE.value, None]}
        change = {**_unless_running({"state": State.PAUSED.value}), "wish": wish}
        return self._jobs.update(may, [{"$set": change}]) == 1

    def resume(self, job_id: str) -> bool:
        """Queue a paused job again, or withdraw the wish to pause; return whether it did."""
        held_back = [{"state": State.PAUSED.value}, {"wish": Wish.PAUSE.value}]
        change = {**_unless_running({"state": State.QUEUED.value}), "wish": None}
        return self._jobs.update({"_id": job_id, "$or": held_back}, [{"$set": change}]) == 1

    def cancel(self, job_id: str) -> bool:
        """Cancel a waiting or paused job, or mark a running one to be cancelled.

        Return whether it did. Periodic jobs are not cancelled.
        """
        may = {"_id": job_id, "state": {"$in": [*WAITING, State.PAUSED.value]}}
        wish = {"$cond": [_is(State.RUNNING), Wish.CANCEL.value, None]}
        change = {**_unless_running(_over(State.CANCELLED, CANCELLED)), "wish": wish}
        return self._jobs.update({**may, "every_seconds": None}, [{"$set": change}]) == 1

    def _change(self, job: Job, change: Document, **more: object) -> bool:
        return self._jobs.update({**_held(job), **more}, [{"$set": change}]) == 1


_LET_GO: Mapping[str, Any] = {"holder": None, "wish": None}
_UNCOUNTED: Mapping[str, Any] = {"$max": [0, {"$subtract": ["$attempts", 1]}]}


def _held(job: Job) -> Document:
    return {"_id": job.id, "holder": job.holder, "state": State.RUNNING.value}


def _over(state: State, error: str | None) -> Document:
    """Return the update for a job that will not run again."""
    return {
        "state": state.value,
        "error": {"$literal": error},
        "finished_at": "$$NOW",
        "forget_at": _after(KEEP_FINISHED_DAYS * 86_400),
        "open_key": "$$REMOVE",
        **_LET_GO,
    }


def _unless_running(change: Document) -> Document:
    """Return `change` for a job that is not running; a running one stays unchanged."""
    return {
        name: {"$cond": [_is(State.RUNNING), f"${name}", value]} for name, value in change.items()
    }


def _is(state: State) -> Document:
    return {"$eq": ["$state", state.value]}


def _how_many(*conditions: Document) -> Document:
    return {"$sum": {"$cond": [{"$and": list(conditions)}, 1, 0]}}


def _after(seconds: float | str) -> Document:
    """Return the expression for `seconds` (a number or a field) after the server's current time."""
    return {"$add": ["$$NOW", {"$multiply": [seconds, 1000]}]}


def _fresh(kind: str) -> Document:
    return {
        "kind": kind,
        "site": None,
        "args": {},
        "state": State.QUEUED.value,
        "progress": {"done": 0, "total": None},
        "cursor": None,
        "attempts": 0,
        "result": None,
        "error": None,
        "every_seconds": None,
        "started_at": None,
        "finished_at": None,
        "holder": None,
        "wish": None,
    }


def _job(document: Document) -> Job:
    return Job(
        id=document["_id"],
        kind=document["kind"],
        site=document["site"],
        args=document["args"],
        state=State(document["state"]),
        progress=Progress(**document["progress"]),
        cursor=document.get("cursor"),
        attempts=document["attempts"],
        result=document.get("result"),
        error=document["error"],
        run_at=document["run_at"],
        every_seconds=document["every_seconds"],
        created_at=document["created_at"],
        started_at=document["started_at"],
        finished_at=document["finished_at"],
        holder=document["holder"],
        wish=Wish(document["wish"]) if document.get("wish") else None,
        place=document.get("place"),
    )
