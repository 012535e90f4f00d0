"""People and tokens in MongoDB: collections `users` and `api_tokens`, of the whole house."""

from datetime import datetime
from typing import Any

from avenue.accounts.errors import EmailTaken
from avenue.accounts.models import ApiToken, User
from avenue.identity import Role, Scope
from avenue.storage.connection import Database, Document
from avenue.storage.scope import AlreadyThere, house

# A change that is repeated after a lost answer raises an epoch twice: it ends no less.
BOTH_EPOCHS = {"session_epoch": 1, "token_epoch": 1}


class MongoAccountStore:
    """See `service.AccountStore`."""

    def __init__(self, database: Database) -> None:
        scope = house(database)
        self._users = scope.collection("users")
        self._tokens = scope.collection("api_tokens")

    def user_by_email(self, email: str) -> User | None:
        """Return who has this normalised e-mail."""
        return _user(self._users.find_one({"email": email}))

    def user_by_id(self, user_id: str) -> User | None:
        """Return one person."""
        return _user(self._users.find_one({"_id": user_id}))

    def users(self) -> list[User]:
        """Return everybody, by e-mail."""
        found = self._users.find({}, sort=[("email", 1)])
        return [user for user in map(_user, found) if user]

    def has_users(self) -> bool:
        """Tell whether there is anybody."""
        return self._users.find_one({}, {"_id": 1}) is not None

    def add_user(self, user: User) -> None:
        """Keep a new person; raise `EmailTaken`."""
        try:
            self._users.insert(
                {
                    "_id": user.id,
                    "email": user.email,
                    "name": user.name,
                    "password_hash": user.password_hash,
                    "roles": {site: role.value for site, role in user.roles.items()},
                    "superuser": user.superuser,
                    "disabled": user.disabled,
                    "session_epoch": user.session_epoch,
                    "token_epoch": user.token_epoch,
                    "created_at": user.created_at,
                }
            )
        except AlreadyThere:
            raise EmailTaken from None

    def set_password(self, user_id: str, password_hash: str) -> None:
        """Change the password and raise both epochs, in one step."""
        change = {"$set": {"password_hash": password_hash}, "$inc": BOTH_EPOCHS}
        self._users.update({"_id": user_id}, change)

    def set_disabled(self, user_id: str, *, disabled: bool) -> None:
        """Disable or enable somebody and raise both epochs, in one step."""
        change = {"$set": {"disabled": disabled}, "$inc": BOTH_EPOCHS}
        self._users.update({"_id": user_id}, change)

    def end_sessions(self, user_id: str) -> None:
        """Raise the session epoch."""
        self._users.update({"_id": user_id}, {"$inc": {"session_epoch": 1}})

    def add_token(self, token: ApiToken) -> None:
        """Keep a new token."""
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
        """Return unexpired tokens, newest first, after the one made then with that id."""
        query: dict[str, Any] = {"user": user, "site": site, "expires_at": {"$gt": good_at}}
        if after:
            made_at, token_id = after
            query["$or"] = [
                {"created_at": {"$lt": made_at}},
                {"created_at": made_at, "_id": {"$lt": token_id}},
            ]
        found = self._tokens.find(query, sort=[("created_at", -1), ("_id", -1)], limit=limit)
        return [token for token in map(_token, found) if token]

    def count_tokens(self, user: str, site: str, *, good_at: datetime) -> int:
        """Return how many unexpired tokens there are."""
        return self._tokens.count({"user": user, "site": site, "expires_at": {"$gt": good_at}})

    def remove_token(self, token_id: str) -> None:
        """Forget a token; repeatable."""
        self._tokens.delete({"_id": token_id})

    def remove_tokens(self, user: str) -> None:
        """Forget all tokens of a person; repeatable."""
        self._tokens.delete_all({"user": user})


def _user(document: Document | None) -> User | None:
    if document is None:
        return None
    return User(
        id=document["_id"],
        email=document["email"],
        name=document["name"],
        password_hash=document["password_hash"],
        roles={site: Role(role) for site, role in document["roles"].items()},
        superuser=document["superuser"],
        disabled=document["disabled"],
        session_epoch=document["session_epoch"],
        token_epoch=document["token_epoch"],
        created_at=document["created_at"],
    )


def _token(document: Document | None) -> ApiToken | None:
    if document is None:
        return None
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
    )
