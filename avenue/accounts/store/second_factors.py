"""Second factors and passkeys of people, in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from avenue.accounts.models import Passkey, SecondFactor
from avenue.accounts.store.documents import (
    BEYOND_PASSWORD,
    CHANGED_NOW,
    PASSKEY_FIELDS,
    kept_factor,
    kept_roles,
)
from avenue.clock import utc_now
from avenue.identity import Role
from avenue.storage.connection import Database, Document
from avenue.storage.scope import deployment

MOST_PASSKEYS = 20


class FactorStore:
    """Second factors: of an app, recovery codes, and passkeys."""

    def __init__(self, database: Database) -> None:
        self._users = deployment(database).collection("users")

    def set_up_second_factor(self, user_id: str, factor: SecondFactor) -> bool:
        """Store a second factor if there is none of an app, and end all sessions, in one step.

        Return whether it was done.
        """
        kept = kept_factor(factor)
        change = {"$set": {"second_factor": kept, "sessions": []}, "$inc": {"session_epoch": 1}}
        done = self._users.update({"_id": user_id, "second_factor.secret": None}, change)
        return bool(done) or self._has_factor(user_id, factor.secret)

    def _has_factor(self, user_id: str, secret: str | None) -> bool:
        """Return whether this change was already made, its answer being lost: secrets differ."""
        query = {"_id": user_id, "second_factor.secret": secret}
        return self._users.find_one(query, {"_id": 1}) is not None

    def use_step(self, user_id: str, secret: str, step: int) -> bool:
        """Mark the codes of a factor as used until that time step.

        Return whether they were unused.
        """
        unused = {"second_factor.secret": secret, "second_factor.last_step": {"$lt": step}}
        used = {"second_factor.last_step": step, "second_factor.wrong": 0}
        return bool(self._users.update({"_id": user_id, **unused}, {"$set": used}))

    def use_recovery_code(self, user_id: str, sha256: str) -> bool:
        """Mark a recovery code as used; return whether it existed."""
        query = {"_id": user_id, "second_factor.recovery_codes": sha256}
        change = {
            "$pull": {"second_factor.recovery_codes": sha256},
            "$set": {"second_factor.wrong": 0},
        }
        return bool(self._users.update(query, change))

    def count_wrong_code(self, user_id: str, secret: str | None) -> None:
        """Count a wrong code; counting one twice does no harm."""
        change = {"$inc": {"second_factor.wrong": 1}}
        self._users.update(_with_factor(user_id, secret), change)

    def set_recovery_codes(self, user_id: str, secret: str | None, hashes: Sequence[str]) -> None:
        """Replace the recovery codes."""
        change = {"$set": {"second_factor.recovery_codes": list(hashes)}}
        self._users.update(_with_factor(user_id, secret), change)

    def remove_second_factor(
        self, user_id: str, *, roles: Mapping[str, Role] | None = None
    ) -> bool:
        """Delete second factor and passkeys and end all sessions, in one step.

        Return whether it was done.

        With `roles` only while the person has exactly these.
        """
        query: dict[str, Any] = {"_id": user_id}
        if roles is not None:
            query["roles"] = kept_roles(roles)
        change = {
            "$unset": BEYOND_PASSWORD,
            "$set": {"sessions": []},
            "$inc": {"session_epoch": 1},
        }
        return bool(self._users.update(query, {**change, **CHANGED_NOW}))

    def add_passkey(self, user_id: str, passkey: Passkey, factor: SecondFactor | None) -> bool:
        """Add a passkey; with `factor` only where there is no second factor, and sessions end.

        Return whether it was done: at most `MOST_PASSKEYS` are kept.
        """
        kept = {name: getattr(passkey, name) for name in PASSKEY_FIELDS}
        query: dict[str, Any] = {
            "_id": user_id,
            f"passkeys.{MOST_PASSKEYS - 1}": {"$exists": False},
        }
        change: Document = {"$push": {"passkeys": kept}}
        if factor is None:
            query["second_factor"] = {"$ne": None}
        else:
            query["second_factor"] = None
            change["$set"] = {"second_factor": kept_factor(factor), "sessions": []}
            change["$inc"] = {"session_epoch": 1}
        own = {"_id": user_id, "passkeys.id": passkey.id}
        done = self._users.update({**query, "passkeys.id": {"$ne": passkey.id}}, change)
        return bool(done) or self._users.find_one(own, {"_id": 1}) is not None

    def use_passkey(
        self, user_id: str, passkey_id: str, sign_count: int, *, challenged_at: datetime
    ) -> bool:
        """Record a use; return whether no challenge of that time or later was used before."""
        newer = {"id": passkey_id, "challenged_at": {"$lt": challenged_at}}
        used = {
            "passkeys.$.challenged_at": challenged_at,
            "passkeys.$.used_at": utc_now(),
            "passkeys.$.sign_count": sign_count,
        }
        query = {"_id": user_id, "passkeys": {"$elemMatch": newer}}
        return bool(self._users.update(query, {"$set": used}))

    def remove_passkey(self, user_id: str, passkey_id: str) -> None:
        """Delete a passkey; repeatable."""
        self._users.update({"_id": user_id}, {"$pull": {"passkeys": {"id": passkey_id}}})


def _with_factor(user_id: str, secret: str | None) -> Document:
    """Return the query for a person who still has that factor; its secret may be None."""
    return {
        "_id": user_id,
        "second_factor": {"$type": "object"},
        "second_factor.secret": secret,
    }
