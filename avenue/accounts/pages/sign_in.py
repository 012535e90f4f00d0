"""`/login` and `/logout`: plain pages that need no JavaScript."""

from flask import Blueprint, Response, request
from pydantic import ValidationError

from avenue.accounts.bodies import LoginBody
from avenue.accounts.emails import MOST_EMAIL_CHARACTERS
from avenue.accounts.errors import WrongCredentials
from avenue.accounts.models import User
from avenue.accounts.pages.words import keep_out_of_caches, reason
from avenue.accounts.recovery import RecoveryService
from avenue.accounts.service import AccountService
from avenue.errors import AvenueError, TooManyRequests, Unavailable
from avenue.identity import Actor
from avenue.web import csrf
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import (
    begin_session,
    current_actor,
    current_session,
    drop_session,
    safe_next,
)
from avenue.web.hosts import current_site
from avenue.web.language import gettext as _
from avenue.web.language import lazy_gettext
from avenue.web.pages import page, see
from avenue.web.services import using

PANEL = "/admin"
"""Where people go on who did not want to go anywhere else."""

blueprint = Blueprint("account_pages", __name__, template_folder="../templates")

blueprint.after_request(keep_out_of_caches)

SAID = {
    "password": lazy_gettext("Your new password is set. Sign in with it."),
    "password-elsewhere": lazy_gettext(
        "Your new password is set. Sign in with it on the site where you work."
    ),
}


@blueprint.get("/login")
def show_login() -> Response:
    """Show the form, or to somebody signed in who they are and the way out."""
    target = safe_next(request.args.get("next"), PANEL)
    actor = current_actor()
    if actor.id is None:
        return _form(target)
    user = using(AccountService).user_of(actor)
    return page("accounts/signed_in.html", target=target, person=user.name or user.email)


@blueprint.post("/login")
@audited("user.signed_in")
def sign_in() -> Response:
    """Begin a session and go on to `next`, or show the form again with the reason."""
    target = safe_next(request.form.get("next"), PANEL)
    try:
        csrf.prove_own_page()
        body = _credentials()
        user, actor = using(AccountService).sign_in(
            current_site(), body.email, body.password, address=request.remote_addr or ""
        )
    except (WrongCredentials, TooManyRequests, Unavailable, csrf.CsrfFailed) as error:
        return _form(target, error)
    begin(user, actor)
    note(object_id=user.id)
    return see(target)


@blueprint.post("/logout")
@audited("user.signed_out")
def sign_out() -> Response:
    """End this session and show the form."""
    actor, session = current_actor(), current_session()
    if session is None:
        nothing_changed()
    else:
        using(AccountService).end_session(actor, session)
    drop_session()
    note(actor=actor, object_id=actor.id)
    return see("/login")


def begin(user: User, actor: Actor) -> None:
    """Give this browser a new session of `user`."""
    agent = request.headers.get("User-Agent", "")
    begin_session(actor, using(AccountService).begin_session(user, actor.site, agent=agent))


def _credentials() -> LoginBody:
    """Return what was typed; what no account can have is as wrong as any other."""
    try:
        return LoginBody(
            email=request.form.get("email", ""), password=request.form.get("password", "")
        )
    except ValidationError:
        raise WrongCredentials from None


def _form(target: str, error: AvenueError | None = None) -> Response:
    response = page(
        "accounts/login.html",
        target=target,
        email=request.form.get("email", "")[:MOST_EMAIL_CHARACTERS],
        problem=_reason(error) if error else "",
        said=SAID.get(request.args.get("said", "")),
        can_mail=using(RecoveryService).can_mail,
    )
    if error:
        response.status_code = error.status
        response.headers.update(error.headers)
    return response


def _reason(error: AvenueError) -> str:
    match error:
        case WrongCredentials():
            return _("The e-mail or the password is wrong.")
        case Unavailable():
            return _("Signing in is not possible just now. Try again in a few seconds.")
        case _other:
            return reason(error)
