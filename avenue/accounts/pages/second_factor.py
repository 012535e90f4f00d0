"""`/admin/account/second-factor`: one's own second factor, for everyone who is signed in.

People who need one and have none are redirected here, and can do nothing else.
"""

from typing import Any

import segno
from flask import Blueprint, Response, request

from avenue.accounts.bodies import MOST_CODE_CHARACTERS, MOST_NAME_CHARACTERS
from avenue.accounts.errors import SetupGone, SignInBusy, WrongPasskey
from avenue.accounts.models import Proof, SecondFactorSetup
from avenue.accounts.oidc.service import OidcService
from avenue.accounts.pages.account import PATH as ACCOUNT
from avenue.accounts.pages.steps import begin, is_just_by_provider, relying_party
from avenue.accounts.pages.words import SHOWN, keep_out_of_caches, reason
from avenue.accounts.passkeys import Passkeys
from avenue.accounts.passwords import MOST_CHARACTERS
from avenue.accounts.second_factor import SecondFactors
from avenue.accounts.service import AccountService
from avenue.errors import AvenueError, TooManyRequests
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import before_second_factor, current_actor, require
from avenue.web.language import gettext as _, lazy_gettext
from avenue.web.pages import page, see, shown_again
from avenue.web.services import using

PATH = f"{ACCOUNT}/second-factor"
MOST_SEALED = 500
SAID = {
    "off": lazy_gettext("Second factor turned off. You are signed out everywhere else."),
    "added": lazy_gettext("Passkey added."),
    "removed": lazy_gettext("Passkey removed. Delete it on your device, too."),
}
REFUSALS: tuple[type[AvenueError], ...] = (*SHOWN, TooManyRequests, SignInBusy)

blueprint = Blueprint(
    "second_factor_pages", __name__, url_prefix=PATH, template_folder="../templates"
)
blueprint.after_request(keep_out_of_caches)


def _second_factor(
    error: AvenueError | None = None, *, setup: SecondFactorSetup | None = None
) -> Response:
    actor = current_actor()
    user = using(AccountService).user_of(actor)
    facts: dict[str, Any] = {}
    party = relying_party()
    if user.second_factor is None or user.second_factor.secret is None:
        setup = setup or using(SecondFactors).begin(user, actor.site)
        facts = {"setup": setup, "picture": _picture_of(setup.uri)}
    return page(
        "accounts/second_factor.html",
        error=error,
        user=user,
        challenge=using(Passkeys).creation(user, party) if party else None,
        most_name=MOST_NAME_CHARACTERS,
        is_needed=actor.needs_second_factor,
        is_just_by_provider=is_just_by_provider(),
        provider=using(OidcService).label,
        problem=reason(error) if error else "",
        said=SAID.get(request.args.get("said", "")),
        most=MOST_CHARACTERS,
        most_code=MOST_CODE_CHARACTERS,
        **facts,
    )


@blueprint.get("")
@before_second_factor
@require()
def show_second_factor() -> Response:
    """Show one's second factor, or how to set one up."""
    return _second_factor()


@blueprint.post("")
@before_second_factor
@require()
@audited("user.second_factor_on")
def set_up() -> Response:
    """Set it up and show the recovery codes, in this answer only."""
    actor, sealed = current_actor(), request.form.get("setup", "")[:MOST_SEALED]
    accounts, factors = using(AccountService), using(SecondFactors)
    user = accounts.user_of(actor)
    try:
        codes = factors.set_up(user, sealed, _proof(), address=request.remote_addr or "")
    except SetupGone as error:
        return _second_factor(error)
    except REFUSALS as error:
        return _second_factor(error, setup=factors.begun(user, actor.site, sealed))
    note(actor=actor, object_id=user.id)
    begin(accounts.user_of(actor), actor)
    return _codes(codes)


@blueprint.post("/passkeys")
@before_second_factor
@require()
@audited("user.passkey_added")
@shown_again(_second_factor, REFUSALS)
def add_passkey() -> Response:
    """Add a passkey from a device; show recovery codes, if there were none."""
    actor, accounts, party = current_actor(), using(AccountService), relying_party()
    user, form = accounts.user_of(actor), request.form
    name = form.get("name", "").strip()[:MOST_NAME_CHARACTERS] or _("Passkey")
    using(SecondFactors).check_either(user, _proof(), address=request.remote_addr or "")
    if party is None:
        raise WrongPasskey
    sealed, credential = form.get("challenge", ""), form.get("credential", "")
    codes = using(Passkeys).add(user, party, sealed, credential, name=name)
    note(actor=actor, object_id=user.id)
    if not codes:
        return see(f"{PATH}?said=added")
    begin(accounts.user_of(actor), actor)
    return _codes(codes)


@blueprint.post("/passkeys/<passkey_id>/remove")
@require()
@audited("user.passkey_removed", "passkey_id")
@shown_again(lambda error, passkey_id: _second_factor(error), REFUSALS)
def remove_passkey(passkey_id: str) -> Response:
    """Remove a passkey, with the password or a code; with the last one the second factor ends."""
    actor, accounts, factors = current_actor(), using(AccountService), using(SecondFactors)
    user, address = accounts.user_of(actor), request.remote_addr or ""
    left = [each for each in user.passkeys if each.id != passkey_id]
    if len(left) == len(user.passkeys):
        nothing_changed()
        return see(PATH)
    if left or (user.second_factor and user.second_factor.secret):
        factors.check_either(user, _proof(), address=address)
        using(Passkeys).remove(user, passkey_id)
        return see(f"{PATH}?said=removed")
    factors.turn_off(user, _proof(), address=address)
    note(actor=actor)
    begin(accounts.user_of(actor), actor)
    return see(f"{PATH}?said=off")


@blueprint.post("/codes")
@require()
@audited("user.recovery_codes_made")
@shown_again(_second_factor, REFUSALS)
def make_codes() -> Response:
    """Generate ten new recovery codes and show them, in this answer only."""
    actor = current_actor()
    user = using(AccountService).user_of(actor)
    address = request.remote_addr or ""
    codes = using(SecondFactors).new_recovery_codes(user, _proof(), address=address)
    note(object_id=user.id)
    return _codes(codes)


@blueprint.post("/remove")
@require()
@audited("user.second_factor_off")
@shown_again(_second_factor, REFUSALS)
def turn_off() -> Response:
    """Turn it off, with the password or a code."""
    actor, accounts = current_actor(), using(AccountService)
    user = accounts.user_of(actor)
    address = request.remote_addr or ""
    using(SecondFactors).turn_off(user, _proof(), address=address)
    note(actor=actor, object_id=user.id)
    begin(accounts.user_of(actor), actor)
    return see(f"{PATH}?said=off")


def _proof() -> Proof:
    """Return what the form contains: a password, a code of the app or a recovery code."""
    form = request.form
    return Proof(
        password=form.get("password", "")[:MOST_CHARACTERS],
        otp=form.get("otp", "")[:MOST_CODE_CHARACTERS],
        recovery_code=form.get("recovery_code", "")[:MOST_CODE_CHARACTERS],
        by_provider=is_just_by_provider(),
    )


def _codes(codes: list[str]) -> Response:
    return page("accounts/recovery_codes.html", codes=codes, texts={"copied": _("Copied.")})


def _picture_of(uri: str) -> str:
    """Return a QR code as SVG."""
    return str(segno.make(uri, error="m").svg_inline(border=4, light="#fff", omitsize=True))
