"""Texts that these pages share: roles, scopes, and errors."""

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
from avenue.web.language import gettext, lazy_gettext as _

ROLES: Mapping[Role, tuple[LazyString, LazyString]] = {
    Role.ADMIN: (
        _("Administrator"),
        _("Can do everything on this site, including managing people."),
    ),
    Role.STAFF: (_("Staff"), _("Works on all products, groups and imports of the shop.")),
    Role.SELLER: (_("Seller"), _("Creates products and edits their own, photos included.")),
    Role.EDITOR: (_("Editor"), _("Works on pages and their media library.")),
    Role.CLIENT: (_("Client"), _("Uploads their own files and sees only those.")),
    Role.OPS: (_("Operations"), _("Sees whether everything is stored safely. Changes nothing.")),
}
"""Each role's name, and what it is in a sentence."""

SCOPES: Mapping[Scope, tuple[LazyString, LazyString]] = {
    Scope.READ: (_("Read"), _("See the products, images and settings you can see.")),
    Scope.WRITE: (_("Write"), _("Create, edit and delete what you can edit.")),
    Scope.ACCOUNT: (_("Account"), _("Create and revoke tokens in your name.")),
}
"""Each scope's name, and what a token may do with it."""

REASONS: Mapping[type[AvenueError], LazyString] = {
    WeakPassword: _("This password is too easy to guess. Choose another one."),
    BreachedPassword: _(
        "This password is on lists of stolen passwords, which are tried first. Choose one "
        "you use nowhere else."
    ),
    WrongPassword: _("The current password is wrong."),
    WrongSecondFactor: _("This code is wrong or was already used. Enter the next one."),
    SecondFactorLocked: _("Too many wrong codes. Use a recovery code, or ask an administrator."),
    SecondFactorRequired: _("Enter the code from your app, or a recovery code."),
    WrongPasskey: _("That passkey is not valid here, or it took too long. Try again."),
    TooManyPasskeys: _("You have too many passkeys. Remove one that you no longer use."),
    SetupGone: _("That took too long, or it is already set up. Start again."),
    SignInAgain: _("Sign in again with the provider, then do this within ten minutes."),
    ChallengeRequired: _("There were several attempts. Try again with the check below."),
    ChallengeFailed: _("The check was not completed, or was too long ago. Try again."),
    InvalidEmail: _("This is not an email address."),
    AlreadyHere: _("This person is already on this site."),
    LastAdministrator: _(
        "This is the site's only administrator. Make someone else an administrator first."
    ),
    NotYourself: _("You cannot do this to yourself. Another administrator can."),
    ManagedElsewhere: _("This person does not belong only to this site, so you cannot do this."),
    PasswordNotOwn: _(
        "Someone else may know this person's password, and no link for a new one can be "
        "sent. The server administrator can set one; after that, try again."
    ),
    NoMail: _("Email is not set up on this server."),
    CsrfFailed: _("The page expired. Try again."),
    OidcAway: _("The identity provider is not responding. Try again, or use your password."),
    OidcFailed: _("Signing in with the provider failed. Try again."),
    OidcEmailUnverified: _("The provider has not verified your email. Verify it there."),
    OidcNoRole: _(
        "Your groups at the provider give you no role on this site. Ask the provider's "
        "administrator."
    ),
    OidcAccountTaken: _(
        "An account with your email exists, but you cannot sign in to it with the "
        "provider. Sign in with its password, or ask a site administrator."
    ),
    OidcAccountDisabled: _("Your account is disabled here. Ask a site administrator."),
}
OIDC_REFUSALS: tuple[type[AvenueError], ...] = (
    OidcAccountDisabled,
    OidcAccountTaken,
    OidcEmailUnverified,
    OidcFailed,
    OidcNoRole,
)
"""Errors of a sign-in with the provider."""

SHOWN: tuple[type[AvenueError], ...] = tuple(REASONS)
"""Errors after which a rejected form is shown again."""


def reason(error: AvenueError) -> str:
    """Return the text for people about `error`."""
    if isinstance(error, TooManyRequests):
        seconds = error.facts["retry_after_seconds"]
        return gettext("Too many attempts. Try again in %(seconds)s seconds.", seconds=seconds)
    known = REASONS.get(type(error))
    return (
        str(known) if known else gettext("This is not possible right now. Try again in a moment.")
    )


def keep_out_of_caches(response: Response) -> Response:
    """Mark a page that only one person may ever see."""
    response.headers["Cache-Control"] = "no-store"
    return response
