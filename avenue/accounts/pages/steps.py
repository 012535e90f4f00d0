"""State of signing in that a browser keeps: the session, or before it the first of two steps.

The first step is in the signed cookie, under another name than a session. Only the page that asks
for the second step reads it.
"""

import ipaddress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import request, session
from flask_wtf.csrf import generate_csrf

from avenue.accounts.models import FirstStep, RelyingParty, User
from avenue.accounts.service import FIRST_STEP_GOOD_FOR, AccountService
from avenue.clock import utc_now
from avenue.identity import Actor
from avenue.web.auth import begin_session, drop_session, safe_next
from avenue.web.csrf import own_origins
from avenue.web.hosts import current_site
from avenue.web.services import using

FIRST_STEP = "first_step"
BY_PROVIDER_AT = "by_provider_at"
"""Key of a session for when its person has signed in with the provider."""
PANEL = "/admin"
"""Default target after signing in."""


def relying_party() -> RelyingParty | None:
    """Return the relying party for passkeys; None at an IP address, which has none."""
    host = urlsplit(f"//{request.host}").hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        own = [each for each in sorted(own_origins()) if urlsplit(each).hostname == host]
        return RelyingParty(host=host, name=current_site().name, origins=tuple(own))
    return None


def begin(
    user: User, actor: Actor, *, by_provider: bool = False, second_factor_shown: bool = False
) -> None:
    """Give this browser a new session of `user`.

    `by_provider`: they have just signed in with the provider; `second_factor_shown`: there, too.
    """
    agent = request.headers.get("User-Agent", "")
    accounts = using(AccountService)
    begin_session(
        actor,
        accounts.begin_session(
            user, actor.site, agent=agent, second_factor_shown=second_factor_shown
        ),
    )
    if by_provider:
        session[BY_PROVIDER_AT] = utc_now().timestamp()


def is_just_by_provider() -> bool:
    """Return whether this browser's person has just signed in with the provider."""
    at = datetime.fromtimestamp(session.get(BY_PROVIDER_AT, 0), UTC)
    return utc_now() - at < FIRST_STEP_GOOD_FOR


def begin_first_step(user: User, target: str, *, by_provider: bool = False) -> None:
    """Store that the password was right, and where to continue.

    `by_provider`: they have signed in with the provider instead.
    """
    drop_session()
    first = using(AccountService).first_step(user, current_site(), by_provider=by_provider)
    session[FIRST_STEP] = {
        "user": first.user,
        "site": first.site,
        "session_epoch": first.session_epoch,
        "token_epoch": first.token_epoch,
        "at": first.at.timestamp(),
        "by_provider": first.by_provider,
        "next": target,
    }
    generate_csrf()


def first_step() -> tuple[FirstStep, str] | None:
    """Return the first step of this browser, and where to continue; None where there is none."""
    kept: dict[str, Any] | None = session.get(FIRST_STEP)
    if kept is None:
        return None
    first = FirstStep(
        user=kept["user"],
        site=kept["site"],
        session_epoch=kept["session_epoch"],
        token_epoch=kept["token_epoch"],
        at=datetime.fromtimestamp(kept["at"], UTC),
        by_provider=kept.get("by_provider") is True,
    )
    return first, safe_next(kept["next"], PANEL)
