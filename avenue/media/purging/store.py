"""Notices for the edges, in the documents of the assets they are about.

A notice is written by the same update that changes the asset, so there is none without the other,
and it stays until a receiver has accepted it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from avenue.identity import new_id
from avenue.media.models import Visibility
from avenue.media.purging.models import Notice, Shown
from avenue.storage.connection import Database, Document
from avenue.storage.records import readable
from avenue.storage.scope import Collection, house

ASSETS = "assets"
PENDING = {"purges.0": {"$exists": True}}
"""What an asset has while an edge is still to be told of it."""
NOTED_OF_A_VERSION = ("sha256", "media_type", "has_alpha", "width", "focal")


def noted(assets: Collection, *stages: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the pipeline of an update: note a public asset as it was, then do `stages`."""
    return [_note(), *stages] if assets.database.tells_edges else list(stages)


def note_one(assets: Collection, asset_id: str) -> None:
    """Note an asset as it is, inside the transaction that will change it."""
    if assets.database.tells_edges:
        assets.update({"_id": asset_id}, [_note()])


class PurgeStore:
    """The notices of every site."""

    def __init__(self, database: Database) -> None:
        self._assets = house(database).collection(ASSETS)

    def due(self, delay_seconds: float, limit: int) -> list[Notice]:
        """Return the oldest notices that are at least `delay_seconds` old, by server time."""
        latest = {"$subtract": ["$$NOW", int(delay_seconds * 1000)]}
        is_due = {"purges.at": {"$type": "date"}, "$expr": {"$lte": ["$purges.at", latest]}}
        return self._found(is_due, limit)

    def named(self, notice_ids: Sequence[str]) -> list[Notice]:
        """Return those of `notice_ids` that are still there, in the order they have in `due`."""
        return self._found({"purges.id": {"$in": list(notice_ids)}}, len(notice_ids))

    def forget(self, notices: Sequence[Notice]) -> None:
        """Remove notices; repeatable."""
        if notices:
            self._assets.update_all(
                [
                    ({"_id": each.asset, "site": each.site}, {"$pull": {"purges": {"id": each.id}}})
                    for each in notices
                ]
            )

    def _found(self, condition: Mapping[str, Any], limit: int) -> list[Notice]:
        found = self._assets.aggregate(
            [
                {"$match": PENDING},
                {"$unwind": "$purges"},
                {"$match": condition},
                {"$sort": {"purges.at": 1, "purges.id": 1}},
                {"$limit": limit},
                {"$project": {"site": 1, "purges": 1}},
            ]
        )
        return list(readable(ASSETS, _notice, found, is_part=True))


def _note() -> Document:
    """Return the stage that adds a notice of the asset as it is, if everybody may see it."""
    version = {name: f"$$each.{name}" for name in NOTED_OF_A_VERSION}
    notice = {
        "id": new_id(),
        "at": "$$NOW",
        "focal": "$focal",
        "epoch": {"$ifNull": ["$visibility_epoch", 0]},
        "versions": {"$map": {"input": _list("$versions"), "as": "each", "in": version}},
    }
    more = {"$concatArrays": [_list("$purges"), [notice]]}
    is_public = {"$eq": ["$visibility", Visibility.PUBLIC.value]}
    same = {"$ifNull": ["$purges", "$$REMOVE"]}
    return {"$set": {"purges": {"$cond": [is_public, more, same]}}}


def _list(field: str) -> Document:
    """Return the expression for a field if it is a list, else for an empty one."""
    return {"$cond": [{"$isArray": field}, field, []]}


def _notice(document: Document) -> Notice:
    noted_then = document["purges"]
    return Notice(
        id=noted_then["id"],
        site=document["site"],
        asset=document["_id"],
        at=noted_then["at"],
        versions=tuple(
            Shown(
                sha256=each["sha256"],
                media_type=each["media_type"],
                is_picture=each.get("width") is not None,
                has_alpha=each.get("has_alpha", False),
                focal=_point(noted_then.get("focal") or each.get("focal")),
                epoch=noted_then.get("epoch", 0),
            )
            for each in noted_then["versions"]
        ),
    )


def _point(stored: Sequence[float] | None) -> tuple[float, float] | None:
    return (stored[0], stored[1]) if stored else None
