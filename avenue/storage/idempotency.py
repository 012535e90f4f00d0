"""Open writes: the ids an upload has chosen, who is writing, and the answer once it is finished.

An upload's ids are chosen before its first byte is stored and kept under its idempotency key, so
every later step is a repeatable insert and the same request again finds its own work. The sweeper
skips everything that belongs to an open write with a valid lease.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from avenue.errors import Conflict, Unprocessable
from avenue.identity import new_id
from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords, deployment, site

REMEMBERED_HOURS = 24


class UploadInProgress(Conflict):
    """The same request is being processed at the moment."""

    message = "The same upload is still in progress."
    hint = "Wait a moment and send it again with the same Idempotency-Key."


class IdempotencyKeyReused(Unprocessable):
    """The key was used for other content."""

    message = "This Idempotency-Key was already used for a different upload."
    hint = "Use a new key for each new upload; reuse a key only with the same content."


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWrite:
    """The right to write `assets` and `files` (pairs, by position) until the lease ends."""

    id: str
    attempt: str
    assets: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedWrite:
    """The answer to the request with this key."""

    answer: Mapping[str, Any]


class Writes(SiteRecords):
    """The open and finished writes of every site."""

    def begin(
        self, site_id: str, *, key: str, fingerprint: str, count: int, lease_seconds: int
    ) -> OpenWrite | FinishedWrite:
        """Open the write `key` of `count` files, or find it finished.

        `key` is unique for caller, target and Idempotency-Key; `fingerprint` identifies the
        content. Raise `UploadInProgress` while another request holds it, `IdempotencyKeyReused` if
        its content was another.
        """
        attempt = new_id()
        write_id = _id_of(site_id, key)
        fresh = {
            "_id": write_id,
            "site": site_id,
            "fingerprint": fingerprint,
            "assets": [new_id() for _ in range(count)],
            "files": [new_id() for _ in range(count)],
            "state": "open",
        }
        found = (
            site(self._database, site_id)
            .collection("writes")
            .find_and_update(
                {"_id": write_id}, [_claim_stage(fresh, attempt, lease_seconds)], upsert=True
            )
        )
        finished = _finished(found, fingerprint) if found else None
        if finished:
            return finished
        if found is None or found["attempt"] != attempt:
            raise UploadInProgress
        return OpenWrite(
            id=write_id,
            attempt=attempt,
            assets=tuple(found["assets"]),
            files=tuple(found["files"]),
        )

    def finished(self, site_id: str, *, key: str, fingerprint: str) -> FinishedWrite | None:
        """Return the answer of the finished write `key`, None if it is not finished.

        A majority of the members has it then: a write that only a primary has, and that may have
        been answered with 503 for that reason, may be lost in an election. Raise
        `IdempotencyKeyReused` if its content was another.
        """
        writes = site(self._database, site_id).collection("writes")
        query = {"_id": _id_of(site_id, key)}
        found = writes.find_one(query)
        done = _finished(found, fingerprint) if found else None
        if done:
            writes.wait_until_kept({**query, "state": "done"})
        return done

    def finish(
        self, site_id: str, write: OpenWrite, answer: Mapping[str, Any], session: ClientSession
    ) -> None:
        """Close `write` with its answer, inside the transaction that makes its files visible.

        Raise `UploadInProgress` if the lease was lost to another attempt, which aborts the
        transaction.
        """
        matched = (
            site(self._database, site_id)
            .collection("writes")
            .within(session)
            .update(
                {"_id": write.id, "attempt": write.attempt},
                [
                    {
                        "$set": {
                            "state": "done",
                            "answer": {"$literal": answer},
                            "expires_at": _later(),
                        }
                    }
                ],
            )
        )
        if not matched:
            raise UploadInProgress

    def take_turns(self, site_id: str, what: str, session: ClientSession) -> None:
        """Serialise transactions about the same `what`.

        They write the same document, so all but one are run again and see the changes of that one.
        """
        turns = {"$add": [{"$ifNull": ["$turns", 0]}, 1]}
        site(self._database, site_id).collection("writes").within(session).update(
            {"_id": _id_of(site_id, f"turn\n{what}")},
            [{"$set": {"state": "turn", "turns": turns, "expires_at": _later()}}],
            upsert=True,
        )

    def abandon(self, site_id: str, write: OpenWrite) -> bool:
        """Delete an open write whose files are not wanted; a finished one stays.

        Return whether it was still ours: then no one else will ever write its files. Another
        attempt, which took it over when the lease had ended, continues with the same ids.
        """
        gone = (
            site(self._database, site_id)
            .collection("writes")
            .delete({"_id": write.id, "attempt": write.attempt, "state": "open"})
        )
        return bool(gone)

    def is_writing(self, site_id: str, file_id: str) -> bool:
        """Return whether an open write with a valid lease holds `file_id`."""
        query = {"files": file_id, "state": "open", "$expr": {"$gt": ["$lease_until", "$$NOW"]}}
        found = site(self._database, site_id).collection("writes").find_one(query, {"_id": 1})
        return found is not None

    def given_up(self, until: datetime, limit: int) -> list[str]:
        """Return the files (`<site>/<id>`) of open writes whose lease ended before `until`.

        Of at most `limit` writes; unreadable ones are left out.
        """
        found = (
            deployment(self._database)
            .collection("writes")
            .values(
                lambda each: [f"{each['site']}/{file}" for file in each["files"]],
                {"state": "open", "lease_until": {"$lte": until}},
                {"site": 1, "files": 1, "state": 1},
                sort=[("lease_until", 1)],
                limit=limit,
            )
        )
        return [file for files in found for file in files]

    def release(self, site_id: str, file_id: str) -> bool:
        """Tell the sweeper whether no one is writing `file_id` any more.

        An open write whose lease has ended is deleted, conditionally, so that a late retry of it
        chooses new ids.
        """
        writes = deployment(self._database).collection("writes")
        query = {"site": site_id, "files": file_id, "state": "open"}
        ended = {"$expr": {"$lt": ["$lease_until", "$$NOW"]}}
        if found := writes.find_one(query, {"_id": 1}):
            writes.delete({**query, **ended, **found})
        return not found or writes.find_one(query, {"_id": 1}) is None


def _id_of(site_id: str, key: str) -> str:
    return hashlib.sha256(f"{site_id}\n{key}".encode()).hexdigest()


def _finished(found: Document, fingerprint: str) -> FinishedWrite | None:
    if found["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused
    return FinishedWrite(answer=found["answer"]) if found["state"] == "done" else None


def _claim_stage(fresh: Mapping[str, Any], attempt: str, lease_seconds: int) -> dict[str, Any]:
    """Return the stage that creates the write, or takes over one whose lease has ended."""
    lease = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": lease_seconds}}
    held = {"attempt": attempt, "lease_until": lease}
    new = {"$mergeObjects": [{"$literal": fresh}, held, {"expires_at": _later()}]}
    may_take = {
        "$and": [
            {"$eq": ["$state", "open"]},
            {"$eq": ["$fingerprint", fresh["fingerprint"]]},
            {"$lt": ["$lease_until", "$$NOW"]},
        ]
    }
    taken = {"$mergeObjects": ["$$ROOT", held]}
    is_new = {"$eq": [{"$type": "$state"}, "missing"]}
    return {"$replaceWith": {"$cond": [is_new, new, {"$cond": [may_take, taken, "$$ROOT"]}]}}


def _later() -> dict[str, Any]:
    return {"$dateAdd": {"startDate": "$$NOW", "unit": "hour", "amount": REMEMBERED_HOURS}}
