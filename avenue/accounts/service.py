"""Use cases of people, roles, tokens and signing in.

Signing out ends exactly the session or token of the request. Signing out everywhere ends all
sessions of the person and all tokens from signing in. A new password and disabling end all sessions
and all tokens, named ones too, with the next request. A removed role counts from the next request.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from avenue.accounts.callers import TOKEN_MARK, Callers
from avenue.accounts.devices import device_of
from avenue.accounts.email_addresses import checked_email, normal_email
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
from avenue.accounts.passwords import Passwords, made_password
from avenue.accounts.second_factor import SecondFactors
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.accounts.tries import Tries, sha256
from avenue.clock import utc_now
from avenue.cursors import cursor, read_cursor
from avenue.errors import Forbidden, required
from avenue.identity import Actor, Role, Scope, Site, new_id
from avenue.storage.rate_limits import RateLimits

FIRST_ADMINISTRATOR_EMAIL = "admin@localhost"
SECRET_BYTES = 32
FIRST_STEP_GOOD_FOR = timedelta(minutes=10)
"""Time for the second factor after the password."""
NO_PROOF = Proof()


class AccountService:
    """People of the deployment: signing in and out, passwords, and tokens."""

    def __init__(
        self,
        store: MongoAccountStore,
        passwords: Passwords,
        counter: RateLimits,
        second_factors: SecondFactors,
        callers: Callers,
        *,
        tries_per_minute: int,
        token_days: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`token_days` is the lifetime of tokens from signing in."""
        self._store = store
        self._passwords = passwords
        self._tries = Tries(counter, "login", per_minute=tries_per_minute)
        self._second_factors = second_factors
        self._callers = callers
        self._token_days = token_days
        self._now = now

    # Signing in and out

    def sign_in(
        self, site: Site, email: str, password: str, *, address: str, proof: Proof = NO_PROOF
    ) -> tuple[User, Actor]:
        """Return the person and their actor on `site`.

        `address` is the caller's IP address. Raise `TooManyRequests` after too many attempts in a
        minute (counted before the password is verified, so a right one does not help), and
        `WrongCredentials` for everything else that is wrong, after one verification each. For a
        person with a second factor, `proof` has a code; raises as `SecondFactors.check`.
        """
        known_as = normal_email(email)
        self._tries.count(known_as, address)
        user = self._store.user_by_email(known_as)
        if not self._passwords.verify(user.password_hash if user else None, password):
            raise WrongCredentials
        actor = self._callers.actor(user, site) if user else None
        if user is None or actor is None:
            raise WrongCredentials
        self._second_factors.check(user, proof, address=address)
        if not self._passwords.is_current(user.password_hash):
            renewed = self._passwords.hash(password)  # the hash of another application
            self._store.renew_password(user.id, user.password_hash, renewed)
        return user, actor

    def first_step(self, user: User, site: Site, *, by_provider: bool = False) -> FirstStep:
        """Return the first step of a person who has just shown their password.

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
        """Return the person and their actor on `site`; `proof` has a code.

        Raise `SignInAgain` when the first step is no longer valid, and as `SecondFactors.check`.
        """
        user = self._store.user_by_id(first.user)
        epochs = (first.session_epoch, first.token_epoch)
        is_late = self._now() - first.at > FIRST_STEP_GOOD_FOR
        if user is None or epochs != (user.session_epoch, user.token_epoch) or is_late:
            raise SignInAgain
        actor = self._callers.actor(user, site)
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
        """Return the person, and a token for `site` with every scope; raises as `sign_in`."""
        user, _ = self.sign_in(site, email, password, address=address, proof=proof)
        scopes = frozenset(Scope)
        return user, self._make_token(
            user, site.id, SIGNED_IN, scopes, self._token_days, agent=agent
        )

    def begin_session(
        self, user: User, site: Site, *, agent: str = "", second_factor_shown: bool = False
    ) -> str:
        """Return the id of a new session of a person who has just authenticated.

        `second_factor_shown`: at a provider, where that counts.
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
        return self._callers.sessions_of(self.user_of(actor), actor.site)

    def end_session(self, actor: Actor, session_id: str) -> None:
        """End one of one's own sessions on this site; raise `SessionNotFound`."""
        user = self.user_of(actor)
        if self._callers.session_of(user, actor.site, session_id) is None:
            raise SessionNotFound
        self._store.end_session(user.id, session_id)

    def sign_out_everywhere(self, actor: Actor) -> None:
        """End all sessions of this person and revoke all tokens from signing in, on every site."""
        if actor.id is not None:
            self._store.end_sessions(actor.id)
            self._store.remove_tokens(actor.id, name=SIGNED_IN)

    def sign_out_token(self, token: str) -> None:
        """Revoke the presented token."""
        found = self._store.token_by_sha256(sha256(token))
        if found is not None:
            self._store.remove_token(found.id)

    def user_of(self, actor: Actor) -> User:
        """Return the person of an actor."""
        return required(self._store.user_by_id(actor.id) if actor.id else None, UserNotFound)

    def change_own_password(self, actor: Actor, current: str, new: str, *, address: str) -> User:
        """Set one's own password; all sessions and tokens end. Return the person after that.

        `current` is required so that no one can take over the account in an open browser; attempts
        are counted with those to sign in. The new password is as much the person's own as the
        current one: an administrator who set that one could have changed it. Raise
        `TooManyRequests`, `WrongPassword` or `WeakPassword`.
        """
        user = self.user_of(actor)
        self._tries.count(user.email, address)
        if not self._passwords.verify(user.password_hash, current):
            raise WrongPassword
        password_hash = self._new_hash(new, user.email)
        is_own, under = user.password_is_own, user.token_epoch
        if not self._store.set_password(user.id, password_hash, is_own=is_own, under=under):
            raise WrongPassword  # changed by another request meanwhile
        self._store.remove_tokens(user.id)
        return self.user_of(actor)

    # Tokens

    def tokens(self, actor: Actor, *, limit: int, after: str | None) -> TokenPage:
        """Return one's own tokens of this site; `after` is the `next` of the page before."""
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
        """Create a token for this site, valid for `days`. Raise `ScopeNotYours`."""
        beyond = scopes - actor.scopes
        if beyond:
            raise ScopeNotYours(scopes=sorted(beyond))
        return self._make_token(
            self.user_of(actor), actor.site.id, name, scopes, days or self._token_days
        )

    def revoke_token(self, actor: Actor, token_id: str) -> None:
        """Revoke one of one's own tokens of this site; raise `TokenNotFound`."""
        if self._store.token_by_id(str(actor.id), actor.site.id, token_id) is None:
            raise TokenNotFound
        self._store.remove_token(token_id)

    # For commands (`python -m avenue users …`, `tokens …`)

    def first_administrator(
        self, site: str, *, email: str | None, password: str | None
    ) -> NewUser | None:
        """Add a superuser who is admin of `site`, if there are no people yet; else return None.

        Without `email` it is `admin@localhost`; without `password` one is generated. Of several
        processes at once all but one get `EmailTaken`.
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
        """Add a person with `roles` (by site id); without `password` one is generated.

        Raise `InvalidEmail`, `WeakPassword` or `EmailTaken`.
        """
        known_as = checked_email(email)
        made, now = None if password else made_password(), self._now()
        user = User(
            id=new_id(),
            email=known_as,
            name=name,
            password_hash=self._new_hash(made or password or "", known_as),
            password_is_own=True,  # operators may do everything anyway
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
        """Set a password, generated and returned when None is given; ends sessions and tokens.

        It counts as the person's own: no administrator of a site has seen it. Raise `UserNotFound`
        or `WeakPassword`.
        """
        user = self.user_named(email)
        made = None if password else made_password()
        password_hash = self._new_hash(made or password or "", user.email)
        self._store.set_password(user.id, password_hash, is_own=True)
        self._store.remove_tokens(user.id)
        return made

    def set_disabled(self, email: str, *, disabled: bool) -> None:
        """Disable or enable a person; both end all sessions and tokens.

        Raise `UserNotFound`.
        """
        user = self.user_named(email)
        self._store.set_disabled(user.id, disabled=disabled)
        self._store.remove_tokens(user.id)

    def unlink(self, email: str) -> None:
        """Unlink an account from the provider; all sessions and tokens end.

        At the next sign-in with the provider the account is found by email again. Raise
        `UserNotFound`.
        """
        user = self.user_named(email)
        self._store.unlink(user.id)
        self._store.remove_tokens(user.id)

    def reset_second_factor(self, email: str) -> None:
        """Turn off a person's second factor; all sessions end. Raise `UserNotFound`."""
        self._second_factors.reset(self.user_named(email))

    def users(self) -> list[User]:
        """Return all people, by email."""
        return self._store.users()

    def actor_named(self, site: Site, email: str) -> Actor:
        """Return a person as an actor on `site`; raise `UserNotFound` or `Forbidden`."""
        return required(
            self._callers.actor(self.user_named(email), site),
            Forbidden("This person may do nothing on this site."),
        )

    def user_named(self, email: str) -> User:
        """Return the person with this email; raise `UserNotFound`."""
        return required(self._store.user_by_email(normal_email(email)), UserNotFound)

    def add_token(
        self, email: str, site: str, *, name: str, scopes: frozenset[Scope], days: int
    ) -> NewToken:
        """Create a token of a person for `site`, valid for `days`. Raise `UserNotFound`."""
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
