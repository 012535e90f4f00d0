"""Changes of one asset, each a conditional write inside or outside a transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from avenue.clock import utc_now
from avenue.media.announcing.models import Kind
from avenue.media.announcing.store import announce, announce_one, together
from avenue.media.intake.filetypes import FILE_TYPES, file_name
from avenue.media.models import Asset, Claim, State, Version
from avenue.media.store.documents import from_document, version_document
from avenue.storage.collection import Change, Collection
from avenue.storage.connection import Document
from avenue.storage.listing import listing_of

_IN_TIME = {"$expr": {"$gt": ["$expires_at", "$$NOW"]}}
UNCLAIMED = {"claim": None, "state": State.LIVE}


def claim_one(assets: Collection, asset_id: str, claim: Claim) -> bool:
    """Give an unclaimed asset its owner, inside a transaction; False if it is too late.

    True if it is already claimed by the same owner, because a transaction may run twice.
    """
    in_time = {"claim": None, **_IN_TIME}
    query = {
        "_id": asset_id,
        "state": State.LIVE,
        "$or": [in_time, {"claim.kind": claim.kind, "claim.id": claim.id}],
    }
    change = {"$set": {"claim": {"kind": claim.kind, "id": claim.id}}, "$unset": {"expires_at": ""}}
    return _announced(assets, query, change, Kind.CREATED) is not None


def describe_one(
    assets: Collection,
    asset_id: str,
    claim: Claim,
    changes: Mapping[str, Any],
    revision: int | None = None,
) -> Asset | None:
    """Set fields of an asset of the library and its search text, inside a transaction."""
    found = assets.find_one({**_owned(asset_id, claim), "state": State.LIVE})
    if found is None:
        return None
    changes = {**changes, **listing_of({**found, **changes})}
    return change_one(assets, asset_id, claim, changes, revision)


def change_one(
    assets: Collection,
    asset_id: str,
    claim: Claim,
    changes: Mapping[str, Any],
    revision: int | None = None,
) -> Asset | None:
    """Set fields of a live asset that `claim` owns, and return it.

    Return None if there is none, or if it does not have the given `revision`. The key
    `alt.<language>` sets one of its texts; an empty text removes it.
    """
    query = {**_owned(asset_id, claim), "state": State.LIVE}
    if revision is not None:
        query["revision"] = revision
    if "focal" in changes or "visibility" in changes:
        changed = together(assets, lambda inside: _addressed_anew(inside, query, changes))
    else:
        gone = [each for each, text in changes.items() if each.startswith("alt.") and not text]
        kept = {each: {"$literal": value} for each, value in changes.items() if each not in gone}
        # As stages, because these set `alt.<language>` where `alt` is null, too.
        stages = [{"$set": {**kept, "revision": {"$add": ["$revision", 1]}}}]
        changed = assets.find_and_update(query, [*stages, *([{"$unset": gone}] if gone else [])])
    return from_document(changed) if changed else None


def _addressed_anew(
    assets: Collection, query: Mapping[str, Any], changes: Mapping[str, Any]
) -> Document | None:
    """Set fields that change the asset's addresses, and purge the old ones.

    The focal point changes those of cropped sizes, the visibility all of them.
    """
    announce_one(assets, query, Kind.PURGE)
    values = {name: {"$literal": value} for name, value in changes.items()}
    if "visibility" in changes:
        epoch = {"$ifNull": ["$visibility_epoch", 0]}
        is_same = {"$eq": ["$visibility", values["visibility"]]}
        values["visibility_epoch"] = {"$cond": [is_same, epoch, {"$add": [epoch, 1]}]}
    counted = {"revision": {"$add": ["$revision", 1]}, "shown_anew_at": "$$NOW"}
    change = {"$set": {**values, **counted}}
    return assets.find_and_update(query, [change])


def keep_temporary(assets: Collection, asset_id: str) -> Asset | None:
    """Mark a stored, unclaimed asset as a temporary picture, inside a transaction; return it."""
    query = {"_id": asset_id, "state": State.LIVE, "claim": None}
    kept = assets.find_and_update(query, {"$set": {"temporary": True}})
    return from_document(kept) if kept else None


def keep_longer(assets: Collection, asset_id: str, *, hours: int) -> bool:
    """Let an unclaimed asset expire `hours` from now, inside a transaction; False if too late."""
    query = {"_id": asset_id, "claim": None, "state": State.LIVE, **_IN_TIME}
    later = {"$dateAdd": {"startDate": "$$NOW", "unit": "hour", "amount": hours}}
    return bool(assets.update(query, [{"$set": {"expires_at": later}}]))


def discard_unclaimed(assets: Collection, asset_id: str) -> Asset | None:
    """Condemn an unclaimed asset and return it; None if there is none.

    If its bytes are not deleted right after, the sweeper does it.
    """
    return condemn(assets, {"_id": asset_id, "claim": None})


def condemn(assets: Collection, query: Mapping[str, Any]) -> Asset | None:
    """Condemn an asset that never had an owner (make it invisible for good), and return it.

    In a transaction, which does not change invalid records.
    """
    change = {"$set": {"state": State.PURGING}}
    found = assets.transaction(lambda inside: _announced(inside, query, change, Kind.PURGE))
    return from_document(found) if found else None


def temporary_of(assets: Collection, owner: str) -> list[Asset]:
    """Return the unexpired temporary pictures of `owner`, newest first."""
    query = {"owner": owner, "temporary": True, "claim": None, "state": State.LIVE, **_IN_TIME}
    return assets.values(from_document, query, sort=[("created_at", -1)])


def claim_temporary(assets: Collection, asset_id: str, claim: Claim, *, owner: str | None) -> bool:
    """Give a temporary picture of `owner` to `claim`, inside a transaction; False if too late."""
    query = {
        "_id": asset_id,
        "owner": owner,
        "temporary": True,
        "claim": None,
        "state": State.LIVE,
        **_IN_TIME,
    }
    change = {
        "$set": {"claim": {"kind": claim.kind, "id": claim.id}},
        "$unset": {"expires_at": "", "temporary": ""},
    }
    return _announced(assets, query, change, Kind.CREATED) is not None


def _announced(
    assets: Collection, query: Mapping[str, Any], change: Change, *kinds: Kind
) -> Document | None:
    """Change an asset inside a transaction, announce that, and return it; None without one."""
    found = assets.find_and_update(query, change)
    if found is not None:
        announce(assets, found, *kinds)
    return found


def discard_temporary(assets: Collection, owner: str, asset_id: str) -> Asset | None:
    """Condemn a temporary picture of `owner` and return it; None if there is none.

    If its bytes are not deleted right after, the sweeper does it.
    """
    return condemn(assets, {"_id": asset_id, "owner": owner, "temporary": True, "claim": None})


def without_alt(language: str) -> Document:
    """Return the condition for pictures that need a text in `language` and have none.

    Decorative pictures need none.
    """
    return {f"alt.{language}": {"$in": [None, ""]}, "decorative": {"$ne": True}}


def owners_without_alt(
    assets: Collection,
    kind: str,
    language: str,
    among: Sequence[str] | None = None,
    *,
    most: int | None,
) -> dict[str, int]:
    """Return how many live pictures without a text in `language` owners have, by the owner's id.

    Only owners of `kind`, and in `among` if that is given, with such pictures (see `without_alt`)
    are returned. At most `most` pictures and one more are counted; without `among`, the newest.
    """
    lacking: Document = {"claim.kind": kind, "state": State.LIVE, **without_alt(language)}
    newest_first: list[Document] = [{"$sort": {"created_at": -1, "_id": -1}}]
    if among is not None:  # these are found by an index of their owners, in any order
        newest_first = []
    found = assets.aggregate(
        [
            {"$match": lacking if among is None else {**lacking, "claim.id": {"$in": [*among]}}},
            *([] if most is None else [*newest_first, {"$limit": most + 1}]),
            {"$group": {"_id": "$claim.id", "pictures": {"$sum": 1}}},
        ]
    )
    return {each["_id"]: each["pictures"] for each in found}


def trash_one(
    assets: Collection,
    asset_id: str,
    claim: Claim,
    *,
    position: int,
    by: str | None,
    reason: str,
) -> bool:
    """Move a live asset of `claim` to the trash, inside a transaction."""
    stamp = {"at": "$$NOW", "by": by, "reason": reason, "position": position}
    query = {**_owned(asset_id, claim), "state": State.LIVE}
    return trash_where(assets, query, {"state": State.TRASH, "trash": stamp}) is not None


def trash_where(
    assets: Collection,
    query: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> Document | None:
    """Set `changes`, which move it to the trash, on the matching asset; return it.

    In a transaction, which does not change invalid records.
    """
    return assets.transaction(
        lambda inside: _announced(inside, query, [{"$set": changes}], Kind.DELETED, Kind.PURGE)
    )


def restore_one(assets: Collection, asset_id: str, claim: Claim) -> int | None:
    """Restore an asset from the trash, inside a transaction; return its old position.

    That is the first one if none was recorded.
    """
    query = {**_owned(asset_id, claim), "state": State.TRASH}
    found = assets.find_one(query)
    if found is None:
        return None
    restored = {"$set": {"state": State.LIVE}, "$unset": {"trash": ""}}
    _announced(assets, query, restored, Kind.RESTORED)
    position: int = found.get("trash", {}).get("position", 0)
    return position


def replace_one(
    assets: Collection, asset_id: str, claim: Claim, *, version: Version, name: str, keep: int
) -> tuple[str, ...] | None:
    """Put `version` before the others of a live asset, inside a transaction.

    Return the files of the versions that were dropped, so that they can be deleted; None if the
    asset does not exist. Run again after it succeeded, it changes and drops nothing.
    """
    query = {**_owned(asset_id, claim), "state": State.LIVE}
    before = assets.find_one(query)
    if before is None:
        return None
    if before["versions"][0]["file"] == version.file:
        return ()
    newest = {"$each": [version_document(version)], "$position": 0, "$slice": keep}
    named = {
        "name": name,
        **listing_of({**before, "name": name, "versions": [version_document(version)]}),
        "shown_anew_at": utc_now(),
    }
    change = {"$push": {"versions": newest}, "$set": named, "$inc": {"revision": 1}}
    _show_another(assets, query, change, before)
    return tuple(each["file"] for each in before["versions"][keep - 1 :])


def bring_back_one(
    assets: Collection, asset_id: str, claim: Claim, *, version: str, by: str | None
) -> Asset | None:
    """Make an older version (its twelve digits) of a live asset the current one again.

    Inside a transaction. It is put first with the current time, so that caches revalidate; the
    others stay, and none is dropped. The name gets the extension of its type. Return the asset,
    unchanged if the version is current already; None if there is no such version.
    """
    query = {**_owned(asset_id, claim), "state": State.LIVE}
    found = assets.find_one(query)
    if found is None:
        return None
    versions: list[Document] = found["versions"]
    place = next((n for n, each in enumerate(versions) if each["sha256"][:12] == version), None)
    if place is None:
        return None
    if place == 0:
        return from_document(found)
    front = {**versions[place], "at": utc_now(), "by": by}
    ordered = [front, *versions[:place], *versions[place + 1 :]]
    name = file_name(found["name"], FILE_TYPES[front["media_type"]])
    changed = {"versions": ordered, "name": name, "shown_anew_at": utc_now()}
    changed |= listing_of({**found, **changed})
    after = _show_another(assets, query, {"$set": changed, "$inc": {"revision": 1}}, found)
    return from_document(after) if after else None


def _show_another(
    assets: Collection, query: Mapping[str, Any], change: Mapping[str, Any], before: Document
) -> Document | None:
    """Show another version of an asset by `change`, inside a transaction; return it then."""
    after = _announced(assets, query, change, Kind.REPLACED)
    if after is not None:
        announce(assets, before, Kind.PURGE)
    return after


def hold_live(assets: Collection, asset_ids: Iterable[str], claim: Claim) -> frozenset[str]:
    """Lock live assets of `claim` for a record that begins to refer to them, in its transaction.

    Return those of `asset_ids` that do not exist: the caller drops them, or gives up. The assets
    are written to, so of this and a simultaneous deletion only one commits; the other runs again
    and sees it.
    """
    ids = sorted(set(asset_ids))
    if not ids:
        return frozenset()
    live = {**owned_by(claim), "state": State.LIVE}
    assets.update_all([({"_id": each, **live}, {"$inc": {"holds": 1}}) for each in ids])
    found = assets.find({"_id": {"$in": ids}, **live}, {"_id": 1})
    return frozenset(ids) - {each["_id"] for each in found}


def owned_by(claim: Claim) -> Document:
    """Return the condition for assets that `claim` owns."""
    return {"claim.kind": claim.kind, "claim.id": claim.id}


def _owned(asset_id: str, claim: Claim) -> Document:
    return {"_id": asset_id, **owned_by(claim)}


def mark_damaged(
    assets: Collection, asset_id: str, file_id: str, kind: str, *, detail: str
) -> None:
    """Mark the bytes that an asset shows as damaged, if it still shows that file."""
    noted = {"file": file_id, "kind": kind, "detail": detail}
    change = {"$set": {"damaged": {"$mergeObjects": [{"$literal": noted}, {"at": "$$NOW"}]}}}
    assets.update({"_id": asset_id, "versions.0.file": file_id}, [change])
