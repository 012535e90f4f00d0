"""Errors about people and tokens."""

from avenue.accounts.models import BotChallenge, User
from avenue.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)


class WrongCredentials(Unauthenticated):
    """Unknown person, wrong password, disabled account or no role: all look the same."""

    message = "The email or the password is wrong."
    hint = "Check both; a site administrator can set a new password."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class SignInBusy(Unavailable):
    """Too many people are signing in at once."""

    message = "Too many people are signing in right now."
    hint = "Try again after Retry-After."


class SecondFactorRequired(Unauthenticated):
    """The password is right, but the second factor is missing."""

    message = "A second-factor code is also required."
    hint = "Send `otp` (from the authenticator app) or `recovery_code` along with the password."

    def __init__(self, user: User) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})
        self.user = user


class WrongSecondFactor(Unauthenticated):
    """The code is wrong, expired or already used."""

    message = "This code is wrong or was already used."
    hint = "Wait for the next code, check that the phone's clock is right, or use a recovery code."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class SecondFactorLocked(Unauthenticated):
    """After too many wrong codes in a row, codes of the app are no longer accepted."""

    message = "Too many wrong codes."
    hint = "Use a recovery code, or ask a site administrator to reset the second factor."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class WrongPasskey(Unauthenticated):
    """The passkey is unknown or removed, or its answer is too old or already used."""

    message = "This passkey is not valid here."
    hint = "Try again, or sign in with the password."


class TooManyPasskeys(Conflict):
    """The person has reached the limit of passkeys."""

    message = "You have too many passkeys."
    hint = "Remove one that you no longer use."


class SignInAgain(Unauthenticated):
    """The last sign-in was too long ago, or the password has changed since."""

    message = "That took too long. Sign in again."
    hint = "Start at /login."


class OidcAway(Unavailable):
    """The provider is unreachable, too slow, or answers incorrectly."""

    code = "oidc_unavailable"
    message = "The identity provider is not responding."
    hint = "Try again in a moment, or sign in with your password."
    retry_after_seconds = 5


class OidcFailed(Unauthenticated):
    """The provider's response is invalid: forged, expired, already used, or from another browser.

    So is what the provider itself refuses.
    """

    message = "Signing in with the provider failed."
    hint = "Start again at /login, in one browser and within ten minutes."


class OidcEmailUnverified(Forbidden):
    """The provider has not verified the email, and the person has no account yet."""

    message = "The provider has not verified your email."
    hint = "Verify it there, then sign in again."


class OidcNoRole(Forbidden):
    """The person's groups give no role on this site."""

    message = "Your groups at the provider give you no role on this site."
    hint = "Ask the provider's administrator to add you to a group that has one."


class OidcAccountTaken(Conflict):
    """The account with this email has more rights than the groups give, or is already linked."""

    message = "An account with your email exists, but you cannot sign in to it with the provider."
    hint = "Sign in with its password, or ask the server administrator (AVENUE_OIDC_LINK)."


class OidcAccountDisabled(Forbidden):
    """The account is disabled."""

    message = "Your account is disabled here."
    hint = "Ask a site administrator."


class SetupGone(Conflict):
    """The setup of a second factor has expired, belongs to someone else, or is already complete."""

    code = "second_factor_setup_gone"
    message = "This setup is not valid or has expired."
    hint = "Start again on your account page."


class InvalidEmail(Invalid):
    """The email address is invalid."""

    message = "This is not an email address."
    hint = "Enter it like name@shop.example, at most 254 characters."


class WeakPassword(Invalid):
    """The new password is too easy to guess."""

    message = "This password is too easy to guess."
    hint = "Use 10 to 1024 characters that are neither your email nor a common password."


class BreachedPassword(WeakPassword):
    """The new password is on a list of leaked passwords."""

    message = "This password is on lists of stolen passwords, which are tried first."
    hint = "Choose one you use nowhere else; a sentence of your own works well."


class WrongPassword(Unprocessable):
    """The current password is wrong."""

    message = "The current password is wrong."
    hint = "Enter the password you signed in with; signed out, you can request a new one."


class ResetLinkGone(Gone):
    """The link for a new password is used, expired or unknown."""

    message = "This link is not valid or has expired."
    hint = "Request a new one at /login/forgotten."


class EmailTaken(Conflict):
    """Somebody has this e-mail already."""

    message = "A person with this email already exists."
    hint = "Use another email, or set a new password for that person."


class UserNotFound(NotFound):
    """There is no person with this email."""

    message = "No person has this email."
    hint = "`python -m avenue users list` shows everyone."


class PersonNotFound(NotFound):
    """No person with this id has a role on this site."""

    message = "This person is not on this site."
    hint = "The list of people shows everyone with a role here."


class AlreadyHere(Conflict):
    """A person with this email already has a role on this site."""

    message = "This person is already on this site."
    hint = "Find the email in the list of people and change the role there."


class LastAdministrator(Conflict):
    """The site would be left without an administrator."""

    message = "This person is the site's only administrator."
    hint = "Make someone else an administrator first."


class NotYourself(Conflict):
    """People cannot disable themselves or bypass their own password."""

    message = "You cannot do this to yourself."
    hint = "Change your own password on your account page; another administrator can do this."


class ManagedElsewhere(Forbidden):
    """The person belongs to other sites too, so administrators of this one may not do this."""

    message = "This person does not belong only to this site."
    hint = "Ask the server administrator; the role on this site can be changed here."


class PasswordNotOwn(Conflict):
    """An administrator may not set this person's password, and no link can be sent."""

    message = "Someone else may know this person's password, and no link for a new one can be sent."
    hint = "Ask the server administrator to run `python -m avenue users password`, then try again."


class SessionNotFound(NotFound):
    """You have no such session on this site."""

    message = "You do not have this session on this site."
    hint = "GET /api/auth/sessions lists yours."


class TokenNotFound(NotFound):
    """You have no such token on this site."""

    message = "You do not have this token on this site."
    hint = "GET /api/auth/tokens lists yours."


class ScopeNotYours(Forbidden):
    """A token cannot grant more than it may do itself."""

    message = "You cannot give a token more permissions than you have."
    hint = "Request only scopes that your own token has, or sign in."


class ChallengeRequired(Forbidden):
    """After failed attempts, the next one needs the answer to a challenge."""

    message = "Several attempts failed, so the next one requires the answer to a challenge."
    hint = (
        "Solve `challenge` and send the answer in the Challenge-Response header, or wait "
        "for `retry_after_seconds`."
    )

    def __init__(self, challenge: BotChallenge) -> None:
        super().__init__(challenge=challenge.facts, retry_after_seconds=challenge.seconds)
        self.challenge = challenge


class ChallengeFailed(ChallengeRequired):
    """The answer to the challenge is wrong, for another action, too old, or already used."""

    message = "This is not the answer to a challenge for this, or it arrived late or twice."
