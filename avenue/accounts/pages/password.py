"""`/login/forgotten` and `/login/reset`: a new password with a link in an email.

The secret of a link is only in the path of the page with the form, where no log contains it; the
form sends it in its body.
"""

from flask import Blueprint, Response, request

from avenue.accounts.challenges import Challenges, Purpose
from avenue.accounts.email_addresses import MOST_EMAIL_CHARACTERS
from avenue.accounts.errors import ChallengeRequired, ResetLinkGone, WeakPassword
from avenue.accounts.pages.challenge import answer_of, challenge_for, csp_for, tried
from avenue.accounts.pages.words import keep_out_of_caches, reason
from avenue.accounts.passwords import MOST_CHARACTERS
from avenue.accounts.recovery import RecoveryService
from avenue.errors import AvenueError, TooManyRequests, Unavailable
from avenue.identity import Actor
from avenue.web import csrf
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.hosts import current_site
from avenue.web.language import gettext as _, language
from avenue.web.pages import page, see
from avenue.web.services import using

blueprint = Blueprint("password_pages", __name__, template_folder="../templates")
blueprint.after_request(keep_out_of_caches)


@blueprint.get("/login/forgotten")
def show_forgotten() -> Response:
    """Show the form that requests a link, or whom to ask where no email is sent."""
    return _forgotten_page()


@blueprint.post("/login/forgotten")
@audited("user.link_asked")
def ask_for_link() -> Response:
    """Send a link, and answer the same whether or not a person has this email."""
    nothing_changed()  # it is logged when it is sent, with the person
    recovery, email = using(RecoveryService), request.form.get("email", "")[:MOST_EMAIL_CHARACTERS]
    challenges, this = using(Challenges), tried(Purpose.RESET, email)
    try:
        csrf.prove_own_page()
        if recovery.can_mail:
            challenges.admit(this, answer_of())
            recovery.ask(current_site(), email, address=this.address, language=language())
            challenges.count(this)  # for every one: nothing shows whether the account exists
    except (csrf.CsrfFailed, ChallengeRequired, TooManyRequests, Unavailable) as error:
        return _forgotten_page(email, error)
    return page("accounts/forgotten.html", can_mail=recovery.can_mail, was_asked=True)


def _forgotten_page(email: str = "", error: AvenueError | None = None) -> Response:
    can_mail = using(RecoveryService).can_mail
    challenge = challenge_for(tried(Purpose.RESET, email), error) if can_mail else None
    return page(
        "accounts/forgotten.html",
        error=error,
        csp=csp_for(challenge),
        can_mail=can_mail,
        problem=reason(error) if error else "",
        email=email,
        bot_challenge=challenge,
    )


@blueprint.get("/login/reset/<secret>")
def show_reset(secret: str) -> Response:
    """Show the form for a new password."""
    return _reset_page(secret)


@blueprint.post("/login/reset")
@audited("user.password_changed")
def reset() -> Response:
    """Set the password and redirect to the sign-in page."""
    secret, new = request.form.get("secret", ""), request.form.get("new", "")
    if new != request.form.get("again", ""):
        return _reset_page(secret, again_wrong=_("The passwords do not match."))
    try:
        csrf.prove_own_page()
        user = using(RecoveryService).set_password(current_site(), secret, new)
    except (WeakPassword, csrf.CsrfFailed, Unavailable) as error:
        return _reset_page(secret, error)
    except ResetLinkGone:
        return _reset_page(secret)
    note(
        actor=Actor(site=current_site(), id=user.id, email=user.email), object_id=user.id, by="link"
    )
    works_here = user.role_on(current_site().id) is not None
    return see(f"/login?said={'password' if works_here else 'password-elsewhere'}")


def _reset_page(
    secret: str, error: AvenueError | None = None, *, again_wrong: str = ""
) -> Response:
    """Return the form, or say that the link is invalid.

    Neither sends its address to other hosts.
    """
    try:
        user = using(RecoveryService).person_of(current_site(), secret)
    except ResetLinkGone as gone:
        response = page("accounts/link_gone.html", status=gone.status)
    else:
        about = "new" if isinstance(error, WeakPassword) else ""
        response = page(
            "accounts/reset.html",
            status=422 if again_wrong else 200,
            error=error,
            email=user.email,
            secret=secret,
            wrong={"new": reason(error) if error and about else "", "again": again_wrong},
            problem=reason(error) if error and not about else "",
            most=MOST_CHARACTERS,
        )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
