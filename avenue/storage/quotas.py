"""The usage of each site, and of each person in it, and its limit.

A holder (a site, or a person in it) with a quota has one document in `quotas`: the last count, what
was added since, and what is reserved for running uploads. Space is reserved by one conditional
update of it, so however many uploads arrive at once, on any instance, the quota is never exceeded.

A holder of few files is counted on request. One of many is counted in the background, and its
remaining space is that of the last count: no upload waits for a complete sum. Until the first count
nothing is refused.

Between two counts, stored files are added, and purged ones are subtracted only if the last count
certainly included them. So the value may be too large (an upload was abandoned, a file was deleted
during the count) and never too small; and a holder of few files is never refused before a new
count. The reservation of a killed upload stays until a count begins after its time is over: by then
what it had stored, if anything, is counted.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.holders import Amount, Holder
from avenue.storage.records import whole
from avenue.storage.scope import SiteRecords, deployment, site

QUOTAS = "quotas"
MOST_AT_ONCE = 2_000
"""Files that are counted on request: no upload waits 10 ms for that (docs/long-runs.md)."""
GOOD_FOR = timedelta(minutes=10)
"""How long a count is valid: an instance may not know a new quota yet."""
RESERVED_FOR = timedelta(hours=1)
"""No request takes as long."""
TRIES = 3
"""How often a count is repeated on request, if uploads meanwhile invalidate it."""
REST = 4
"""The pause after a count, as a multiple of its duration."""
STALE_AFTER = timedelta(hours=2)
"""By then it was counted twice, if background work is running."""
FORGOTTEN_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Miscount:
    """The value of a holder's counter, and the real usage."""

    counted: Amount
    stored: Amount


Count = Callable[[Holder, int | None], Amount]
"""Returns what a holder has stored, and what is declared by resumable uploads.

With a number it counts no more files than that, and says whether there are `more`."""


class Reserved:
    """The document of a holder after an attempt to reserve space."""

    def __init__(self, document: Document, reservation: str) -> None:
        held = document["held"]
        self.is_reserved = any(each["id"] == reservation for each in held)
        self.used = Amount(
            bytes=document["bytes"] + sum(each["bytes"] for each in held),
            files=document["files"] + sum(each["files"] for each in held),
        )
        self.asked_at: datetime = document["asked_at"]
        self._counted_at: datetime | None = document.get("counted_at")
        self._took = timedelta(milliseconds=document.get("took_ms", 0))

    @property
    def is_counted(self) -> bool:
        """Whether uncertain uploads, if any, have been counted since."""
        return self._counted_at is not None

    @property
    def may_be_counted(self) -> bool:
        """Whether the count is so old that another one is cheap in comparison."""
        return self._counted_at is None or self.asked_at - self._counted_at > REST * self._took


class Ledger(SiteRecords):
    """The usage of every holder; safe to use from many threads and instances."""

    def __init__(
        self, database: Database, count: Count, request_count: Callable[[Holder], None]
    ) -> None:
        """`request_count` requests a count of a holder in the background."""
        super().__init__(database)
        self._count = count
        self._request_count = request_count
        self._counting = threading.Lock()

    def reserve(self, holder: Holder, quota: Amount, wanted: Amount, reservation: str) -> Reserved:
        """Reserve space for `wanted` if `quota` has it, 0 meaning no limit; repeatable.

        A holder of few files is never refused because of an old count. For one of many the last
        count decides, and without one nothing is refused; it is counted in the background.
        """
        found = self._try(holder, quota, wanted, reservation)
        if found.is_reserved or not found.may_be_counted:
            return found
        for _ in range(TRIES):
            if not self.count(holder, unless_since=found.asked_at, most=MOST_AT_ONCE):
                self._request_count(holder)
                return self._try(holder, quota, wanted, reservation, by_any_count=True)
            found = self._try(holder, quota, wanted, reservation)
            if found.is_reserved or found.is_counted:
                break
        return found

    def settle(
        self, holder: Holder, reservation: str, kept: Amount, *, is_sure: bool = True
    ) -> None:
        """Replace a reservation by the stored amount; repeatable.

        Unless it `is_sure` that nothing else was stored, a count follows before the next
        reservation.
        """
        others = _filtered({"$ne": ["$$this.id", reservation]})
        change: Document = {
            "bytes": {"$add": ["$bytes", kept.bytes]},
            "files": {"$add": ["$files", kept.files]},
            "held": others,
        }
        if not is_sure:
            change["counted_at"] = None
            # A running count may have missed it.
            change["counts"] = {"$add": ["$counts", 1]}
        # If an election undoes it, the reservation is back and ends by itself.
        quick = site(self._database, holder.site).quick_collection(QUOTAS)
        quick.update({"_id": holder.id, "held.id": reservation}, [{"$set": change}])

    def removal(self, holder: Holder, amount: Amount, *, stored_at: datetime) -> Callable[[], None]:
        """Return a function to call once `amount`, stored at `stored_at`, is deleted.

        This itself is called before the deletion. A count that may have missed it, because it ran
        before it was stored or during the deletion, is not changed.
        """
        quotas, is_over = self._quotas(holder), {"$lt": ["$count_began_at", "$counted_at"]}
        had_it = {"_id": holder.id, "count_began_at": {"$gt": stored_at}, "$expr": is_over}
        same = ("counts", "count_began_at", "counted_at")
        counted = quotas.find_as_it_is(had_it, dict.fromkeys(same, 1))

        def subtract() -> None:
            if counted is None:
                return
            last = {"_id": holder.id, **{name: counted.get(name) for name in same}}
            if now := quotas.find_as_it_is(last, {"bytes": 1, "files": 1}):
                seen = {name: _number(now.get(name)) for name in ("bytes", "files")}
                # The condition includes what was read, so nothing is subtracted twice.
                quotas.update(
                    {**last, **seen},
                    {
                        "$set": {
                            "bytes": max(seen["bytes"] - amount.bytes, 0),
                            "files": max(seen["files"] - amount.files, 0),
                        }
                    },
                )

        return subtract

    def count(
        self, holder: Holder, *, unless_since: datetime | None = None, most: int | None = None
    ) -> bool:
        """Count what `holder` has stored, and drop expired reservations.

        Return False if there are more files than `most`; then nothing was counted.

        Uploads that finish meanwhile are added, counted or not. Nothing is done if there was a
        count since `unless_since`, by the server's clock: of many simultaneous requests, one
        counts, and not while the others are storing.
        """
        quotas = self._quotas(holder)
        with self._counting:  # one at a time is enough for a database
            began = self._begun(holder, [{"$set": {**_EMPTY, "count_began_at": "$$NOW"}}])
            if began is None or _is_after(began.get("counted_at"), unless_since):
                return True
            if most is not None and began["is_large"]:
                return False
            began_at, found = began["count_began_at"], self._count(holder, most)
            if found.more:
                quotas.update({"_id": holder.id}, {"$set": {"is_large": True}})
                return False
            change = {
                "bytes": _since(found.bytes, "$bytes", began["bytes"]),
                "files": _since(found.files, "$files", began["files"]),
                "held": _filtered({"$gt": ["$$this.until", began_at]}),
                "counts": began["counts"] + 1,
                "counted_at": "$$NOW",
                "took_ms": {"$subtract": ["$$NOW", began_at]},
                "is_large": found.files > MOST_AT_ONCE,
            }
            # Otherwise another count was stored, and later uploads would be added twice.
            quotas.update({"_id": holder.id, "counts": began["counts"]}, [{"$set": change}])
        return True

    def count_all(self, after: str, save: Callable[[str, int], None]) -> int:
        """Count every holder after `after`, by id; `save` is called with the progress.

        Holders that have not used it for long are deleted.
        """
        quotas, done = deployment(self._database).collection(QUOTAS), 0
        idle = {"held": [], "$expr": {"$lt": ["$asked_at", _ago(FORGOTTEN_AFTER)]}}
        while found := quotas.find({"_id": {"$gt": after}}, {"_id": 1}, sort=_BY_ID, limit=1):
            after = found[0]["_id"]
            holder = Holder.of(after)
            if not quotas.delete({"_id": after, "site": holder.site, **idle}):
                self.count(holder)
            done += 1
            save(after, done)
        return done

    def holders_after(self, site_id: str, after: str, limit: int) -> list[Holder]:
        """Return up to `limit` holders of a site that have a counter, by id, after `after`."""
        found = self._records(site_id, QUOTAS).find(
            {"_id": {"$gt": after}}, {"_id": 1}, sort=_BY_ID, limit=limit
        )
        return [Holder.of(each["_id"]) for each in found]

    def miscount(self, holder: Holder) -> Miscount | None:
        """Return how a counter is wrong, or None.

        With reservations it may never be too small. It may be too large until the next count, if
        something was deleted since.
        """
        quotas = self._quotas(holder)
        began = quotas.find_one({"_id": holder.id}, {"counts": 1})
        # In this order: what is stored meanwhile is reserved or settled before we look.
        stored = self._count(holder, None)
        found = quotas.find_one(
            {"_id": holder.id},
            {
                "bytes": 1,
                "files": 1,
                "held_bytes": {"$sum": "$held.bytes"},
                "held_files": {"$sum": "$held.files"},
                "counts": 1,
                "counted_at": 1,
                "is_stale": {"$lt": ["$counted_at", _ago(STALE_AFTER)]},
            },
        )
        if found is None or found.get("counted_at") is None:  # counted before anything is reserved
            return None
        if began is None or began.get("counts") != found.get("counts"):
            return None  # counted again meanwhile: something may have been deleted in between
        counted = Amount(bytes=_number(found.get("bytes")), files=_number(found.get("files")))
        most_bytes = counted.bytes + found["held_bytes"]
        most_files = counted.files + found["held_files"]
        is_less = most_bytes < stored.bytes or most_files < stored.files
        is_more = counted.bytes > stored.bytes or counted.files > stored.files
        if is_less or (is_more and found["is_stale"]):
            return Miscount(counted=counted, stored=stored)
        return None

    def used(self, holder: Holder) -> Amount:
        """Return what a holder has stored now; with many files, by the last count.

        Without one, the usage of the first files and that there are `more`.
        """
        if counted := self._by_last_count(holder, is_large=True):
            return counted
        some = self._count(holder, MOST_AT_ONCE)
        if not some.more:
            return some
        if counted := self._by_last_count(holder):
            return counted
        self._request_count(holder)
        return some

    def used_lately(self, holder: Holder) -> Amount:
        """Return the usage by the last count, with what was added and reserved since.

        A holder without a readable counter is counted.
        """
        return self._by_last_count(holder) or self.used(holder)

    def _by_last_count(self, holder: Holder, **known: bool) -> Amount | None:
        counted = {"_id": holder.id, "counted_at": {"$ne": None}, **known}
        found = self._quotas(holder).values(lambda each: Reserved(each, ""), counted)
        return found[0].used if found else None

    def _try(
        self,
        holder: Holder,
        quota: Amount,
        wanted: Amount,
        reservation: str,
        *,
        by_any_count: bool = False,
    ) -> Reserved:
        """Reserve space if a valid count leaves some, or with `by_any_count` an old one or none."""
        entry = {
            "id": reservation,
            "bytes": wanted.bytes,
            "files": wanted.files,
            "until": {"$add": ["$$NOW", _ms(RESERVED_FOR)]},
        }
        fits = {
            "$and": [
                _fits("bytes", quota.bytes, wanted.bytes),
                _fits("files", quota.files, wanted.files),
            ]
        }
        was_counted_lately = {"$gt": ["$counted_at", _ago(GOOD_FOR)]}
        was_never_counted = {"$eq": ["$counts", 0]}
        has_room = (
            {"$or": [was_never_counted, fits]}
            if by_any_count
            else {"$and": [was_counted_lately, fits]}
        )
        may_have = {"$and": [{"$not": [{"$in": [reservation, "$held.id"]}]}, has_room]}
        held = {"$cond": [may_have, {"$concatArrays": ["$held", [entry]]}, "$held"]}
        stages: list[Document] = [{"$set": _EMPTY}, {"$set": {"held": held, "asked_at": "$$NOW"}}]
        return Reserved(self._begun(holder, stages) or {}, reservation)

    def _begun(self, holder: Holder, stages: list[Document]) -> Document | None:
        """Change the document of a holder, created if missing, and return it."""
        return site(self._database, holder.site).anew(
            QUOTAS,
            [holder.id],
            lambda: self._quotas(holder).find_and_update({"_id": holder.id}, stages, upsert=True),
        )

    def _quotas(self, holder: Holder) -> Collection:
        return self._records(holder.site, QUOTAS)


_BY_ID = [("_id", 1)]


def _is(field: str, *types: str) -> Document:
    return {"$in": [{"$type": field}, list(types)]}


_IS_ENTRY = {
    "$and": [
        _is("$$this.id", "string"),
        _is("$$this.bytes", "int", "long"),
        _is("$$this.files", "int", "long"),
        {"$eq": ["$$this.bytes", whole("$$this.bytes")]},
        {"$eq": ["$$this.files", whole("$$this.files")]},
        _is("$$this.until", "date"),
    ]
}
_EMPTY: Mapping[str, Any] = {
    "bytes": whole("$bytes"),
    "files": whole("$files"),
    "held": {
        "$filter": {
            "input": {"$cond": [{"$isArray": "$held"}, "$held", []]},
            "cond": _IS_ENTRY,
        }
    },
    "counts": whole("$counts"),
    "counted_at": {"$cond": [_is("$counted_at", "date"), "$counted_at", None]},
    "took_ms": whole("$took_ms"),
    "is_large": {"$eq": ["$is_large", True]},
    # One that was only counted has not been used yet; it is deleted like others.
    "asked_at": {"$cond": [_is("$asked_at", "date"), "$asked_at", "$$NOW"]},
}
"""The document of a new holder; invalid fields are reset."""


def _filtered(condition: Document) -> Document:
    return {"$filter": {"input": "$held", "cond": condition}}


def _fits(field: str, quota: int, wanted: int) -> Document | bool:
    if not quota or not wanted:
        return True
    return {"$lte": [{"$add": [f"${field}", {"$sum": f"$held.{field}"}, wanted]}, quota]}


def _since(counted: int, field: str, before: int) -> Document:
    """Return what was counted, and what was settled since `before`."""
    return {"$add": [counted, {"$subtract": [field, before]}]}


def _is_after(counted_at: datetime | None, moment: datetime | None) -> bool:
    return counted_at is not None and moment is not None and counted_at > moment


def _number(value: object) -> int:
    """Return a count, and less than any valid one if it is not a number."""
    return value if isinstance(value, int) else -(2**62)


def _ago(time: timedelta) -> Document:
    return {"$subtract": ["$$NOW", _ms(time)]}


def _ms(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)
