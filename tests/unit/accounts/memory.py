"""Stand-ins for the database, the password hasher and the minute counter."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from avenue.accounts.errors import EmailTaken
from avenue.accounts.models import ApiToken, User


class MemoryStore:
    def __init__(self) -> None:
        self.people: dict[str, User] = {}
        self.kept_tokens: dict[str, ApiToken] = {}

    def user_by_email(self, email: str) -> User | None:
        return next((user for user in self.people.values() if user.email == email), None)

    def user_by_id(self, user_id: str) -> User | None:
        return self.people.get(user_id)

    def users(self) -> list[User]:
        return sorted(self.people.values(), key=lambda user: user.email)

    def has_users(self) -> bool:
        return bool(self.people)

    def add_user(self, user: User) -> None:
        if self.user_by_email(user.email):
            raise EmailTaken
        self.people[user.id] = user

    def set_password(self, user_id: str, password_hash: str) -> None:
        self._raise_epochs(user_id)
        self.people[user_id] = replace(self.people[user_id], password_hash=password_hash)

    def set_disabled(self, user_id: str, *, disabled: bool) -> None:
        self._raise_epochs(user_id)
        self.people[user_id] = replace(self.people[user_id], disabled=disabled)

    def end_sessions(self, user_id: str) -> None:
        user = self.people[user_id]
        self.people[user_id] = replace(user, session_epoch=user.session_epoch + 1)

    def add_token(self, token: ApiToken) -> None:
        self.kept_tokens[token.id] = token

    def token_by_sha256(self, secret_sha256: str) -> ApiToken | None:
        return next(
            (each for each in self.kept_tokens.values() if each.secret_sha256 == secret_sha256),
            None,
        )

    def token_by_id(self, user: str, site: str, token_id: str) -> ApiToken | None:
        found = self.kept_tokens.get(token_id)
        return found if found and (found.user, found.site) == (user, site) else None

    def tokens(
        self,
        user: str,
        site: str,
        *,
        good_at: datetime,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[ApiToken]:
        mine = sorted(
            self._good(user, site, good_at),
            key=lambda each: (each.created_at, each.id),
            reverse=True,
        )
        return [each for each in mine if not after or (each.created_at, each.id) < after][:limit]

    def count_tokens(self, user: str, site: str, *, good_at: datetime) -> int:
        return len(self._good(user, site, good_at))

    def remove_token(self, token_id: str) -> None:
        self.kept_tokens.pop(token_id, None)

    def remove_tokens(self, user: str) -> None:
        self.kept_tokens = {k: v for k, v in self.kept_tokens.items() if v.user != user}

    def _good(self, user: str, site: str, good_at: datetime) -> list[ApiToken]:
        return [
            each
            for each in self.kept_tokens.values()
            if (each.user, each.site) == (user, site) and each.expires_at > good_at
        ]

    def _raise_epochs(self, user_id: str) -> None:
        user = self.people[user_id]
        self.people[user_id] = replace(
            user, session_epoch=user.session_epoch + 1, token_epoch=user.token_epoch + 1
        )


class PlainPasswords:
    """Keeps passwords readable and counts the checks."""

    def __init__(self) -> None:
        self.checks = 0

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def verify(self, stored: str | None, password: str) -> bool:
        self.checks += 1
        return stored == self.hash(password)


class MinuteCounter:
    """One minute that ends when the test says so."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def hit(self, key: str, limit: int) -> int:
        self.counts[key] += 1
        return 0 if self.counts[key] <= limit else 42

    def next_minute(self) -> None:
        self.counts.clear()


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **duration: float) -> None:
        self.now += timedelta(**duration)
