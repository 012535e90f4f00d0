"""`/admin/account`: one's own account and password, for everyone who is signed in."""

from flask import Blueprint, Response, request

from avenue.accounts.errors import SignInBusy, WeakPassword, WrongPassword
from avenue.accounts.oidc.service import OidcService
from avenue.accounts.pages.steps import begin
from avenue.accounts.pages.words import ROLES, keep_out_of_caches, reason
from avenue.accounts.passwords import MOST_CHARACTERS
from avenue.accounts.service import AccountService
from avenue.errors import AvenueError, TooManyRequests
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, current_session, drop_session, require
from avenue.web.language import gettext as _, lazy_gettext
from avenue.web.pages import page, see
from avenue.web.services import using

PATH = "/admin/account"
SAID = {
    "password": lazy_gettext("Password changed. You are signed out everywhere else."),
    "session": lazy_gettext("That browser is signed out."),
}

blueprint = Blueprint("account_page", __name__, url_prefix=PATH, template_folder="../templates")
blueprint.after_request(keep_out_of_caches)


@blueprint.get("")
@require()
def show_account() -> Response:
    """Show the account and what can be changed."""
    return _account()


@blueprint.post("/password")
@require()
@audited("user.password_changed")
def change_password() -> Response:
    """Change one's own password: all sessions and tokens end, this browser gets a new session."""
    actor, new = current_actor(), request.form.get("new", "")
    if new != request.form.get("again", ""):
        return _account(wrong={"again": _("The passwords do not match.")}, status=422)
    current = request.form.get("current", "")[:MOST_CHARACTERS]
    try:
        user = using(AccountService).change_own_password(
            actor, current, new, address=request.remote_addr or ""
        )
    except WeakPassword as error:
        return _account({"new": reason(error)}, error=error)
    except (WrongPassword, TooManyRequests, SignInBusy) as error:
        return _account({"current": reason(error)}, error=error)
    note(actor=actor, object_id=user.id)
    begin(user, actor)
    return see(f"{PATH}?said=password")


@blueprint.post("/sessions/<session_id>/end")
@require()
@audited("session.ended", "session_id")
def end_session(session_id: str) -> Response:
    """End one of one's own sessions on this site."""
    using(AccountService).end_session(current_actor(), session_id)
    return see(f"{PATH}?said=session")


@blueprint.post("/sessions/end")
@require()
@audited("user.signed_out_everywhere")
def end_sessions() -> Response:
    """End all of one's own sessions and tokens from signing in, this session included."""
    actor = current_actor()
    using(AccountService).sign_out_everywhere(actor)
    drop_session()
    note(actor=actor, object_id=actor.id)
    return see("/login")


def _account(
    wrong: dict[str, str] | None = None, *, status: int = 200, error: AvenueError | None = None
) -> Response:
    actor = current_actor()
    user = using(AccountService).user_of(actor)
    return page(
        "accounts/account.html",
        status=status,
        error=error,
        user=user,
        sessions=using(AccountService).sessions(actor),
        own_session=current_session(),
        role=ROLES[actor.role] if actor.role else None,
        wrong=wrong or {},
        said=SAID.get(request.args.get("said", "")),
        problem=_("Your password was not changed.") if wrong else "",
        most=MOST_CHARACTERS,
        provider=using(OidcService).label,
    )
