"""The records of site moves, one in the document of each site, changed conditionally.

Each step is one conditional write to one document. So of all processes that may believe to be the
mover, one takes the step, and the others notice that they are too late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from avenue.errors import required
from avenue.identity import HOME_CLUSTER, SiteState
from avenue.storage.connection import Database, Document
from avenue.storage.copying.move_guard import MoverReplaced
from avenue.storage.directory import Phase, Place, cluster_in, place_in
from avenue.storage.records import sound
from avenue.storage.scope import deployment

SITES = "sites"
SWITCH = "move_site"
"""The purpose of the backup lease during a switch, so that no backup starts meanwhile."""
KEPT_HOURS = 24
BEFORE_SWITCH = [Phase.COPYING.value, Phase.SETTLING.value, Phase.FENCED.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMove:
    """The move of a site from one cluster to another.

    `token` is the position in the source's change stream; `until` is when the copy at the source is
    deleted.
    """

    site: str
    origin: str
    target: str
    phase: Phase
    epoch: int
    mover: str | None
    token: Mapping[str, Any] | None
    begun_at: datetime
    switched_at: datetime | None
    until: datetime | None
    note: str | None


class SiteMoveRecords:
    """The moves of all sites."""

    def __init__(self, database: Database) -> None:
        self._sites = deployment(database).collection(SITES)

    def find(self, site_id: str) -> SiteMove | None:
        """Return the move of a site, None if it has none."""
        found = self._sites.find_as_it_is({"_id": site_id})
        return _move(found) if found else None

    def place(self, site_id: str) -> Place:
        """Return the place of a site."""
        return place_in(self._sites.find_as_it_is({"_id": site_id}) or {})

    def check(self, move: SiteMove) -> None:
        """Raise `MoverReplaced` if the move is not in the state of `move`, or has another mover."""
        if not self._sites.count(_still(move)):
            raise MoverReplaced

    def all(self) -> list[SiteMove]:
        """Return all moves, by site."""
        found = self._sites.find({"move.phase": {"$exists": True}}, sort=[("_id", 1)])
        return [move for each in found if (move := _move(each))]

    def begin(self, site_id: str, origin: str, target: str) -> bool:
        """Start a move, unless another one has started; return whether there is one now.

        A completed one does not count if this is the way back.
        """
        place = {"cluster": {"$in": [origin, None]} if origin == HOME_CLUSTER else origin}
        is_open = {"state": {"$in": [SiteState.OPEN.value, None]}}
        back = {"move.phase": Phase.KEPT.value, "move.from": target, "move.to": origin}
        change = {
            "move": {
                "from": origin,
                "to": target,
                "phase": Phase.COPYING.value,
                "begun_at": "$$NOW",
            },
            "epoch": _NEXT,
        }
        query = {"_id": site_id, **place, **is_open, "$or": [{"move": None}, back]}
        self._sites.update(query, [{"$unset": "move"}, {"$set": change}])
        found = self.find(site_id)
        return found is not None and (found.origin, found.target) == (origin, target)

    def take_over(self, move: SiteMove, mover: str) -> None:
        """Let a run become the mover of a site."""
        self._sites.update(
            {"_id": move.site, "move.phase": {"$exists": True}}, {"$set": {"move.mover": mover}}
        )

    def step(self, move: SiteMove, phase: Phase, **fields: Any) -> SiteMove:
        """Take a step.

        `cluster` is the cluster of the site from now on, others are fields of the move.

        Raise `MoverReplaced` if the move is not in the state of `move`, or has another mover.
        """
        cluster = {"cluster": fields.pop("cluster")} if "cluster" in fields else {}
        values = {f"move.{name}": value for name, value in fields.items()}
        change = {**cluster, **values, "move.phase": phase.value, "epoch": _NEXT}
        found = self._sites.find_and_update(_still(move), [{"$set": change}])
        return required(_move(found) if found else None, MoverReplaced)

    def save(self, move: SiteMove, **values: Any) -> None:
        """Store fields of a move; raise `MoverReplaced`."""
        change = {f"move.{name}": {"$literal": value} for name, value in values.items()}
        if not self._sites.update(_still(move), [{"$set": change}]):
            raise MoverReplaced

    def abort(self, site_id: str) -> bool:
        """Let a move be undone that has not switched; return whether it is."""
        before = {"_id": site_id, "move.phase": {"$in": BEFORE_SWITCH}}
        change = {"move.phase": Phase.ABORTING.value, "epoch": _NEXT}
        self._sites.update(before, [{"$set": change}])
        found = self.find(site_id)
        return found is not None and found.phase is Phase.ABORTING

    def end_keeping(self, site_id: str, *, now: bool) -> bool:
        """Let the copy of a move be deleted, if its time is over or `now`; return whether it is."""
        kept = {"_id": site_id, "move.phase": Phase.KEPT.value}
        due = {} if now else {"$expr": {"$lte": ["$move.until", "$$NOW"]}}
        change = {"move.phase": Phase.PURGING.value, "epoch": _NEXT}
        self._sites.update({**kept, **due}, [{"$set": change}])
        found = self.find(site_id)
        return found is not None and found.phase is Phase.PURGING

    def due(self) -> list[str]:
        """Return the sites with a copy elsewhere that is due for deletion."""
        query = {"move.phase": Phase.KEPT.value, "$expr": {"$lte": ["$move.until", "$$NOW"]}}
        return [each["_id"] for each in self._sites.find(query, {"_id": 1})]

    def end(self, move: SiteMove) -> None:
        """Delete a completed move; repeatable."""
        self._sites.update(_still(move), [{"$unset": "move"}, {"$set": {"epoch": _NEXT}}])


_NEXT = {"$add": [{"$cond": [{"$isNumber": "$epoch"}, "$epoch", 0]}, 1]}
KEPT_UNTIL = {"$dateAdd": {"startDate": "$$NOW", "unit": "hour", "amount": KEPT_HOURS}}


def _still(move: SiteMove) -> Document:
    by_mover = {} if move.mover is None else {"move.mover": move.mover}
    return {"_id": move.site, "move.phase": move.phase.value, **by_mover}


def _move(found: Document) -> SiteMove | None:
    move = sound(SITES, found).get("move")
    if not isinstance(move, dict):
        return None
    return SiteMove(
        site=found["_id"],
        origin=move.get("from", cluster_in(found)),
        target=move.get("to", cluster_in(found)),
        phase=Phase(move["phase"]),
        epoch=int(found.get("epoch", 0)),
        mover=move.get("mover"),
        token=move.get("token"),
        begun_at=move["begun_at"],
        switched_at=move.get("switched_at"),
        until=move.get("until"),
        note=move.get("note"),
    )
