"""Identifies the caller of a request: by token, by session, or by id."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from avenue.accounts.devices import device_of
from avenue.accounts.models import Session, User
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.accounts.tries import sha256
from avenue.clock import utc_now
from avenue.errors import Unavailable
from avenue.identity import Actor, Role, Scope, Site

TOKEN_MARK = "av_"  # noqa: S105 - lets scanners recognise a token in the wrong place
MOST_TOKEN_CHARACTERS = 128
USE_NOTED_EVERY = timedelta(minutes=10)
"""How old a recorded use of a session or token gets before it is recorded again."""
USE_RESTS = timedelta(minutes=1)
"""How long a process records no uses after a failure."""
EVERY_SCOPE = frozenset(Scope)


class Callers:
    """The people who make requests, as actors on a site."""

    def __init__(
        self,
        store: MongoAccountStore,
        *,
        token_days: int,
        second_factor_roles: Collection[str] = (),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`token_days` is the lifetime of sessions.

        People with one of `second_factor_roles` on any site need a second factor.
        """
        self._store = store
        self._token_days = token_days
        self._second_factor_roles = frozenset(map(Role, second_factor_roles))
        self._now = now
        self._notes_uses_from = datetime.min.replace(tzinfo=UTC)

    def by_token(self, site: Site, token: str, *, agent: str = "") -> Actor | None:
        """Return the actor of a Bearer token; None when it is not valid on this site.

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
        return self.actor(user, site, found.scopes)

    def by_session(
        self, site: Site, user_id: str, session_id: str, *, agent: str = ""
    ) -> Actor | None:
        """Return the actor of a session.

        None when it has ended or the person has no role on this site.

        `agent` is the User-Agent of the request.
        """
        user = self._store.user_by_id(user_id)
        found = self.session_of(user, site, session_id) if user else None
        if user is None or found is None:
            return None
        self._note_use(
            found.used_at,
            lambda at: self._store.note_session_use(user.id, found.id, at, device_of(agent)),
        )
        actor = self.actor(user, site)
        if actor and found.second_factor_shown:
            return replace(actor, needs_second_factor=False)
        return actor

    def session_of(self, user: User, site: Site, session_id: str) -> Session | None:
        """Return an active session of a person on a site, None if there is none."""
        return next((each for each in self.sessions_of(user, site) if each.id == session_id), None)

    def sessions_of(self, user: User, site: Site) -> list[Session]:
        """Return the active sessions of a person on a site, newest first."""
        since = self._now() - timedelta(days=self._token_days)
        return [
            each
            for each in reversed(user.sessions)
            if each.epoch == user.session_epoch and each.site == site.id and each.began_at > since
        ]

    def by_id(self, site: Site, user_id: str) -> Actor | None:
        """Return a person as an actor on `site`; None when they have no role there any more."""
        user = self._store.user_by_id(user_id)
        return self.actor(user, site) if user else None

    def actor(self, user: User, site: Site, scopes: frozenset[Scope] = EVERY_SCOPE) -> Actor | None:
        """Return a person as an actor on `site`, None if they may do nothing there."""
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

    def _note_use(self, noted: datetime | None, note: Callable[[datetime], None]) -> None:
        """Record a use now and then. A failure to record it rejects no request."""
        now = self._now()
        if now < self._notes_uses_from or (noted and now - noted < USE_NOTED_EVERY):
            return
        try:
            note(now)
        except Unavailable:
            self._notes_uses_from = now + USE_RESTS
