"""`/login/oidc`: to the provider and back. Plain links, which also work without JavaScript."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, after_this_request, current_app, request

from avenue.accounts.callers import Callers
from avenue.accounts.errors import OidcNoRole
from avenue.accounts.models import User
from avenue.accounts.oidc.service import GOOD_FOR, OidcService
from avenue.accounts.pages.sign_in import SECOND_STEP, SHOWN_AGAIN, login_form
from avenue.accounts.pages.steps import PANEL, begin, begin_first_step
from avenue.accounts.pages.words import keep_out_of_caches
from avenue.errors import AvenueError, required
from avenue.identity import Actor
from avenue.web.audit import audits_itself, note, note_each
from avenue.web.auth import safe_next
from avenue.web.hosts import current_site
from avenue.web.pages import see
from avenue.web.request_kinds import wants_page
from avenue.web.services import using

PATH = "/login/oidc"
COOKIE = "avenue_oidc"

blueprint = Blueprint("oidc_pages", __name__, url_prefix=PATH, template_folder="../templates")
blueprint.after_request(keep_out_of_caches)


@blueprint.get("")
def go_to_provider() -> Response:
    """Redirect the browser to the provider; it comes back to `/login/oidc/callback`.

    From the site's other hosts it first goes to that of `base_url`, once: the provider knows no
    other, and cookies are for one host.
    """
    target = safe_next(request.args.get("next"), PANEL)
    site, again = current_site(), request.args.get("again") == "1"
    if request.host != urlsplit(site.base_url).netloc and "moved" not in request.args:
        asked = {"next": target, "moved": "1", **({"again": "1"} if again else {})}
        return see(f"{site.base_url}{PATH}?{urlencode(asked)}")
    address = request.remote_addr or ""
    try:
        begun = using(OidcService).begin(site, target, address=address, again=again)
    except SHOWN_AGAIN as error:
        return _refused(target, error)
    response = see(begun.url)
    response.set_cookie(
        COOKIE,
        begun.sealed,
        max_age=GOOD_FOR,
        path=PATH,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


@blueprint.get("/callback")
@audits_itself("user.signed_in")
def come_from_provider() -> Response:
    """Start a session for the person, or show the form with the reason.

    A person with a second factor is asked for it, unless the provider's counts.
    """
    after_this_request(_forget_attempt)
    oidc, site = using(OidcService), current_site()
    sealed = request.cookies.get(COOKIE, "")
    try:
        found = oidc.finish(
            site, sealed, request.args, address=request.remote_addr or "", note=_note_change
        )
        actor = required(using(Callers).by_id(site, found.user.id), OidcNoRole)
    except SHOWN_AGAIN as error:
        return _refused(PANEL, error)
    user, shown = found.user, found.second_factor_shown
    if user.second_factor is not None and not shown:
        begin_first_step(user, found.target, by_provider=True)
        return see(SECOND_STEP)
    begin(user, actor, by_provider=True, second_factor_shown=shown)
    note_each("user.signed_in", [user.id], by="oidc")
    return see(found.target)


def _refused(target: str, error: AvenueError) -> Response:
    """Return the form with the reason; programs get its code."""
    if not wants_page():
        raise error
    return login_form(target, error)


def _note_change(user: User, action: str, details: Mapping[str, str]) -> None:
    note(actor=Actor(site=current_site(), id=user.id, email=user.email))
    note_each(action, [user.id], **details)


def _forget_attempt(response: Response) -> Response:
    """Delete the cookie of the attempt: it is valid once."""
    response.delete_cookie(COOKIE, path=PATH)
    return response
