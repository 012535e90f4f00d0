"""People and their tokens in MongoDB: `users` and `api_tokens`.

Both belong to the whole deployment.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from avenue.accounts.errors import EmailTaken
from avenue.accounts.models import ApiToken, OidcIdentity, Session, User
from avenue.accounts.store.documents import (
    BOTH_EPOCHS,
    CHANGED_NOW,
    kept_identity,
    kept_roles,
    password_fields,
    token_in,
    token_or_none,
    user_in,
    user_or_none,
)
from avenue.errors import MalformedRecord
from avenue.identity import Role
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database, Document
from avenue.storage.records import left_out
from avenue.storage.scope import deployment

MOST_SESSIONS = 50
"""The most browser sessions of a person; above it the oldest ends."""
USE_SECONDS = 0.5
"""How long a request waits for its use to be recorded."""


class MongoAccountStore:
    """People, their passwords, sessions, API tokens and identities at a provider."""

    def __init__(self, database: Database) -> None:
        scope = deployment(database)
        self._database = database
        self._users = scope.collection("users")
        self._tokens = scope.collection("api_tokens")

    def user_by_email(self, email: str) -> User | None:
        """Return the person with this normalised email; None, too, where the record cannot be read.

        The caller of a sign-in learns nothing about what is stored; the log says it.
        """
        try:
            return user_or_none(self._users.find_one({"email": email}))
        except MalformedRecord as malformed:
            left_out(malformed)
            return None

    def user_by_id(self, user_id: str) -> User | None:
        """Return a user, or None."""
        return user_or_none(self._users.find_one({"_id": user_id}))

    def emails_of(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the emails of those of these people who exist, by id."""
        wanted = {"_id": {"$in": [*ids]}}
        return dict(self._users.values(lambda each: (each["_id"], each["email"]), wanted))

    def users(self) -> list[User]:
        """Return all people, by email."""
        return self._users.values(user_in, {}, sort=[("email", 1)])

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
                    "roles": kept_roles(user.roles),
                    "sites": sorted(user.roles),
                    "superuser": user.superuser,
                    "disabled": user.disabled,
                    "session_epoch": user.session_epoch,
                    "token_epoch": user.token_epoch,
                    "created_at": user.created_at,
                    "changed_at": user.changed_at,
                    **({"oidc": kept_identity(user.oidc)} if user.oidc else {}),
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
            query["roles"] = kept_roles(roles)
        change = {"$set": password_fields(password_hash, is_own=is_own), "$inc": BOTH_EPOCHS}
        done = self._users.update(query, {**change, **CHANGED_NOW})
        return bool(done) or has_password(self._users, user_id, password_hash)

    def renew_password(self, user_id: str, stored: str, renewed: str) -> None:
        """Store the same password in another form, if it is still stored as `stored`."""
        query = {"_id": user_id, "password_hash": stored}
        self._users.update(query, {"$set": {"password_hash": renewed}})

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
        return token_or_none(self._tokens.find_one({"secret_sha256": secret_sha256}))

    def token_by_id(self, user: str, site: str, token_id: str) -> ApiToken | None:
        """Return one token of a person and site."""
        return token_or_none(self._tokens.find_one({"_id": token_id, "user": user, "site": site}))

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
        return self._tokens.values(token_in, query, sort=order, limit=limit)

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

    def user_by_identity(self, issuer: str, subject: str) -> User | None:
        """Return the person whom a provider identifies as `subject`, or None."""
        # The condition on texts lets the server use the index, which only has texts.
        known = {"$eq": subject, "$type": "string"}
        return user_or_none(self._users.find_one({"oidc.subject": known, "oidc.issuer": issuer}))

    def link(
        self, user_id: str, identity: OidcIdentity, *, under: int, void_password: bool
    ) -> bool:
        """Store a person's identity at a provider, while `under` is their token epoch.

        With `void_password` their password, sessions and tokens end in the same step. Return
        whether it was done: a person has one identity at an issuer, and an identity one person.
        """
        query = {"_id": user_id, "token_epoch": under, "oidc.issuer": {"$ne": identity.issuer}}
        change: Document = {"$set": {"oidc": kept_identity(identity)}, **CHANGED_NOW}
        if void_password:
            change["$set"].update(password_fields("", is_own=True))
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


def has_password(users: Collection, user_id: str, password_hash: str) -> bool:
    """Return whether this change was already made, its answer being lost: a hash has a salt."""
    return users.find_one({"_id": user_id, "password_hash": password_hash}) is not None
