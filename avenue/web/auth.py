"""Authentication: a Bearer token, a session cookie, or neither.

A Bearer token takes precedence, and cookies are then ignored. Pages and their forms accept no
token, because a form must come from our own pages. Nothing here queries the database until a route
asks for the actor (`current_actor`), so public pictures cost no query. Tokens and sessions are
looked up by an `Authenticator` from a higher layer.
"""

import functools
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ParamSpec, Protocol, TypeVar, cast
from urllib.parse import unquote

from flask import Flask, current_app, g, request, session
from flask_login import LoginManager, current_user, login_user
from flask_wtf.csrf import generate_csrf

from avenue.config import Settings
from avenue.errors import Forbidden, MalformedRecord, Unauthenticated, sentence
from avenue.identity import Actor, Role, Scope, Site
from avenue.web import csrf
from avenue.web.hosts import current_site
from avenue.web.marks import Flag, Mark, View, current_view
from avenue.web.request_kinds import takes_token

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

AUTHENTICATOR = "avenue.authenticator"
COOKIE_NAME = "avenue_session"
LONGEST_NEXT_CHARACTERS = 2048
NOT_IN_A_PATH = re.compile(r"[\x00-\x1f\x7f\\@]")
# RFC 6750 section 3: no error code when nothing was presented.
CHALLENGE = {"WWW-Authenticate": "Bearer"}
NO_TOKEN_HERE = sentence("Sign in at /login. Pages do not accept tokens; programs use /api.")


class Authenticator(Protocol):
    """Looks people up; None for unknown and ended credentials, and those of other sites."""

    def by_token(self, site: Site, token: str, *, agent: str = "") -> Actor | None:
        """Return the owner of this Bearer token; `agent` is the User-Agent of the request."""

    def by_session(
        self, site: Site, user_id: str, session_id: str, *, agent: str = ""
    ) -> Actor | None:
        """Return the owner of this session."""


class InvalidToken(Unauthenticated):
    """The Bearer token is unknown, expired, revoked, or belongs to another site."""

    message = "This token is not valid, or no longer valid."
    hint = "Get a new one from POST /api/auth/login, on the site it is for."


class InsufficientScope(Forbidden):
    """The token lacks the required scope."""

    message = "This token does not allow this."
    hint = "Use a token with the scope named in `scope`."


class SecondFactorSetupRequired(Forbidden):
    """The person's role needs a second factor, and they have none."""

    message = "Your role requires a second factor, and you have none."
    hint = "Set one up at /admin/account/second-factor; until then you can do nothing else."


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Who may use a route: a person with one of `roles`, any signed-in person if empty.

    With `superuser` they must be one. `scope` is the required scope of a token, None: that of the
    method.
    """

    roles: tuple[Role, ...] = ()
    superuser: bool = False
    scope: Scope | None = None
    any_scope: bool = False

    def scope_for(self, method: str) -> Scope | None:
        """Return the required scope of a token; None if any is sufficient."""
        if self.any_scope:
            return None
        return self.scope or (Scope.READ if method in csrf.SAFE_METHODS else Scope.WRITE)


_GUARDS = Mark[Guard]("guard")
guard_of = _GUARDS.of
"""Returns the restriction of a view; None if it is public."""
before_second_factor = Flag("comes_before_second_factor")
"""Allows a view for people who need a second factor and have not set one up yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visitor:
    """A person with a session, in the form that Flask-Login requires."""

    session_id: str
    actor: Actor

    is_active = True
    is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.session_id


def install(app: Flask, authenticator: Authenticator, settings: Settings) -> None:
    """Set up authentication in `app`. `g.site` must be set by an earlier before_request step.

    The cookie is written once, at sign-in, and valid for `session_days` from then.
    """
    app.secret_key = settings.secret_key
    app.config.update(
        SESSION_COOKIE_NAME=COOKIE_NAME,
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(days=settings.session_days),
        # Otherwise every answer, including cached pictures, would carry a Set-Cookie.
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    manager = LoginManager()
    manager.session_protection = None  # phones change their address all the time
    manager.user_loader(_load_visitor)
    # Not `manager.init_app`: its after_request step for "remember me" cookies, which Avenue does
    # not have, reads the session of every request and so puts `Vary: Cookie` on every picture.
    app.login_manager = manager  # type: ignore[attr-defined]
    app.extensions[AUTHENTICATOR] = authenticator
    app.before_request(_refuse_forged_requests)
    csrf.install(app)


def current_actor() -> Actor:
    """Return the current actor; without sign-in, one whose id is None.

    A person who needs a second factor and has none counts as not signed in, except for views marked
    `before_second_factor`. Raise `InvalidToken` for an invalid Bearer token. An ended session is
    dropped.
    """
    actor = _whoever_asks()
    if actor.needs_second_factor and not before_second_factor.is_on(current_view()):
        return Actor(site=actor.site)
    return actor


def signed_in_actor() -> Actor:
    """Return the signed-in actor, or raise `Unauthenticated`.

    Raise `SecondFactorSetupRequired` if they need a second factor and have none.
    """
    actor = current_actor()
    if actor.id is None and _whoever_asks().needs_second_factor:
        raise SecondFactorSetupRequired
    if actor.id is None:
        raise Unauthenticated(hint=None if takes_token() else NO_TOKEN_HERE, headers=CHALLENGE)
    return actor


def reading_actor() -> Actor:
    """Return the current actor, for a route that is partly public.

    A token without the scope to read sees only the public part.
    """
    actor = current_actor()
    return actor if Scope.READ in actor.scopes else Actor(site=actor.site)


def require(
    *roles: Role, superuser: bool = False, scope: Scope | None = None, any_scope: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Restrict a route to people with one of `roles` (any signed-in person if empty).

    With `superuser` the caller must be one, whatever the role. `scope` is the required scope of a
    token; by default READ for GET and HEAD, otherwise WRITE; with `any_scope` all are sufficient.
    The view raises `Unauthenticated` without sign-in, `Forbidden` for another role,
    `InsufficientScope` for another scope.
    """
    guard = Guard(roles=roles, superuser=superuser, scope=scope, any_scope=any_scope)

    def decorate(route: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(route)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = signed_in_actor()
            if roles and not actor.has_role(*roles):
                raise Forbidden
            needed = guard.scope_for(request.method)
            if needed and needed not in actor.scopes:
                challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
                raise InsufficientScope(headers={"WWW-Authenticate": challenge}, scope=needed)
            if superuser and not actor.superuser:
                raise Forbidden
            return route(*args, **kwargs)

        return _GUARDS.says(guard)(guarded)

    return decorate


def guards_itself(*roles: Role) -> Callable[[View], View]:
    """Declare for the API description that a route checks for `roles` itself."""
    return _GUARDS.says(Guard(roles=roles, any_scope=True))


def bearer_token() -> str | None:
    """Return the Bearer token of this request ("" if it is empty), None without one.

    Tokens sent to pages are ignored.
    """
    if not takes_token():
        return None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def begin_session(actor: Actor, session_id: str) -> None:
    """Start a new session in the browser; nothing of the previous one stays (session fixation)."""
    session.clear()
    session.permanent = True
    g.pop("csrf_token", None)
    generate_csrf()  # now: written later, it would extend the session
    login_user(_Visitor(session_id=f"{actor.id}.{session_id}.{actor.site.id}", actor=actor))
    g.actor = actor


def current_session() -> str | None:
    """Return the session id of this request, or None."""
    actor = current_actor()
    if actor.id is None or bearer_token() is not None:
        return None
    return str(session["_user_id"]).split(".", 2)[1]


def drop_session() -> None:
    """Remove the session cookie from the browser. The authenticator ends the session itself."""
    session.clear()
    g.pop("csrf_token", None)
    g.actor = Actor(site=current_site())


def safe_next(target: str | None, default: str = "/") -> str:
    """Return `target` if it is a path of our own that no browser or proxy interprets differently.

    Refused: other schemes and hosts, `//host` and its backslash and percent-encoded spellings,
    control characters and spaces (browsers drop tabs and line ends), and `@`.
    """
    if not target or " " in target or len(target) > LONGEST_NEXT_CHARACTERS:
        return default
    for reading in (target, unquote(target), unquote(unquote(target))):
        own_path = reading.startswith("/") and not reading.startswith("//")
        if not own_path or NOT_IN_A_PATH.search(reading):
            return default
    return target


def _refuse_forged_requests() -> None:
    """Refuse an unsafe request with a cookie that does not come from our pages."""
    if request.method in csrf.SAFE_METHODS or bearer_token() is not None or "site" not in g:
        return
    if "_user_id" not in session:
        return
    if csrf.shared_by_browser.is_on(current_view()):
        csrf.prove_share()
    else:
        csrf.prove_own_page()


def _whoever_asks() -> Actor:
    if "actor" not in g:
        token = bearer_token()
        g.actor = _by_session() if token is None else _by_token(token)
    return cast("Actor", g.actor)


def _by_token(token: str) -> Actor:
    actor = _readable(lambda: _authenticator().by_token(current_site(), token, agent=_agent()))
    if actor is None:
        raise InvalidToken(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return actor


def _by_session() -> Actor:
    actor = getattr(current_user, "actor", None)
    if isinstance(actor, Actor):
        return actor
    if "_user_id" in session:
        session.clear()
    return Actor(site=current_site())


def _load_visitor(session_id: str) -> _Visitor | None:
    """Return the owner of the session `<user>.<session>.<site>`, None if it has ended."""
    user_id, own_id, site_id = session_id.split(".", 2)
    if site_id != current_site().id:
        return None
    actor = _readable(
        lambda: _authenticator().by_session(current_site(), user_id, own_id, agent=_agent())
    )
    return _Visitor(session_id=session_id, actor=actor) if actor else None


def _agent() -> str:
    return request.headers.get("User-Agent", "")


def _readable(who: Callable[[], Actor | None]) -> Actor | None:
    """Return the person, or None if their record cannot be read."""
    try:
        return who()
    except MalformedRecord as malformed:
        log.warning("Nobody can sign in as %s: %s", malformed.record, malformed.message)
        return None


def _authenticator() -> Authenticator:
    extensions: dict[str, Any] = current_app.extensions
    return cast("Authenticator", extensions[AUTHENTICATOR])
