"""People, roles, tokens, signing in: the use cases.

What ends what: signing out ends exactly the session or token it is asked with. Signing out
everywhere ends all sessions of the person and all tokens from signing in. A new password and
disabling end all sessions and all tokens, named ones too, with the next request. A role taken away
counts from the next request.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from avenue.accounts.devices import device_of
from avenue.accounts.emails import checked_email, normal_email
from avenue.accounts.errors import (
    ScopeNotYours,
    SessionNotFound,
    SignInAgain,
    TokenNotFound,
    UserNotFound,
    WrongCredentials,
    WrongPassword,
)
from avenue.accounts.models import (
    SIGNED_IN,
    ApiToken,
    FirstStep,
    NewToken,
    NewUser,
    Proof,
    Session,
    TokenPage,
    User,
)
from avenue.accounts.passwords import PasswordKeeper, made_password
from avenue.accounts.second_factor import SecondFactors
from avenue.accounts.tries import Tries, TryCounter, sha256
from avenue.clock import utc_now
from avenue.cursors import cursor, read_cursor
from avenue.errors import Forbidden, Unavailable
from avenue.identity import Actor, Role, Scope, Site, new_id

FIRST_ADMINISTRATOR_EMAIL = "admin@localhost"
TOKEN_MARK = "av_"  # noqa: S105 - lets scanners recognise a token in the wrong place
SECRET_BYTES = 32
MOST_TOKEN_CHARACTERS = 128
FIRST_STEP_GOOD_FOR = timedelta(minutes=10)
"""How long after the password the second factor may be shown."""
USE_NOTED_EVERY = timedelta(minutes=10)
"""How old the noted use of a session or token gets before it is noted again."""
NO_PROOF = Proof()
USE_RESTS = timedelta(minutes=1)
"""How long a process notes no uses after it could not."""


class AccountStore(Protocol):
    """Where people and tokens are kept."""

    def user_by_email(self, email: str) -> User | None:
        """Return who has this normalised e-mail."""

    def user_by_id(self, user_id: str) -> User | None:
        """Return one person."""

    def users(self) -> list[User]:
        """Return everybody, by e-mail."""

    def has_users(self) -> bool:
        """Tell whether there is anybody."""

    def add_user(self, user: User) -> None:
        """Keep a new person; raise `EmailTaken`."""

    def set_password(
        self, user_id: str, password_hash: str, *, is_own: bool, under: int | None = None
    ) -> bool:
        """Change the password and raise both epochs, in one step; tell whether it was done.

        With `under` only while that is the person's token epoch.
        """

    def renew_password(self, user_id: str, stored: str, renewed: str) -> None:
        """Keep the same password in another form, if it is still kept as `stored`."""

    def set_disabled(self, user_id: str, *, disabled: bool) -> None:
        """Disable or enable somebody and raise both epochs, in one step."""

    def unlink(self, user_id: str) -> None:
        """Forget whom a provider knows somebody as, and raise both epochs, in one step."""

    def end_sessions(self, user_id: str) -> None:
        """Raise the session epoch and forget all sessions."""

    def add_session(self, user_id: str, session: Session) -> None:
        """Keep a new session; of too many the one that began first ends. Repeatable."""

    def end_session(self, user_id: str, session_id: str) -> None:
        """Forget a session; repeatable."""

    def note_session_use(self, user_id: str, session_id: str, at: datetime, device: str) -> None:
        """Note when a session was used, and with what. Raise `Unavailable` if it takes long."""

    def note_token_use(self, token_id: str, at: datetime, device: str) -> None:
        """Note when a token was used, and with what. Raise `Unavailable` if it takes long."""

    def add_token(self, token: ApiToken) -> None:
        """Keep a new token."""

    def token_by_sha256(self, secret_sha256: str) -> ApiToken | None:
        """Return the token with this secret."""

    def token_by_id(self, user: str, site: str, token_id: str) -> ApiToken | None:
        """Return one token of a person and site."""

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

    def count_tokens(self, user: str, site: str, *, good_at: datetime) -> int:
        """Return how many unexpired tokens there are."""

    def remove_token(self, token_id: str) -> None:
        """Forget a token; repeatable."""

    def remove_tokens(self, user: str, *, name: str | None = None) -> None:
        """Forget all tokens of a person, or those with a name; repeatable."""


class AccountService:
    """People of the house: who they are, what they may, and how they sign in."""

    def __init__(
        self,
        store: AccountStore,
        passwords: PasswordKeeper,
        counter: TryCounter,
        second_factors: SecondFactors,
        *,
        tries_per_minute: int,
        token_days: int,
        second_factor_roles: Collection[str] = (),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`token_days` is how long sessions and tokens from signing in are good.

        Who has one of `second_factor_roles` on any site needs a second factor.
        """
        self._store = store
        self._passwords = passwords
        self._tries = Tries(counter, "login", per_minute=tries_per_minute)
        self._second_factors = second_factors
        self._token_days = token_days
        self._second_factor_roles = frozenset(map(Role, second_factor_roles))
        self._now = now
        self._notes_uses_from = datetime.min.replace(tzinfo=UTC)

    # Who asks

    def by_token(self, site: Site, token: str, *, agent: str = "") -> Actor | None:
        """Return whose Bearer token this is; None when it is not good on this site.

        `agent` is the User-Agent of the request.
        """
        if not token.startswith(TOKEN_MARK) or len(token) > MOST_TOKEN_CHARACTERS:
            return None
        found = self._store.token_by_sha256(sha256(token))
        if found is None or found.site != site.id or found.expires_at <= self._now():
            return None
        user = self._store.user_by_id(found.user)
        if user is None or user.token_epoch != found.epoch:
            return None
        self._note_use(
            found.used_at, lambda at: self._store.note_token_use(found.id, at, device_of(agent))
        )
        return self._actor(user, site, found.scopes)

    def by_session(
        self, site: Site, user_id: str, session_id: str, *, agent: str = ""
    ) -> Actor | None:
        """Return whose session this is; None when it has ended or gives nothing on this site.

        `agent` is the User-Agent of the request.
        """
        user = self._store.user_by_id(user_id)
        found = self._session(user, site, session_id) if user else None
        if user is None or found is None:
            return None
        self._note_use(
            found.used_at,
            lambda at: self._store.note_session_use(user.id, found.id, at, device_of(agent)),
        )
        actor = self._actor(user, site, frozenset(Scope))
        if actor and found.second_factor_shown:
            return replace(actor, needs_second_factor=False)
        return actor

    def _session(self, user: User, site: Site, session_id: str) -> Session | None:
        return next((each for each in self._sessions(user, site) if each.id == session_id), None)

    def _sessions(self, user: User, site: Site) -> list[Session]:
        """Return the sessions of a person on a site that are not over, newest first."""
        since = self._now() - timedelta(days=self._token_days)
        return [
            each
            for each in reversed(user.sessions)
            if each.epoch == user.session_epoch and each.site == site.id and each.began_at > since
        ]

    def _note_use(self, noted: datetime | None, note: Callable[[datetime], None]) -> None:
        """Note a use now and then. Nobody is refused because it cannot be done."""
        now = self._now()
        if now < self._notes_uses_from or (noted and now - noted < USE_NOTED_EVERY):
            return
        try:
            note(now)
        except Unavailable:
            self._notes_uses_from = now + USE_RESTS

    def by_id(self, site: Site, user_id: str) -> Actor | None:
        """Return somebody as they act on `site`; None when they may do nothing there any more."""
        user = self._store.user_by_id(user_id)
        return self._actor(user, site, frozenset(Scope)) if user else None

    # Signing in and out

    def sign_in(
        self, site: Site, email: str, password: str, *, address: str, proof: Proof = NO_PROOF
    ) -> tuple[User, Actor]:
        """Return who this is, and as whom they act on `site`.

        `address` is the caller's IP address. Raise `TooManyRequests` after too many tries in a
        minute (counted before the password is looked at, so a right one does not help), and
        `WrongCredentials` for everything else that is wrong, after one password check each. Of who
        has a second factor, `proof` has a code; raises as `SecondFactors.check`.
        """
        known_as = normal_email(email)
        self._tries.count(known_as, address)
        user = self._store.user_by_email(known_as)
        if not self._passwords.verify(user.password_hash if user else None, password):
            raise WrongCredentials
        actor = self._actor(user, site, frozenset(Scope)) if user else None
        if user is None or actor is None:
            raise WrongCredentials
        self._second_factors.check(user, proof, address=address)
        if not self._passwords.is_current(user.password_hash):
            renewed = self._passwords.hash(password)  # what another application had made of it
            self._store.renew_password(user.id, user.password_hash, renewed)
        return user, actor

    def first_step(self, user: User, site: Site, *, by_provider: bool = False) -> FirstStep:
        """Return what somebody has shown who has just shown their password, and nothing else.

        `by_provider`: they have signed in with the provider instead.
        """
        return FirstStep(
            user=user.id,
            site=site.id,
            session_epoch=user.session_epoch,
            token_epoch=user.token_epoch,
            at=self._now(),
            by_provider=by_provider,
        )

    def second_step(
        self, site: Site, first: FirstStep, proof: Proof, *, address: str
    ) -> tuple[User, Actor]:
        """Return who this is, and as whom they act on `site`; `proof` has a code.

        Raise `SignInAgain` when the first step is not good any more, and as
        `SecondFactors.check`.
        """
        user = self._store.user_by_id(first.user)
        epochs = (first.session_epoch, first.token_epoch)
        is_late = self._now() - first.at > FIRST_STEP_GOOD_FOR
        if user is None or epochs != (user.session_epoch, user.token_epoch) or is_late:
            raise SignInAgain
        actor = self._actor(user, site, frozenset(Scope))
        if actor is None or first.site != site.id or user.second_factor is None:
            raise SignInAgain
        self._second_factors.check(user, proof, address=address)
        return user, actor

    def sign_in_for_token(
        self,
        site: Site,
        email: str,
        password: str,
        *,
        address: str,
        proof: Proof = NO_PROOF,
        agent: str = "",
    ) -> tuple[User, NewToken]:
        """Return who this is, and a token for `site` with every scope; raises as `sign_in`."""
        user, _ = self.sign_in(site, email, password, address=address, proof=proof)
        scopes = frozenset(Scope)
        return user, self._make_token(
            user, site.id, SIGNED_IN, scopes, self._token_days, agent=agent
        )

    def begin_session(
        self, user: User, site: Site, *, agent: str = "", second_factor_shown: bool = False
    ) -> str:
        """Return the id of a new session of somebody who has just shown who they are.

        `second_factor_shown`: to a provider, where that counts.
        """
        now = self._now()
        session = Session(
            id=new_id(),
            site=site.id,
            epoch=user.session_epoch,  # as read with the password: a change since then ends it
            began_at=now,
            used_at=now,
            device=device_of(agent),
            second_factor_shown=second_factor_shown,
        )
        self._store.add_session(user.id, session)
        return session.id

    def sessions(self, actor: Actor) -> list[Session]:
        """Return one's own sessions on this site, newest first."""
        return self._sessions(self.user_of(actor), actor.site)

    def end_session(self, actor: Actor, session_id: str) -> None:
        """End one of one's own sessions on this site, at once; raise `SessionNotFound`."""
        user = self.user_of(actor)
        if self._session(user, actor.site, session_id) is None:
            raise SessionNotFound
        self._store.end_session(user.id, session_id)

    def sign_out_everywhere(self, actor: Actor) -> None:
        """End all sessions of this person and all tokens from signing in, on every site."""
        if actor.id is not None:
            self._store.end_sessions(actor.id)
            self._store.remove_tokens(actor.id, name=SIGNED_IN)

    def sign_out_token(self, token: str) -> None:
        """End the token that is presented."""
        found = self._store.token_by_sha256(sha256(token))
        if found is not None:
            self._store.remove_token(found.id)

    def user_of(self, actor: Actor) -> User:
        """Return the person who asks."""
        user = self._store.user_by_id(actor.id) if actor.id else None
        if user is None:
            raise UserNotFound
        return user

    def change_own_password(self, actor: Actor, current: str, new: str, *, address: str) -> User:
        """Set one's own password; all sessions and tokens end. Return the person after that.

        `current` is asked so that whoever finds an open browser cannot keep the account; tries are
        counted with those to sign in. It is no more their own than the current one: an
        administrator who made that one can have changed it. Raise `TooManyRequests`,
        `WrongPassword` or `WeakPassword`.
        """
        user = self.user_of(actor)
        self._tries.count(user.email, address)
        if not self._passwords.verify(user.password_hash, current):
            raise WrongPassword
        password_hash = self._new_hash(new, user.email)
        is_own, under = user.password_is_own, user.token_epoch
        if not self._store.set_password(user.id, password_hash, is_own=is_own, under=under):
            raise WrongPassword  # somebody changed it in between
        self._store.remove_tokens(user.id)
        return self.user_of(actor)

    # Tokens

    def tokens(self, actor: Actor, *, limit: int, after: str | None) -> TokenPage:
        """Return own tokens of this site; `after` is the `next` of the page before."""
        user, site, now = str(actor.id), actor.site.id, self._now()
        found = self._store.tokens(
            user, site, good_at=now, after=read_cursor(after), limit=limit + 1
        )
        items = tuple(found[:limit])
        return TokenPage(
            items=items,
            next=cursor(items[-1].created_at, items[-1].id) if len(found) > limit else None,
            total=self._store.count_tokens(user, site, good_at=now),
        )

    def create_token(
        self, actor: Actor, *, name: str, scopes: frozenset[Scope], days: int | None
    ) -> NewToken:
        """Make a token for this site, good for `days`. Raise `ScopeNotYours`."""
        beyond = scopes - actor.scopes
        if beyond:
            raise ScopeNotYours(scopes=sorted(beyond))
        return self._make_token(
            self.user_of(actor), actor.site.id, name, scopes, days or self._token_days
        )

    def revoke_token(self, actor: Actor, token_id: str) -> None:
        """End one of one's own tokens of this site, at once; raise `TokenNotFound`."""
        if self._store.token_by_id(str(actor.id), actor.site.id, token_id) is None:
            raise TokenNotFound
        self._store.remove_token(token_id)

    # What whoever runs the house does (`python -m avenue users …`, `tokens …`)

    def first_administrator(
        self, site: str, *, email: str | None, password: str | None
    ) -> NewUser | None:
        """Add a superuser who is admin of `site`, if there is nobody yet; else return None.

        Without `email` it is `admin@localhost`; without `password` one is made. Of several
        processes that try at once all but one get `EmailTaken`.
        """
        if self._store.has_users():
            return None
        return self.add_user(
            email or FIRST_ADMINISTRATOR_EMAIL,
            password or None,
            name="",
            roles={site: Role.ADMIN},
            superuser=True,
        )

    def add_user(
        self,
        email: str,
        password: str | None,
        *,
        name: str = "",
        roles: dict[str, Role],
        superuser: bool = False,
    ) -> NewUser:
        """Add a person with `roles` (site id to role); without `password` one is made.

        Raise `InvalidEmail`, `WeakPassword` or `EmailTaken`.
        """
        known_as = checked_email(email)
        made, now = None if password else made_password(), self._now()
        user = User(
            id=new_id(),
            email=known_as,
            name=name,
            password_hash=self._new_hash(made or password or "", known_as),
            password_is_own=True,  # who runs the house may do everything anyway
            roles=dict(roles),
            superuser=superuser,
            disabled=False,
            session_epoch=0,
            token_epoch=0,
            created_at=now,
            changed_at=now,
        )
        self._store.add_user(user)
        return NewUser(user=user, made_password=made)

    def change_password(self, email: str, password: str | None) -> str | None:
        """Set a password, made here and returned when None is given; ends sessions and tokens.

        It counts as the person's own: no administrator of a site has seen it.
        Raise `UserNotFound` or `WeakPassword`.
        """
        user = self.user_named(email)
        made = None if password else made_password()
        password_hash = self._new_hash(made or password or "", user.email)
        self._store.set_password(user.id, password_hash, is_own=True)
        self._store.remove_tokens(user.id)
        return made

    def set_disabled(self, email: str, *, disabled: bool) -> None:
        """Shut somebody out, or let them in again; both end all sessions and tokens.

        Raise `UserNotFound`.
        """
        user = self.user_named(email)
        self._store.set_disabled(user.id, disabled=disabled)
        self._store.remove_tokens(user.id)

    def unlink(self, email: str) -> None:
        """Let the provider's word no longer open an account; all sessions and tokens end.

        Who signs in with the provider after that is looked for by e-mail again. Raise
        `UserNotFound`.
        """
        user = self.user_named(email)
        self._store.unlink(user.id)
        self._store.remove_tokens(user.id)

    def reset_second_factor(self, email: str) -> None:
        """Turn somebody's second factor off; all sessions end. Raise `UserNotFound`."""
        self._second_factors.reset(self.user_named(email))

    def users(self) -> list[User]:
        """Return everybody, by e-mail."""
        return self._store.users()

    def actor_named(self, site: Site, email: str) -> Actor:
        """Return somebody as they act on `site`; raise `UserNotFound` or `Forbidden`."""
        actor = self._actor(self.user_named(email), site, frozenset(Scope))
        if actor is None:
            raise Forbidden("This person may do nothing on this site.")
        return actor

    def user_named(self, email: str) -> User:
        """Return who has this e-mail; raise `UserNotFound`."""
        user = self._store.user_by_email(normal_email(email))
        if user is None:
            raise UserNotFound
        return user

    def add_token(
        self, email: str, site: str, *, name: str, scopes: frozenset[Scope], days: int
    ) -> NewToken:
        """Make a token of somebody for `site`, good for `days`. Raise `UserNotFound`."""
        return self._make_token(self.user_named(email), site, name, scopes, days)

    def _new_hash(self, password: str, email: str) -> str:
        self._passwords.check_new(password, email=email)
        return self._passwords.hash(password)

    def _make_token(
        self, user: User, site: str, name: str, scopes: frozenset[Scope], days: int, agent: str = ""
    ) -> NewToken:
        secret = TOKEN_MARK + secrets.token_urlsafe(SECRET_BYTES)
        now = self._now()
        token = ApiToken(
            id=new_id(),
            user=user.id,
            site=site,
            name=name,
            scopes=scopes,
            epoch=user.token_epoch,  # as read with the password: a change since then ends it
            secret_sha256=sha256(secret),
            created_at=now,
            expires_at=now + timedelta(days=days),
            device=device_of(agent),
        )
        self._store.add_token(token)
        return NewToken(token=token, secret=secret)

    def _actor(self, user: User, site: Site, scopes: frozenset[Scope]) -> Actor | None:
        role = user.role_on(site.id)
        if user.disabled or role is None:
            return None
        needs_one = role in self._second_factor_roles | site.second_factor_roles
        return Actor(
            site=site,
            id=user.id,
            email=user.email,
            role=role,
            superuser=user.superuser,
            scopes=scopes,
            needs_second_factor=needs_one and user.second_factor is None,
        )
