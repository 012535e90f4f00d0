"""`/admin/account/tokens`: one's own tokens for programs; a secret is shown once."""

from flask import Blueprint, Response, request
from pydantic import ValidationError

from avenue.accounts.bodies import MOST_NAME_CHARACTERS, MOST_TOKEN_DAYS, TokenBody
from avenue.accounts.errors import ScopeNotYours
from avenue.accounts.models import NewToken
from avenue.accounts.pages.account import PATH as ACCOUNT
from avenue.accounts.pages.words import SCOPES, keep_out_of_caches
from avenue.accounts.service import AccountService
from avenue.identity import Scope
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext as _, lazy_gettext
from avenue.web.pages import page, see
from avenue.web.parsing import page_asked_for
from avenue.web.services import using

PATH = f"{ACCOUNT}/tokens"
USUAL_DAYS = 90
SAID = {"revoked": lazy_gettext("Token revoked. Programs that use it are rejected from now on.")}

blueprint = Blueprint("token_pages", __name__, url_prefix=PATH, template_folder="../templates")
blueprint.after_request(keep_out_of_caches)


@blueprint.get("")
@require()
def show_tokens() -> Response:
    """Show one's tokens and the form that makes one."""
    return _tokens()


@blueprint.post("")
@require()
@audited("token.created")
def create_token() -> Response:
    """Create a token and show its secret, in this answer only."""
    actor = current_actor()
    try:
        body = _typed()
        new = using(AccountService).create_token(
            actor, name=body.name, scopes=frozenset(body.scopes), days=body.days
        )
    except ValidationError as error:
        return _tokens(wrong=_wrong(error), status=422)
    except ScopeNotYours:
        wrong = {"scopes": _("You cannot give a token more permissions than you have.")}
        return _tokens(wrong=wrong, status=403)
    note(object_id=new.token.id)
    return _tokens(new, status=201)


@blueprint.post("/<token_id>/revoke")
@require()
@audited("token.revoked", "token_id")
def revoke_token(token_id: str) -> Response:
    """Revoke one of one's own tokens."""
    using(AccountService).revoke_token(current_actor(), token_id)
    return see(f"{PATH}?said=revoked")


def _typed() -> TokenBody:
    """Return the content of the form; raise `ValidationError`."""
    days = request.form.get("days", "").strip()
    return TokenBody.model_validate(
        {
            "name": request.form.get("name", "").strip(),
            "scopes": [each for each in Scope if each in request.form.getlist("scopes")],
            "days": int(days) if days.isascii() and days.isdigit() and len(days) < 9 else 0,  # noqa: PLR2004
        }
    )


def _wrong(error: ValidationError) -> dict[str, str]:
    known = {
        "name": _("Give it a name, so you know later what uses it."),
        "scopes": _("Choose at least one permission."),
        "days": _("Enter a number of days from 1 to %(most)s.", most=MOST_TOKEN_DAYS),
    }
    fields = [str(each["loc"][0]) for each in error.errors()]
    return {name: known[name] for name in fields}


def _tokens(
    new: NewToken | None = None, wrong: dict[str, str] | None = None, *, status: int = 200
) -> Response:
    asked = page_asked_for()
    listed = using(AccountService).tokens(current_actor(), limit=asked.limit, after=asked.after)
    kept = request.form if wrong else {}
    return page(
        "accounts/tokens.html",
        status=status,
        tokens=listed,
        new=new,
        scopes=SCOPES,
        wrong=wrong or {},
        typed={
            "name": kept.get("name", "")[:MOST_NAME_CHARACTERS],
            "days": kept.get("days", str(USUAL_DAYS))[:9],
            "scopes": request.form.getlist("scopes") if wrong else [Scope.READ],
        },
        said=SAID.get(request.args.get("said", "")),
        problem=_("No token was created.") if wrong else "",
        most_days=MOST_TOKEN_DAYS,
        most_name=MOST_NAME_CHARACTERS,
        texts={"copied": _("Copied.")},
    )
