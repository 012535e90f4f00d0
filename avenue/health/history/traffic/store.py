"""The counts of the whole deployment, in one document."""

import math
from dataclasses import asdict
from typing import Any

from avenue.health.history.traffic.models import Counts, SiteTraffic
from avenue.storage.connection import Database, Document
from avenue.storage.records import sound
from avenue.storage.scope import deployment

TRAFFIC = "infra_traffic"
ALL = "all"
BEYOND = "more"
REMEMBERED_MS = 24 * 60 * 60 * 1000
"""How long the last report of a process is kept: by then it has been sent again."""
OF_SITE = ("requests", "writes")
SUMS = ("requests", "errors", "sent_bytes")


class MongoTrafficStore:
    """A document of growing counts, and the number of the last report of each process."""

    def __init__(self, database: Database) -> None:
        self._traffic = deployment(database).quick_collection(TRAFFIC)

    def add(self, process: str, number: int, counts: Counts) -> None:
        """Add the counts of a process; a `number` it has used before, or a smaller one, is ignored.

        Repeatable. Raise `Unavailable`.
        """
        known: Document = {"$cond": [{"$isArray": "$processes"}, "$processes", []]}
        own = _filtered(known, {"$eq": ["$$this.id", process]})
        others = _filtered(
            known,
            {
                "$and": [
                    {"$ne": ["$$this.id", process]},
                    {"$gt": ["$$this.at", {"$subtract": ["$$NOW", REMEMBERED_MS]}]},
                ]
            },
        )
        added = {
            **{name: _plus(name, getattr(counts, name)) for name in SUMS},
            **{f"took.{_key(each)}": _plus(f"took.{_key(each)}", n) for each, n in _some(counts)},
            **{
                f"sites.{site}.{name}": _plus(f"sites.{site}.{name}", getattr(each, name))
                for site, each in counts.sites.items()
                for name in OF_SITE
                if getattr(each, name)
            },
            "processes": {
                "$concatArrays": [others, [{"id": process, "number": number, "at": "$$NOW"}]]
            },
        }
        last = {"$max": {"$map": {"input": own, "in": "$$this.number"}}}
        is_new = {"$lt": [{"$ifNull": [last, 0]}, number]}
        change = {name: {"$cond": [is_new, value, f"${name}"]} for name, value in added.items()}
        self._traffic.update({"_id": ALL}, [{"$set": change}], upsert=True)

    def totals(self) -> Counts:
        """Return the counts since the database was created."""
        found = self._traffic.find_as_it_is({"_id": ALL}) or {}
        return counts_of(sound(TRAFFIC, found))


def counts_of(document: Document) -> Counts:
    """Return the counts stored as `document`."""
    return Counts(
        **{name: document.get(name, 0) for name in SUMS},
        took={
            _bound(key): count
            for key, count in document.get("took", {}).items()
            if key == BEYOND or key.isdecimal()
        },
        sites={
            site: SiteTraffic(**{name: each.get(name, 0) for name in OF_SITE})
            for site, each in document.get("sites", {}).items()
        },
    )


def document_of(counts: Counts) -> Document:
    """Return the stored form of `counts`."""
    return {
        **{name: getattr(counts, name) for name in SUMS},
        "took": {_key(bound): count for bound, count in counts.took.items()},
        "sites": {site: asdict(each) for site, each in counts.sites.items()},
    }


def _plus(field: str, more: int) -> Document:
    before = {"$cond": [{"$isNumber": f"${field}"}, f"${field}", 0]}
    return {"$add": [before, more]}


def _some(counts: Counts) -> list[tuple[float, int]]:
    return [(bound, count) for bound, count in counts.took.items() if count]


def _key(bound: float) -> str:
    """Return a bound as the name of a field."""
    return BEYOND if math.isinf(bound) else str(int(bound))


def _bound(key: str) -> float:
    return math.inf if key == BEYOND else float(key)


def _filtered(processes: Any, condition: Document) -> Document:
    return {"$filter": {"input": processes, "cond": condition}}
