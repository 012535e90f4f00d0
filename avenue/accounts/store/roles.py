"""Roles of people on sites, in MongoDB."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.client_session import ClientSession

from avenue.accounts.models import User
from avenue.accounts.store.accounts import has_password
from avenue.accounts.store.documents import (
    BEYOND_PASSWORD,
    BOTH_EPOCHS,
    CHANGED_NOW,
    password_fields,
    user_in,
    user_or_none,
)
from avenue.identity import Role
from avenue.storage.connection import Database, Document
from avenue.storage.scope import deployment

SHARED_AT_ONCE = 500


class RoleStore:
    """The people with a role on a site, and changes of roles."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users = deployment(database).collection("users")

    def people_of(self, site: str, *, search: str, after: str | None, limit: int) -> list[User]:
        """Return people with a role on a site and `search` in email or name, after that email."""
        query = _people_of(site, search)
        if after is not None:
            query["email"] = {"$gt": after}

        def read(document: Document) -> User:
            user = user_in(document)
            if site not in user.roles:  # its `sites` say otherwise
                raise KeyError("roles")
            return user

        return self._users.values(read, query, sort=[("email", 1)], limit=limit)

    def count_people_of(self, site: str, *, search: str) -> int | None:
        """Return how many there are, None for more than `MOST_COUNTED`."""
        return self._users.total(_people_of(site, search))

    def give_role(
        self, user_id: str, site: str, role: Role, *, under: int, password_hash: str | None = None
    ) -> bool:
        """Give a role to a person without one on the site, while `under` is their token epoch.

        In the same step `password_hash` replaces a password that is not their own, second factor
        and passkeys are deleted, and both epochs are raised. Return whether it was done.
        """
        query = {"_id": user_id, f"roles.{site}": {"$exists": False}, "token_epoch": under}
        change: dict[str, Any] = _role_change(site, role)
        if password_hash is None:
            return bool(self._users.update(query, change))
        change["$set"].update(password_fields(password_hash, is_own=False))
        done = self._users.update(query, {**change, "$unset": BEYOND_PASSWORD, "$inc": BOTH_EPOCHS})
        return bool(done) or has_password(self._users, user_id, password_hash)

    def change_role(self, user_id: str, site: str, role: Role | None) -> bool:
        """Change a role or (None) remove it, unless the site would lose its last administrator.

        Return whether it was done.
        """
        sites = [] if role is Role.ADMIN else [site]
        return self._keeping_administrators(user_id, sites, _role_change(site, role))

    def shut_out(self, user_id: str, *, sites: Sequence[str]) -> bool:
        """Disable a person, unless one of `sites` would lose its last administrator.

        Both epochs are raised in the same step. Return whether it was done.
        """
        change = {"$set": {"disabled": True}, "$inc": BOTH_EPOCHS, **CHANGED_NOW}
        return self._keeping_administrators(user_id, sites, change)

    def _keeping_administrators(self, user_id: str, sites: Sequence[str], change: Document) -> bool:
        """Change a person if each of `sites` keeps an administrator who can sign in.

        The remaining administrator is written to, so that of two who remove each other at once one
        fails: a transaction only sees the state at its start.
        """

        def work(session: ClientSession) -> bool:
            users = self._users.within(session)
            user = user_or_none(users.find_one({"_id": user_id}))
            needed = [] if user is None or user.disabled else sites
            for site in needed:
                stays = {
                    "sites": site,
                    "_id": {"$ne": user_id},
                    f"roles.{site}": Role.ADMIN,
                    "disabled": False,
                }
                is_admin = user is not None and user.roles.get(site) is Role.ADMIN
                if is_admin and not users.update(stays, {"$inc": {"stayed": 1}}):
                    return False
            users.update({"_id": user_id}, change)
            return True

        return self._database.transaction(work)

    def set_roles(
        self,
        user_id: str,
        roles: Mapping[str, Role | None],
        *,
        under: int,
        void_password: bool,
    ) -> bool:
        """Set a person's roles on these sites, None being none, while `under` is their token epoch.

        The provider decides: a site may lose its last administrator. With `void_password` their
        password, second factor, passkeys, sessions and tokens end in the same step. Return whether
        it was done.
        """
        given = {site: role.value for site, role in roles.items() if role}
        # A pipeline: one update cannot add to an array and remove from it.
        kept = {"$filter": {"input": {"$objectToArray": "$roles"}, "cond": _other_than(roles)}}
        change: Document = {
            "roles": {"$mergeObjects": [{"$arrayToObject": kept}, {"$literal": given}]},
            "changed_at": "$$NOW",
        }
        if void_password:
            change |= password_fields("", is_own=True)
            change |= {name: {"$add": [f"${name}", 1]} for name in BOTH_EPOCHS}
        sites = {"$map": {"input": {"$objectToArray": "$roles"}, "in": "$$this.k"}}
        query = {"_id": user_id, "token_epoch": under}
        steps: list[Document] = [{"$set": change}, {"$set": {"sites": sites}}]
        if void_password:
            steps.append({"$unset": [*BEYOND_PASSWORD]})
        return bool(self._users.update(query, steps))

    def share_roles(self, source: str, target: str) -> tuple[int, int]:
        """Give people of one site the same role on another one; repeatable.

        Return how many have it, and how many do not get it: others may know their password, which
        must not open another site (docs/adr/0014).
        """
        may = {"sites": source, "$or": [{"password_is_own": True}, {"superuser": True}]}
        role = {"$ifNull": [f"$roles.{target}", f"$roles.{source}"]}
        sites = {"$setUnion": ["$sites", [target]]}
        change = [{"$set": {f"roles.{target}": role, "sites": sites, "changed_at": "$$NOW"}}]
        while found := self._users.find(
            {**may, "$nor": [{"sites": target}]}, {"_id": 1}, limit=SHARED_AT_ONCE
        ):
            self._users.update_all([({"_id": each["_id"]}, change) for each in found])
        have = self._users.count(may)
        return have, self._users.count({"sites": source}) - have


def _people_of(site: str, search: str) -> dict[str, Any]:
    query: dict[str, Any] = {"sites": site}
    if search:
        # MongoDB accepts no pattern with a NUL, but one that escapes it.
        like = {"$regex": re.escape(search).replace("\0", r"\x00"), "$options": "i"}
        query["$or"] = [{"email": like}, {"name": like}]
    return query


def _role_change(site: str, role: Role | None) -> Document:
    place = f"roles.{site}"
    change: Document = (
        {"$unset": {place: ""}, "$pull": {"sites": site}}
        if role is None
        else {"$set": {place: role.value}, "$addToSet": {"sites": site}}
    )
    return {**change, **CHANGED_NOW}


def _other_than(roles: Mapping[str, Role | None]) -> Document:
    return {"$not": [{"$in": ["$$this.k", {"$literal": [*roles]}]}]}
