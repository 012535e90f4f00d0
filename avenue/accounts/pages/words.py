"""The words these pages have in common: roles, scopes, and what went wrong."""

from collections.abc import Mapping

from flask import Response
from flask_babel import LazyString

from avenue.accounts.errors import (
    AlreadyHere,
    BreachedPassword,
    ChallengeFailed,
    ChallengeRequired,
    InvalidEmail,
    LastAdministrator,
    ManagedElsewhere,
    NotYourself,
    OidcAccountDisabled,
    OidcAccountTaken,
    OidcAway,
    OidcEmailUnverified,
    OidcFailed,
    OidcNoRole,
    PasswordNotOwn,
    SecondFactorLocked,
    SecondFactorRequired,
    SetupGone,
    SignInAgain,
    TooManyPasskeys,
    WeakPassword,
    WrongPasskey,
    WrongPassword,
    WrongSecondFactor,
)
from avenue.accounts.recovery import NoMail
from avenue.errors import AvenueError, TooManyRequests
from avenue.identity import Role, Scope
from avenue.web.csrf import CsrfFailed
from avenue.web.language import gettext
from avenue.web.language import lazy_gettext as _

ROLES: Mapping[Role, tuple[LazyString, LazyString]] = {
    Role.ADMIN: (_("Administrator"), _("May do everything on this site, people included.")),
    Role.STAFF: (_("Staff"), _("Works on all products, groups and imports of the shop.")),
    Role.SELLER: (_("Seller"), _("Creates products and changes their own, pictures included.")),
    Role.EDITOR: (_("Editor"), _("Works on pages and their media library.")),
    Role.CLIENT: (_("Client"), _("Sends own files and sees only those.")),
    Role.OPS: (_("Operations"), _("Sees whether everything is stored safely; changes nothing.")),
}
"""Each role's name, and what it is in a sentence."""

SCOPES: Mapping[Scope, tuple[LazyString, LazyString]] = {
    Scope.READ: (_("Read"), _("See products, pictures and settings you may see.")),
    Scope.WRITE: (_("Write"), _("Create, change and delete what you may change.")),
    Scope.ACCOUNT: (_("Account"), _("Make and revoke tokens in your name.")),
}
"""Each scope's name, and what a token may do with it."""

REASONS: Mapping[type[AvenueError], LazyString] = {
    WeakPassword: _("This password is too easy to guess. Take another one."),
    BreachedPassword: _(
        "This password is on lists of stolen passwords, which are tried first. Take one that you "
        "use nowhere else."
    ),
    WrongPassword: _("The current password is not right."),
    WrongSecondFactor: _("This code is not right, or was used already. Take the next one."),
    SecondFactorLocked: _(
        "There were too many wrong codes. Use a recovery code, or ask an administrator."
    ),
    SecondFactorRequired: _("Write the code of your app, or a recovery code."),
    WrongPasskey: _("That passkey is not good here, or it took too long. Try again."),
    TooManyPasskeys: _("You have too many passkeys. Remove one that you no longer use."),
    SetupGone: _("That took too long, or it is set up already. Begin again."),
    SignInAgain: _("Sign in once more with the provider, then do this within ten minutes."),
    ChallengeRequired: _("There were several tries. Try again with the check below."),
    ChallengeFailed: _("The check was not completed, or too long ago. Try again."),
    InvalidEmail: _("This is not an e-mail address."),
    AlreadyHere: _("This person is already on this site."),
    LastAdministrator: _(
        "This is the only administrator of the site. Make somebody else one first."
    ),
    NotYourself: _("You cannot do this to yourself. Another administrator can."),
    ManagedElsewhere: _("This person does not belong to this site alone, so you cannot do this."),
    PasswordNotOwn: _(
        "Somebody else may know this person's password, and no link for a new one can be sent. "
        "Whoever runs the whole house can set one; after that, try again."
    ),
    NoMail: _("E-mail cannot be sent from here."),
    CsrfFailed: _("The page was too old. Please try again."),
    OidcAway: _("The identity provider does not answer just now. Try again, or use your password."),
    OidcFailed: _("Signing in with the provider did not work. Please try again."),
    OidcEmailUnverified: _("The provider has not verified your e-mail. Have it verified there."),
    OidcNoRole: _(
        "Your groups at the provider give you no role on this site. Ask whoever runs the provider."
    ),
    OidcAccountTaken: _(
        "There is an account with your e-mail that the provider does not open. Sign in with its "
        "password, or ask whoever runs the site."
    ),
    OidcAccountDisabled: _("Your account is disabled here. Ask an administrator of the site."),
}
OIDC_REFUSALS: tuple[type[AvenueError], ...] = (
    OidcAccountDisabled,
    OidcAccountTaken,
    OidcEmailUnverified,
    OidcFailed,
    OidcNoRole,
)
"""Why a provider's word was not enough."""

SHOWN: tuple[type[AvenueError], ...] = tuple(REASONS)
"""What a form that was refused is shown again for."""


def reason(error: AvenueError) -> str:
    """Return what to tell people about `error`."""
    if isinstance(error, TooManyRequests):
        seconds = error.facts["retry_after_seconds"]
        return gettext("Too many tries. Try again in %(seconds)s seconds.", seconds=seconds)
    known = REASONS.get(type(error))
    return str(known) if known else gettext("This is not possible just now. Try again in a moment.")


def keep_out_of_caches(response: Response) -> Response:
    """Mark a page that only the person it was made for may ever see again."""
    response.headers["Cache-Control"] = "no-store"
    return response
