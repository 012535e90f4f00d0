"""People, their tokens and links in MongoDB: `users`, `api_tokens`, `password_links`.

All of them belong to the whole deployment.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from avenue.accounts.errors import EmailTaken
from avenue.accounts.models import (
    ApiToken,
    OidcIdentity,
    Passkey,
    PasswordLink,
    SecondFactor,
    Session,
    User,
)
from avenue.clock import utc_now
from avenue.errors import MalformedRecord
from avenue.identity import Role, Scope
from avenue.storage.collection import AlreadyThere
from avenue.storage.connection import Database, Document
from avenue.storage.records import left_out
from avenue.storage.scope import deployment

MOST_SESSIONS = 50
"""The most browser sessions of a person; above it the oldest ends."""
MOST_PASSKEYS = 20
PASSKEY = tuple(each.name for each in fields(Passkey))
IDENTITY = tuple(each.name for each in fields(OidcIdentity))
USE_SECONDS = 0.5
"""How long a request waits for its use to be recorded."""
# A change that is repeated after a lost answer raises an epoch twice, which has the same effect.
BOTH_EPOCHS = {"session_epoch": 1, "token_epoch": 1}
SHARED_AT_ONCE = 500
CHANGED_NOW = {"$currentDate": {"changed_at": True}}
BEYOND_PASSWORD = {"second_factor": "", "passkeys": ""}
"""What anyone who knows a password could have added, besides sessions and tokens."""


class MongoAccountStore:
    """People, their sessions and second factors, API tokens and links for a new password."""

    def __init__(self, database: Database) -> None:
        scope = deployment(database)
        self._database = database
        self._users = scope.collection("users")
        self._tokens = scope.collection("api_tokens")
        self._links = scope.collection("password_links")

    def user_by_email(self, email: str) -> User | None:
        """Return the person with this normalised email; None, too, where the record cannot be read.

        The caller of a sign-in learns nothing about what is stored; the log says it.
        """
        try:
            return _user(self._users.find_one({"email": email}))
        except MalformedRecord as malformed:
            left_out(malformed)
            return None

    def user_by_id(self, user_id: str) -> User | None:
        """Return a user, or None."""
        return _user(self._users.find_one({"_id": user_id}))

    def emails_of(self, ids: Collection[str]) -> dict[str, str]:
        """Return the emails of those of these people who exist, by id."""
        wanted = {"_id": {"$in": [*ids]}}
        return dict(self._users.values(lambda each: (each["_id"], each["email"]), wanted))

    def users(self) -> list[User]:
        """Return all people, by email."""
        return self._users.values(_user_in, {}, sort=[("email", 1)])

    def has_users(self) -> bool:
        """Return whether there are any people."""
        return self._users.find_one({}, {"_id": 1}) is not None

    def add_user(self, user: User) -> None:
        """Insert a new person; raise `EmailTaken`."""
        try:
            self._users.insert(
                {
                    "_id": user.id,
                    "email": user.email,
                    "name": user.name,
                    "password_hash": user.password_hash,
                    "password_is_own": user.password_is_own,
                    "roles": _kept_roles(user.roles),
                    "sites": sorted(user.roles),
                    "superuser": user.superuser,
                    "disabled": user.disabled,
                    "session_epoch": user.session_epoch,
                    "token_epoch": user.token_epoch,
                    "created_at": user.created_at,
                    "changed_at": user.changed_at,
                    **({"oidc": _kept_identity(user.oidc)} if user.oidc else {}),
                }
            )
        except AlreadyThere:
            raise EmailTaken from None

    def set_password(
        self,
        user_id: str,
        password_hash: str,
        *,
        is_own: bool,
        under: int | None = None,
        roles: Mapping[str, Role] | None = None,
    ) -> bool:
        """Change the password and raise both epochs, in one step; return whether it was done.

        With `under` only while that is the person's token epoch, with `roles` while they have
        exactly these.
        """
        query: dict[str, Any] = {"_id": user_id}
        if under is not None:
            query["token_epoch"] = under
        if roles is not None:
            query["roles"] = _kept_roles(roles)
        change = {"$set": _password(password_hash, is_own=is_own), "$inc": BOTH_EPOCHS}
        done = self._users.update(query, {**change, **CHANGED_NOW})
        return bool(done) or self._has_password(user_id, password_hash)

    def renew_password(self, user_id: str, stored: str, renewed: str) -> None:
        """Store the same password in another form, if it is still stored as `stored`."""
        query = {"_id": user_id, "password_hash": stored}
        self._users.update(query, {"$set": {"password_hash": renewed}})

    def _has_password(self, user_id: str, password_hash: str) -> bool:
        """Return whether this change was already made, its answer being lost: a hash has a salt."""
        return self._users.find_one({"_id": user_id, "password_hash": password_hash}) is not None

    def set_disabled(self, user_id: str, *, disabled: bool) -> None:
        """Disable or enable a person and raise both epochs, in one step."""
        change = {"$set": {"disabled": disabled}, "$inc": BOTH_EPOCHS, **CHANGED_NOW}
        self._users.update({"_id": user_id}, change)

    def end_sessions(self, user_id: str) -> None:
        """Raise the session epoch and delete all sessions."""
        change = {"$inc": {"session_epoch": 1}, "$set": {"sessions": []}}
        self._users.update({"_id": user_id}, change)

    def add_session(self, user_id: str, session: Session) -> None:
        """Add a session; above `MOST_SESSIONS` the oldest ends. Repeatable."""
        kept = {
            "id": session.id,
            "site": session.site,
            "epoch": session.epoch,
            "began_at": session.began_at,
            "used_at": session.used_at,
            "device": session.device,
            "second_factor_shown": session.second_factor_shown,
        }
        newest = {"$each": [kept], "$slice": -MOST_SESSIONS}
        self._users.update(
            {"_id": user_id, "sessions.id": {"$ne": session.id}}, {"$push": {"sessions": newest}}
        )

    def end_session(self, user_id: str, session_id: str) -> None:
        """Delete a session; repeatable."""
        self._users.update({"_id": user_id}, {"$pull": {"sessions": {"id": session_id}}})

    def note_session_use(self, user_id: str, session_id: str, at: datetime, device: str) -> None:
        """Record the use of a session and the device. Raise `Unavailable` if it takes long."""
        with self._database.deadline(USE_SECONDS):
            self._users.update(
                {"_id": user_id, "sessions.id": session_id},
                {"$set": {"sessions.$.used_at": at, "sessions.$.device": device}},
            )

    def note_token_use(self, token_id: str, at: datetime, device: str) -> None:
        """Record the use of a token and the device. Raise `Unavailable` if it takes long."""
        with self._database.deadline(USE_SECONDS):
            self._tokens.update({"_id": token_id}, {"$set": {"used_at": at, "device": device}})

    def add_token(self, token: ApiToken) -> None:
        """Insert a new token."""
        self._tokens.insert(
            {
                "_id": token.id,
                "user": token.user,
                "site": token.site,
                "name": token.name,
                "scopes": sorted(scope.value for scope in token.scopes),
                "epoch": token.epoch,
                "secret_sha256": token.secret_sha256,
                "created_at": token.created_at,
                "expires_at": token.expires_at,
                "used_at": token.used_at,
                "device": token.device,
            }
        )

    def token_by_sha256(self, secret_sha256: str) -> ApiToken | None:
        """Return the token with this secret."""
        return _token(self._tokens.find_one({"secret_sha256": secret_sha256}))

    def token_by_id(self, user: str, site: str, token_id: str) -> ApiToken | None:
        """Return one token of a person and site."""
        return _token(self._tokens.find_one({"_id": token_id, "user": user, "site": site}))

    def tokens(
        self,
        user: str,
        site: str,
        *,
        good_at: datetime,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[ApiToken]:
        """Return unexpired tokens, newest first, after the one with that time and id."""
        query: dict[str, Any] = {"user": user, "site": site, "expires_at": {"$gt": good_at}}
        if after:
            made_at, token_id = after
            query["$or"] = [
                {"created_at": {"$lt": made_at}},
                {"created_at": made_at, "_id": {"$lt": token_id}},
            ]
        order = [("created_at", -1), ("_id", -1)]
        return self._tokens.values(_token_in, query, sort=order, limit=limit)

    def count_tokens(self, user: str, site: str, *, good_at: datetime) -> int:
        """Return the number of unexpired tokens."""
        return self._tokens.count({"user": user, "site": site, "expires_at": {"$gt": good_at}})

    def remove_token(self, token_id: str) -> None:
        """Delete a token; repeatable."""
        self._tokens.delete({"_id": token_id})

    def remove_tokens(self, user: str, *, site: str | None = None, name: str | None = None) -> None:
        """Delete all tokens of a person, or those for one site or with a name; repeatable."""
        given = {"site": site, "name": name}
        only = {field: value for field, value in given.items() if value is not None}
        self._tokens.delete_all({"user": user, **only})

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

    # For `second_factor`

    def set_up_second_factor(self, user_id: str, factor: SecondFactor) -> bool:
        """Store a second factor if there is none of an app, and end all sessions, in one step.

        Return whether it was done.
        """
        kept = _kept_factor(factor)
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
        query = {"_id": user_id, "second_factor.secret": secret}
        self._users.update(query, {"$inc": {"second_factor.wrong": 1}})

    def set_recovery_codes(self, user_id: str, secret: str | None, hashes: Sequence[str]) -> None:
        """Replace the recovery codes."""
        query = {"_id": user_id, "second_factor.secret": secret}
        self._users.update(query, {"$set": {"second_factor.recovery_codes": list(hashes)}})

    def remove_second_factor(
        self, user_id: str, *, roles: Mapping[str, Role] | None = None
    ) -> bool:
        """Delete second factor and passkeys and end all sessions, in one step.

        Return whether it was done.

        With `roles` only while the person has exactly these.
        """
        query: dict[str, Any] = {"_id": user_id}
        if roles is not None:
            query["roles"] = _kept_roles(roles)
        change = {
            "$unset": BEYOND_PASSWORD,
            "$set": {"sessions": []},
            "$inc": {"session_epoch": 1},
        }
        return bool(self._users.update(query, {**change, **CHANGED_NOW}))

    # For `oidc.service`

    def user_by_identity(self, issuer: str, subject: str) -> User | None:
        """Return the person whom a provider identifies as `subject`, or None."""
        # The condition on texts lets the server use the index, which only has texts.
        known = {"$eq": subject, "$type": "string"}
        return _user(self._users.find_one({"oidc.subject": known, "oidc.issuer": issuer}))

    def link(
        self, user_id: str, identity: OidcIdentity, *, under: int, void_password: bool
    ) -> bool:
        """Store a person's identity at a provider, while `under` is their token epoch.

        With `void_password` their password, sessions and tokens end in the same step. Return
        whether it was done: a person has one identity at an issuer, and an identity one person.
        """
        query = {"_id": user_id, "token_epoch": under, "oidc.issuer": {"$ne": identity.issuer}}
        change: Document = {"$set": {"oidc": _kept_identity(identity)}, **CHANGED_NOW}
        if void_password:
            change["$set"].update(_password("", is_own=True))
            change["$inc"] = BOTH_EPOCHS
        own = {
            "_id": user_id,
            "oidc.subject": identity.subject,
            "oidc.linked_at": identity.linked_at,
        }
        try:
            done = self._users.update(query, change)
        except AlreadyThere:
            return False
        return bool(done) or self._users.find_one(own, {"_id": 1}) is not None

    def unlink(self, user_id: str) -> None:
        """Remove a person's identity at the provider, and raise both epochs, in one step."""
        change = {"$unset": {"oidc": ""}, "$set": {"sessions": []}, "$inc": BOTH_EPOCHS}
        self._users.update({"_id": user_id}, {**change, **CHANGED_NOW})

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
            change |= _password("", is_own=True)
            change |= {name: {"$add": [f"${name}", 1]} for name in BOTH_EPOCHS}
        sites = {"$map": {"input": {"$objectToArray": "$roles"}, "in": "$$this.k"}}
        query = {"_id": user_id, "token_epoch": under}
        steps: list[Document] = [{"$set": change}, {"$set": {"sites": sites}}]
        if void_password:
            steps.append({"$unset": [*BEYOND_PASSWORD]})
        return bool(self._users.update(query, steps))

    # For `passkeys`

    def add_passkey(self, user_id: str, passkey: Passkey, factor: SecondFactor | None) -> bool:
        """Add a passkey; with `factor` only where there is no second factor, and sessions end.

        Return whether it was done: at most `MOST_PASSKEYS` are kept.
        """
        kept = {name: getattr(passkey, name) for name in PASSKEY}
        query: dict[str, Any] = {
            "_id": user_id,
            f"passkeys.{MOST_PASSKEYS - 1}": {"$exists": False},
        }
        change: Document = {"$push": {"passkeys": kept}}
        if factor is None:
            query["second_factor"] = {"$ne": None}
        else:
            query["second_factor"] = None
            change["$set"] = {"second_factor": _kept_factor(factor), "sessions": []}
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

    # For `recovery`

    def put_link(self, link: PasswordLink) -> None:
        """Store a link, replacing the one with its id; repeatable."""
        fields = {
            "user": link.user,
            "site": link.site,
            "epoch": link.epoch,
            "secret_sha256": link.secret_sha256,
            "expires_at": link.expires_at,
        }
        self._links.update({"_id": link.id}, {"$set": fields}, upsert=True)

    def link_by_sha256(self, secret_sha256: str) -> PasswordLink | None:
        """Return the link with this secret."""
        found = self._links.find_one({"secret_sha256": secret_sha256})
        if found is None:
            return None
        return PasswordLink(
            id=found["_id"],
            user=found["user"],
            site=found["site"],
            epoch=found["epoch"],
            secret_sha256=found["secret_sha256"],
            expires_at=found["expires_at"],
        )

    def count_links(self, user: str, *, good_at: datetime, but: str) -> int:
        """Return the number of a person's unexpired links other than `but`."""
        query = {"user": user, "expires_at": {"$gt": good_at}, "_id": {"$ne": but}}
        return self._links.count(query)

    def remove_links(self, user: str) -> None:
        """Delete all links of a person; repeatable."""
        self._links.delete_all({"user": user})

    # For `people`

    def people_of(self, site: str, *, search: str, after: str | None, limit: int) -> list[User]:
        """Return people with a role on a site and `search` in email or name, after that email."""
        query = _people_of(site, search)
        if after is not None:
            query["email"] = {"$gt": after}

        def read(document: Document) -> User:
            user = _user_in(document)
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
        change["$set"].update(_password(password_hash, is_own=False))
        done = self._users.update(query, {**change, "$unset": BEYOND_PASSWORD, "$inc": BOTH_EPOCHS})
        return bool(done) or self._has_password(user_id, password_hash)

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
            user = _user(users.find_one({"_id": user_id}))
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


def _people_of(site: str, search: str) -> dict[str, Any]:
    query: dict[str, Any] = {"sites": site}
    if search:
        # MongoDB accepts no pattern with a NUL, but one that escapes it.
        like = {"$regex": re.escape(search).replace("\0", r"\x00"), "$options": "i"}
        query["$or"] = [{"email": like}, {"name": like}]
    return query


def _kept_roles(roles: Mapping[str, Role]) -> Document:
    return {site: role.value for site, role in roles.items()}


def _kept_identity(identity: OidcIdentity) -> Document:
    return {name: getattr(identity, name) for name in IDENTITY}


def _password(password_hash: str, *, is_own: bool) -> Document:
    return {"password_hash": password_hash, "password_is_own": is_own}


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


def _user(document: Document | None) -> User | None:
    return _user_in(document) if document else None


def _user_in(document: Document) -> User:
    return User(
        id=document["_id"],
        email=document["email"],
        name=document["name"],
        password_hash=document["password_hash"],
        # Not stored at first; whether those passwords are the person's own is unknown.
        password_is_own=document.get("password_is_own") is True,
        roles={site: Role(role) for site, role in document["roles"].items()},
        superuser=document["superuser"],
        disabled=document["disabled"],
        session_epoch=document["session_epoch"],
        token_epoch=document["token_epoch"],
        created_at=document["created_at"],
        changed_at=document.get("changed_at") or document["created_at"],  # not stored at first
        sessions=tuple(map(_session_in, document.get("sessions") or ())),
        second_factor=_second_factor_in(document.get("second_factor")),
        passkeys=tuple(map(_passkey_in, document.get("passkeys") or ())),
        oidc=_identity_in(document.get("oidc")),
    )


def _identity_in(document: Document | None) -> OidcIdentity | None:
    return OidcIdentity(**{name: document[name] for name in IDENTITY}) if document else None


def _passkey_in(document: Document) -> Passkey:
    return Passkey(**{name: document[name] for name in PASSKEY})


def _kept_factor(factor: SecondFactor) -> Document:
    return {
        "secret": factor.secret,
        "recovery_codes": list(factor.recovery_codes),
        "last_step": factor.last_step,
        "wrong": factor.wrong,
        "set_up_at": factor.set_up_at,
    }


def _second_factor_in(document: Document | None) -> SecondFactor | None:
    if document is None:
        return None
    return SecondFactor(
        secret=document["secret"],
        recovery_codes=tuple(document["recovery_codes"]),
        last_step=document["last_step"],
        wrong=document["wrong"],
        set_up_at=document["set_up_at"],
    )


def _session_in(document: Document) -> Session:
    return Session(
        id=document["id"],
        site=document["site"],
        epoch=document["epoch"],
        began_at=document["began_at"],
        used_at=document["used_at"],
        device=document["device"],
        second_factor_shown=document.get("second_factor_shown") is True,
    )


def _token(document: Document | None) -> ApiToken | None:
    return _token_in(document) if document else None


def _token_in(document: Document) -> ApiToken:
    return ApiToken(
        id=document["_id"],
        user=document["user"],
        site=document["site"],
        name=document["name"],
        scopes=frozenset(Scope(scope) for scope in document["scopes"]),
        epoch=document["epoch"],
        secret_sha256=document["secret_sha256"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        used_at=document.get("used_at"),
        device=document.get("device") or "",
    )
