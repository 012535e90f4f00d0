"""`/login` and `/logout`: plain pages that need no JavaScript."""

from urllib.parse import urlencode

from flask import Blueprint, Response, request
from pydantic import ValidationError

from avenue.accounts.bodies import MOST_CODE_CHARACTERS, LoginBody
from avenue.accounts.callers import Callers
from avenue.accounts.challenges import Challenges, Purpose
from avenue.accounts.email_addresses import MOST_EMAIL_CHARACTERS
from avenue.accounts.errors import (
    ChallengeRequired,
    OidcAway,
    SecondFactorLocked,
    SecondFactorRequired,
    SignInAgain,
    WrongCredentials,
    WrongPasskey,
    WrongSecondFactor,
)
from avenue.accounts.models import Challenge, Proof
from avenue.accounts.oidc.service import OidcService
from avenue.accounts.pages.challenge import answer_of, challenge_for, csp_for, tried
from avenue.accounts.pages.steps import PANEL, begin, begin_first_step, first_step, relying_party
from avenue.accounts.pages.words import OIDC_REFUSALS, keep_out_of_caches, reason
from avenue.accounts.passkeys import Passkeys
from avenue.accounts.recovery import RecoveryService
from avenue.accounts.service import AccountService
from avenue.errors import AvenueError, TooManyRequests, Unavailable, required
from avenue.web import csrf
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import (
    before_second_factor,
    current_actor,
    current_session,
    drop_session,
    safe_next,
)
from avenue.web.hosts import current_site
from avenue.web.language import gettext as _, lazy_gettext
from avenue.web.pages import page, see
from avenue.web.services import using

SECOND_STEP = "/login/second-factor"

blueprint = Blueprint("account_pages", __name__, template_folder="../templates")

blueprint.after_request(keep_out_of_caches)

SAID = {
    "password": lazy_gettext("Your new password is set. Sign in with it."),
    "password-elsewhere": lazy_gettext(
        "Your new password is set. Sign in with it on the site where you work."
    ),
    "again": lazy_gettext("That took too long. Sign in again."),
}
SHOWN_AGAIN: tuple[type[AvenueError], ...] = (
    WrongCredentials,
    ChallengeRequired,
    SecondFactorRequired,
    WrongPasskey,
    WrongSecondFactor,
    SecondFactorLocked,
    *OIDC_REFUSALS,
    TooManyRequests,
    Unavailable,
    csrf.CsrfFailed,
)
"""Errors after which a sign-in form is shown again."""


@blueprint.get("/login")
@before_second_factor
def show_login() -> Response:
    """Show the form, or for signed-in people their account and the button to sign out."""
    target = safe_next(request.args.get("next"), PANEL)
    actor = current_actor()
    if actor.id is None:
        return login_form(target)
    user = using(AccountService).user_of(actor)
    return page("accounts/signed_in.html", target=target, person=user.name or user.email)


@blueprint.post("/login")
@audited("user.signed_in")
def sign_in() -> Response:
    """Start a session and redirect to `next`, or show the form again with the reason."""
    target = safe_next(request.form.get("next"), PANEL)
    try:
        csrf.prove_own_page()
        body = _credentials()
        this = tried(Purpose.SIGN_IN, body.email)
        with using(Challenges).guarding(this, answer_of(), failures=WrongCredentials):
            user, actor = using(AccountService).sign_in(
                current_site(), body.email, body.password, address=this.address
            )
    except SecondFactorRequired as error:
        begin_first_step(error.user, target)
        nothing_changed()
        return see(SECOND_STEP)
    except SHOWN_AGAIN as error:
        return login_form(target, error)
    begin(user, actor)
    note(object_id=user.id)
    return see(target)


@blueprint.get(SECOND_STEP)
def show_second_step() -> Response:
    """Ask for the second factor after the password, or start over."""
    return _second_form() if first_step() else see("/login")


@blueprint.post(SECOND_STEP)
@audited("user.signed_in")
def take_second_step() -> Response:
    """Start a session and continue, or ask again with the reason."""
    begun = first_step()
    if begun is None:
        nothing_changed()
        return see("/login")
    first, target = begun
    proof = Proof(
        otp=request.form.get("otp", "")[:MOST_CODE_CHARACTERS],
        recovery_code=request.form.get("recovery_code", "")[:MOST_CODE_CHARACTERS],
    )
    try:
        csrf.prove_own_page()
        user, actor = using(AccountService).second_step(
            current_site(), first, proof, address=request.remote_addr or ""
        )
    except SignInAgain:
        drop_session()
        nothing_changed()
        return see("/login?said=again")
    except SHOWN_AGAIN as error:
        return _second_form(error)
    begin(user, actor, by_provider=first.by_provider)
    note(object_id=user.id, by="recovery_code" if proof.recovery_code else "otp")
    return see(target)


@blueprint.post("/login/passkey")
@audited("user.signed_in")
def sign_in_by_passkey() -> Response:
    """Start a session for the owner of the passkey, or show the form with the reason."""
    target, form = safe_next(request.form.get("next"), PANEL), request.form
    party = relying_party()
    try:
        csrf.prove_own_page()
        if party is None:
            raise WrongPasskey
        sealed, credential = form.get("challenge", ""), form.get("credential", "")
        user = using(Passkeys).check(party, sealed, credential, address=request.remote_addr or "")
        actor = required(using(Callers).by_id(current_site(), user.id), WrongPasskey)
    except SHOWN_AGAIN as error:
        return login_form(target, error)
    begin(user, actor)
    note(object_id=user.id, by="passkey")
    return see(target)


@blueprint.post("/logout")
@before_second_factor
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


def _credentials() -> LoginBody:
    """Return what was typed; what no account can have is answered like wrong credentials."""
    try:
        return LoginBody(
            email=request.form.get("email", ""), password=request.form.get("password", "")
        )
    except ValidationError:
        raise WrongCredentials from None


def login_form(target: str, error: AvenueError | None = None) -> Response:
    """Return the form that continues with `target`, with the reason why it is shown again."""
    oidc = using(OidcService)
    email = request.form.get("email", "")[:MOST_EMAIL_CHARACTERS]
    bot_challenge = challenge_for(tried(Purpose.SIGN_IN, email), error)
    return page(
        "accounts/login.html",
        error=error,
        csp=csp_for(bot_challenge),
        target=target,
        path=f"/login?{urlencode({'next': target})}",
        email=email,
        bot_challenge=bot_challenge,
        problem=_reason(error) if error else "",
        said=SAID.get(request.args.get("said", "")),
        can_mail=using(RecoveryService).can_mail,
        challenge=_challenge(),
        provider=oidc.label if oidc.is_offered_on(current_site()) else "",
    )


def _second_form(error: AvenueError | None = None) -> Response:
    return page(
        "accounts/second_step.html",
        error=error,
        problem=reason(error) if error else "",
        by_recovery_code="recovery_code" in request.form or "recovery" in request.args,
        most=MOST_CODE_CHARACTERS,
        target=_target_of_first_step(),
        challenge=_challenge(),
    )


def _target_of_first_step() -> str:
    begun = first_step()
    return begun[1] if begun else PANEL


def _challenge() -> Challenge | None:
    """Return what a button for passkeys needs, None where there are no passkeys."""
    party = relying_party()
    return using(Passkeys).request(party) if party else None


def _reason(error: AvenueError) -> str:
    match error:
        case WrongCredentials():
            return _("The email or the password is wrong.")
        case OidcAway():
            return reason(error)
        case Unavailable():
            return _("Signing in is not possible right now. Try again in a few seconds.")
        case _other:
            return reason(error)
