"""Stand-ins for the database, the password hasher and the minute counter."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from avenue.accounts.callers import Callers
from avenue.accounts.errors import EmailTaken
from avenue.accounts.models import ApiToken, Passkey, PasswordLink, SecondFactor, Session, User
from avenue.accounts.passwords import Passwords, check_new
from avenue.accounts.second_factor import PURPOSE, SecondFactors
from avenue.accounts.service import AccountService
from avenue.errors import Unavailable
from avenue.identity import Role
from avenue.sealing import Sealing
from avenue.storage.rate_limits import RateLimits

MOST_PASSKEYS = 20


class MemoryStore:
    def __init__(self) -> None:
        self.people: dict[str, User] = {}
        self.kept_tokens: dict[str, ApiToken] = {}
        self.links: dict[str, PasswordLink] = {}
        self.notes = 0
        self.is_away = False

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

    def renew_password(self, user_id: str, stored: str, renewed: str) -> None:
        self.people[user_id] = replace(self.people[user_id], password_hash=renewed)

    def set_password(
        self,
        user_id: str,
        password_hash: str,
        *,
        is_own: bool,
        under: int | None = None,
        roles: Mapping[str, Role] | None = None,
    ) -> bool:
        if under is not None and self.people[user_id].token_epoch != under:
            return False
        if roles is not None and self.people[user_id].roles != roles:
            return False
        self._put_password(user_id, password_hash, is_own=is_own)
        return True

    def set_disabled(self, user_id: str, *, disabled: bool) -> None:
        self._raise_epochs(user_id)
        self.people[user_id] = replace(self.people[user_id], disabled=disabled)

    def end_sessions(self, user_id: str) -> None:
        user = self.people[user_id]
        self.people[user_id] = replace(user, session_epoch=user.session_epoch + 1, sessions=())

    def add_session(self, user_id: str, session: Session) -> None:
        user = self.people[user_id]
        self.people[user_id] = replace(user, sessions=(*user.sessions, session))

    def end_session(self, user_id: str, session_id: str) -> None:
        user = self.people[user_id]
        left = tuple(each for each in user.sessions if each.id != session_id)
        self.people[user_id] = replace(user, sessions=left)

    def note_session_use(self, user_id: str, session_id: str, at: datetime, device: str) -> None:
        self._note()
        user = self.people[user_id]
        sessions = [
            replace(each, used_at=at, device=device) if each.id == session_id else each
            for each in user.sessions
        ]
        self.people[user_id] = replace(user, sessions=tuple(sessions))

    def note_token_use(self, token_id: str, at: datetime, device: str) -> None:
        self._note()
        token = self.kept_tokens[token_id]
        self.kept_tokens[token_id] = replace(token, used_at=at, device=device)

    def set_up_second_factor(self, user_id: str, factor: SecondFactor) -> bool:
        kept = self.people[user_id].second_factor
        if kept and kept.secret:
            return False
        self.end_sessions(user_id)
        self._set_factor(user_id, factor)
        return True

    def use_step(self, user_id: str, secret: str, step: int) -> bool:
        factor = self._factor(user_id)
        if factor.last_step >= step:
            return False
        self._set_factor(user_id, replace(factor, last_step=step, wrong=0))
        return True

    def use_recovery_code(self, user_id: str, sha256: str) -> bool:
        factor = self._factor(user_id)
        left = tuple(each for each in factor.recovery_codes if each != sha256)
        self._set_factor(user_id, replace(factor, recovery_codes=left, wrong=0))
        return len(left) < len(factor.recovery_codes)

    def count_wrong_code(self, user_id: str, secret: str) -> None:
        factor = self._factor(user_id)
        self._set_factor(user_id, replace(factor, wrong=factor.wrong + 1))

    def set_recovery_codes(self, user_id: str, secret: str, hashes: Sequence[str]) -> None:
        factor = self._factor(user_id)
        self._set_factor(user_id, replace(factor, recovery_codes=tuple(hashes)))

    def remove_second_factor(
        self, user_id: str, *, roles: Mapping[str, Role] | None = None
    ) -> bool:
        if roles is not None and self.people[user_id].roles != roles:
            return False
        self.end_sessions(user_id)
        self._set_factor(user_id, None)
        self.people[user_id] = replace(self.people[user_id], passkeys=())
        return True

    def add_passkey(self, user_id: str, passkey: Passkey, factor: SecondFactor | None) -> bool:
        user = self.people[user_id]
        if (factor is None) is (user.second_factor is None) or len(user.passkeys) >= MOST_PASSKEYS:
            return False
        if factor:
            self.set_up_second_factor(user_id, factor)
        user = self.people[user_id]
        self.people[user_id] = replace(user, passkeys=(*user.passkeys, passkey))
        return True

    def use_passkey(
        self, user_id: str, passkey_id: str, sign_count: int, *, challenged_at: datetime
    ) -> bool:
        user = self.people[user_id]
        (found,) = (each for each in user.passkeys if each.id == passkey_id)
        if found.challenged_at >= challenged_at:
            return False
        used = replace(found, challenged_at=challenged_at, sign_count=sign_count)
        passkeys = tuple(used if each is found else each for each in user.passkeys)
        self.people[user_id] = replace(user, passkeys=passkeys)
        return True

    def remove_passkey(self, user_id: str, passkey_id: str) -> None:
        user = self.people[user_id]
        left = tuple(each for each in user.passkeys if each.id != passkey_id)
        self.people[user_id] = replace(user, passkeys=left)

    def _factor(self, user_id: str) -> SecondFactor:
        factor = self.people[user_id].second_factor
        assert factor is not None
        return factor

    def _set_factor(self, user_id: str, factor: SecondFactor | None) -> None:
        self.people[user_id] = replace(self.people[user_id], second_factor=factor)

    def _note(self) -> None:
        self.notes += 1
        if self.is_away:
            raise Unavailable

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

    def remove_tokens(self, user: str, *, site: str | None = None, name: str | None = None) -> None:
        self.kept_tokens = {
            k: v
            for k, v in self.kept_tokens.items()
            if v.user != user or site not in {None, v.site} or name not in {None, v.name}
        }

    def put_link(self, link: PasswordLink) -> None:
        self.links[link.id] = link

    def link_by_sha256(self, secret_sha256: str) -> PasswordLink | None:
        return next(
            (each for each in self.links.values() if each.secret_sha256 == secret_sha256), None
        )

    def count_links(self, user: str, *, good_at: datetime, but: str) -> int:
        mine = [each for each in self.links.values() if each.user == user and each.id != but]
        return len([each for each in mine if each.expires_at > good_at])

    def remove_links(self, user: str) -> None:
        self.links = {k: v for k, v in self.links.items() if v.user != user}

    def people_of(self, site: str, *, search: str, after: str | None, limit: int) -> list[User]:
        here = [each for each in self.users() if site in each.roles and search in each.email]
        return [each for each in here if after is None or each.email > after][:limit]

    def count_people_of(self, site: str, *, search: str) -> int:
        return len(self.people_of(site, search=search, after=None, limit=10**6))

    def give_role(
        self, user_id: str, site: str, role: Role, *, under: int, password_hash: str | None = None
    ) -> bool:
        if site in self.people[user_id].roles or self.people[user_id].token_epoch != under:
            return False
        self._set_role(user_id, site, role)
        if password_hash is not None:
            self._put_password(user_id, password_hash, is_own=False)
            user = self.people[user_id]
            self.people[user_id] = replace(user, second_factor=None, passkeys=())
        return True

    def change_role(self, user_id: str, site: str, role: Role | None) -> bool:
        if role is not Role.ADMIN and self._is_last_admin(user_id, site):
            return False
        self._set_role(user_id, site, role)
        return True

    def shut_out(self, user_id: str, *, sites: Sequence[str]) -> bool:
        if any(self._is_last_admin(user_id, site) for site in sites):
            return False
        self.set_disabled(user_id, disabled=True)
        return True

    def _is_last_admin(self, user_id: str, site: str) -> bool:
        admins = [
            each.id
            for each in self.people.values()
            if each.roles.get(site) is Role.ADMIN and not each.disabled
        ]
        return admins == [user_id]

    def _set_role(self, user_id: str, site: str, role: Role | None) -> None:
        user = self.people[user_id]
        others = {k: v for k, v in user.roles.items() if k != site}
        roles = others if role is None else {**others, site: role}
        self.people[user_id] = replace(user, roles=roles)

    def _good(self, user: str, site: str, good_at: datetime) -> list[ApiToken]:
        return [
            each
            for each in self.kept_tokens.values()
            if (each.user, each.site) == (user, site) and each.expires_at > good_at
        ]

    def _put_password(self, user_id: str, password_hash: str, *, is_own: bool) -> None:
        self._raise_epochs(user_id)
        user = self.people[user_id]
        self.people[user_id] = replace(user, password_hash=password_hash, password_is_own=is_own)

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

    def is_current(self, stored: str) -> bool:
        return True

    def check_new(self, password: str, *, email: str) -> None:
        check_new(password, email=email)


class MinuteCounter:
    """One minute that ends when the test says so."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.mark = Sealing("k" * 40).mark

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


def factors_of(
    store: MemoryStore, passwords: Passwords, tries: RateLimits, clock: Clock
) -> SecondFactors:
    sealing = Sealing("k" * 40, PURPOSE)
    return SecondFactors(store, store, passwords, tries, sealing, tries_per_minute=10, now=clock)


def callers_of(store: MemoryStore, clock: Clock, *roles: Role) -> Callers:
    """The service; `roles` are those that need a second factor."""
    return Callers(store, token_days=30, second_factor_roles=roles, now=clock)


def accounts_of(
    store: MemoryStore, passwords: Passwords, tries: RateLimits, clock: Clock, *roles: Role
) -> AccountService:
    """The service; `roles` are those that need a second factor."""
    factors = factors_of(store, passwords, tries, clock)
    callers = callers_of(store, clock, *roles)
    return AccountService(
        store,
        passwords,
        tries,
        factors,
        callers,
        tries_per_minute=10,
        token_days=30,
        now=clock,
    )
