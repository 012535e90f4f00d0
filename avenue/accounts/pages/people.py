"""`/admin/people`: the people of the site, for its administrators. The rules are in `people.py`."""

from flask import Blueprint, Response, request

from avenue.accounts.bodies import MOST_NAME_CHARACTERS
from avenue.accounts.email_addresses import MOST_EMAIL_CHARACTERS
from avenue.accounts.models import Person
from avenue.accounts.oidc.service import OidcService
from avenue.accounts.pages.words import ROLES, SHOWN, keep_out_of_caches, reason
from avenue.accounts.people import PeopleService
from avenue.accounts.recovery import RecoveryService
from avenue.errors import AvenueError, Invalid
from avenue.identity import Role
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext as _, lazy_gettext
from avenue.web.pages import page, see, shown_again
from avenue.web.parsing import page_asked_for
from avenue.web.services import using

PATH = "/admin/people"
LONGEST_SEARCH = 100
SAID = {
    "invited": lazy_gettext("Added. We sent an email that explains how to sign in."),
    "known": lazy_gettext(
        "Added. This person already has an account and signs in with that password."
    ),
    "role": lazy_gettext("Role changed. It applies from now on."),
    "link": lazy_gettext("We sent an email with a link to choose a new password."),
    "second-factor": lazy_gettext("Second factor reset. This person is signed out everywhere."),
    "disabled": lazy_gettext("This person can no longer sign in and is signed out everywhere."),
    "enabled": lazy_gettext("This person can sign in again."),
    "removed": lazy_gettext("This person is no longer on the site."),
}

blueprint = Blueprint("people_pages", __name__, url_prefix=PATH, template_folder="../templates")
blueprint.after_request(keep_out_of_caches)


def _shown_person(error: AvenueError, user_id: str) -> Response:
    return _person(using(PeopleService).get(current_actor(), user_id), error)


def _new_person(error: AvenueError | None = None) -> Response:
    can_mail = using(RecoveryService).can_mail
    return page(
        "accounts/new_person.html",
        status=error.status if error else 200,
        roles=ROLES,
        can_mail=can_mail,
        problem=reason(error) if error else "",
        typed={
            "email": request.form.get("email", "")[:MOST_EMAIL_CHARACTERS],
            "name": request.form.get("name", "")[:MOST_NAME_CHARACTERS],
            "role": request.form.get("role", Role.SELLER.value),
            "how": request.form.get("how", "mail" if can_mail else "made"),
        },
        most_email=MOST_EMAIL_CHARACTERS,
        most_name=MOST_NAME_CHARACTERS,
    )


@blueprint.get("")
@require(Role.ADMIN)
def show_people() -> Response:
    """Show all people with a role on this site: `?search ?after ?limit`."""
    asked, search = page_asked_for(), request.args.get("search", "").strip()[:LONGEST_SEARCH]
    found = using(PeopleService).find(
        current_actor(), search=search, limit=asked.limit, after=asked.after
    )
    said = SAID.get(request.args.get("said", ""))
    return page("accounts/people.html", people=found, search=search, roles=ROLES, said=said)


@blueprint.get("/new")
@require(Role.ADMIN)
def show_new_person() -> Response:
    """Show the form that adds a person."""
    return _new_person()


@blueprint.post("")
@require(Role.ADMIN)
@audited("user.added")
@shown_again(_new_person, SHOWN)
def add_person() -> Response:
    """Add a person; a generated password is shown in this answer only."""
    form = request.form
    role = _role_asked_for()
    added = using(PeopleService).add(
        current_actor(),
        form.get("email", ""),
        name=form.get("name", "").strip()[:MOST_NAME_CHARACTERS],
        role=role,
        by_mail=form.get("how") == "mail",
    )
    note(object_id=added.user.id, role=role.value)
    if added.made_password:
        return _made(using(PeopleService).get(current_actor(), added.user.id), added.made_password)
    return see(f"{PATH}/{added.user.id}?said={'invited' if added.by_mail else 'known'}")


@blueprint.get("/<user_id>")
@require(Role.ADMIN)
def show_person(user_id: str) -> Response:
    """Show a person, and the possible actions."""
    return _person(using(PeopleService).get(current_actor(), user_id))


@blueprint.post("/<user_id>/role")
@require(Role.ADMIN)
@audited("user.role_changed", "user_id")
@shown_again(_shown_person, SHOWN)
def change_role(user_id: str) -> Response:
    """Change a person's role."""
    role = _role_asked_for()
    using(PeopleService).change_role(current_actor(), user_id, role)
    note(role=role.value)
    return see(f"{PATH}/{user_id}?said=role")


@blueprint.post("/<user_id>/password")
@require(Role.ADMIN)
@audited("user.password_changed", "user_id")
@shown_again(_shown_person, SHOWN)
def make_password(user_id: str) -> Response:
    """Give a person a generated password, shown in this answer only."""
    made = using(PeopleService).make_password(current_actor(), user_id)
    return _made(using(PeopleService).get(current_actor(), user_id), made)


@blueprint.post("/<user_id>/link")
@require(Role.ADMIN)
@audited("user.reset_started", "user_id")
@shown_again(_shown_person, SHOWN)
def send_link(user_id: str) -> Response:
    """Send a person a link for a new password."""
    using(PeopleService).send_link(current_actor(), user_id)
    return see(f"{PATH}/{user_id}?said=link")


@blueprint.post("/<user_id>/second-factor")
@require(Role.ADMIN)
@audited("user.second_factor_reset", "user_id")
@shown_again(_shown_person, SHOWN)
def reset_second_factor(user_id: str) -> Response:
    """Turn off a person's second factor."""
    using(PeopleService).reset_second_factor(current_actor(), user_id)
    return see(f"{PATH}/{user_id}?said=second-factor")


@blueprint.post("/<user_id>/disable")
@require(Role.ADMIN)
@audited("user.disabled", "user_id")
@shown_again(_shown_person, SHOWN)
def disable(user_id: str) -> Response:
    """Disable a person's account."""
    using(PeopleService).shut_out(current_actor(), user_id)
    return see(f"{PATH}/{user_id}?said=disabled")


@blueprint.post("/<user_id>/enable")
@require(Role.ADMIN)
@audited("user.enabled", "user_id")
@shown_again(_shown_person, SHOWN)
def enable(user_id: str) -> Response:
    """Enable a person's account again."""
    using(PeopleService).let_in(current_actor(), user_id)
    return see(f"{PATH}/{user_id}?said=enabled")


@blueprint.post("/<user_id>/remove")
@require(Role.ADMIN)
@audited("user.role_taken", "user_id")
@shown_again(_shown_person, SHOWN)
def remove(user_id: str) -> Response:
    """Remove a person from the site."""
    using(PeopleService).take_role_away(current_actor(), user_id)
    return see(f"{PATH}?said=removed")


def _role_asked_for() -> Role:
    try:
        return Role(request.form.get("role", ""))
    except ValueError:
        raise Invalid("There is no such role.") from None


def _person(person: Person, error: AvenueError | None = None) -> Response:
    return page(
        "accounts/person.html",
        status=error.status if error else 200,
        person=person,
        roles=ROLES,
        can_mail=using(RecoveryService).can_mail,
        said=SAID.get(request.args.get("said", "")),
        problem=reason(error) if error else "",
        provider=using(OidcService).label,
    )


def _made(person: Person, password: str) -> Response:
    return page(
        "accounts/made_password.html",
        person=person,
        password=password,
        texts={"copied": _("Copied.")},
    )
