"""What can go wrong with people and tokens."""

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
    """Unknown person, wrong password, disabled, or no role on this site: all look the same."""

    code = "wrong_credentials"
    message = "The e-mail or the password is wrong."
    hint = "Check both; an administrator of the site can set a new password."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class SignInBusy(Unavailable):
    """More people are signing in at once than passwords can be checked."""

    code = "sign_in_busy"
    message = "Too many people are signing in just now."
    hint = "Try again after Retry-After."


class SecondFactorRequired(Unauthenticated):
    """The password is right, and the person has a second factor."""

    code = "second_factor_required"
    message = "A code of the second factor is needed, too."
    hint = "Send `otp` (from the authenticator app) or `recovery_code` along with the password."

    def __init__(self, user: User) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})
        self.user = user


class WrongSecondFactor(Unauthenticated):
    """The code is wrong, too old, or was used already."""

    code = "wrong_second_factor"
    message = "This code is wrong, or was used already."
    hint = "Wait for the next code, see whether the phone's clock is right, or use a recovery code."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class SecondFactorLocked(Unauthenticated):
    """There were too many wrong codes in a row: codes of the app are not taken any more."""

    code = "second_factor_locked"
    message = "There were too many wrong codes."
    hint = "Use a recovery code, or have an administrator of the site reset the second factor."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class WrongPasskey(Unauthenticated):
    """The passkey is unknown here, was removed, or its answer is too old or was used already."""

    code = "wrong_passkey"
    message = "This passkey is not good here."
    hint = "Try again, or sign in with the password."


class TooManyPasskeys(Conflict):
    """The person has as many passkeys as one may have."""

    code = "too_many_passkeys"
    message = "You have too many passkeys."
    hint = "Remove one that you no longer use."


class SignInAgain(Unauthenticated):
    """The password was shown too long ago, or is another one now."""

    code = "sign_in_again"
    message = "That took too long. Sign in again."
    hint = "Begin at /login."


class OidcAway(Unavailable):
    """The provider cannot be reached, does not answer in time, or not as it must."""

    code = "oidc_unavailable"
    message = "The identity provider does not answer just now."
    hint = "Try again in a moment, or sign in with your password."
    retry_after_seconds = 5


class OidcFailed(Unauthenticated):
    """What came back from the provider is not good: forged, too old, used, or of another browser.

    So is what the provider itself refuses.
    """

    code = "oidc_failed"
    message = "Signing in with the provider did not work."
    hint = "Begin again at /login, in one browser and within ten minutes."


class OidcEmailUnverified(Forbidden):
    """The provider names no e-mail that it has verified, and the person is not known here yet."""

    code = "oidc_email_unverified"
    message = "The provider has not verified your e-mail."
    hint = "Have it verified there, then sign in again."


class OidcNoRole(Forbidden):
    """The person's groups give no role on this site."""

    code = "oidc_no_role"
    message = "Your groups at the provider give you no role on this site."
    hint = "Ask whoever runs the provider to put you into a group that has one."


class OidcAccountTaken(Conflict):
    """The account with this e-mail may do more than the groups give, or is linked already."""

    code = "oidc_account_taken"
    message = "There is an account with your e-mail that the provider does not open."
    hint = "Sign in with its password, or ask whoever runs the house (AVENUE_OIDC_LINK)."


class OidcAccountDisabled(Forbidden):
    """The person is known, and shut out here."""

    code = "oidc_account_disabled"
    message = "Your account is disabled here."
    hint = "Ask an administrator of the site."


class SetupGone(Conflict):
    """The setup of a second factor is too old, somebody else's, or there is one already."""

    code = "second_factor_setup_gone"
    message = "This setup is not good (any more)."
    hint = "Begin it again on your account page."


class InvalidEmail(Invalid):
    """Not an e-mail address."""

    code = "invalid_email"
    message = "This is not an e-mail address."
    hint = "Write it as name@shop.example, at most 254 characters."


class WeakPassword(Invalid):
    """The new password would soon be guessed."""

    code = "weak_password"
    message = "This password is too easy to guess."
    hint = "Take 10 to 1024 characters that are neither the e-mail nor a well-known password."


class BreachedPassword(WeakPassword):
    """The new password is on a list of those that were stolen elsewhere."""

    code = "breached_password"
    message = "This password is on lists of stolen passwords, which are tried first."
    hint = "Take one that you use nowhere else; a sentence of your own is good."


class WrongPassword(Unprocessable):
    """The current password that was asked for is another one."""

    code = "wrong_password"
    message = "The current password is wrong."
    hint = "Type the password you signed in with; signed out, you can ask for a new one."


class ResetLinkGone(Gone):
    """A link for a new password that was used, is too old, or never was."""

    code = "reset_link_gone"
    message = "This link is not good (any more)."
    hint = "Ask for a new one at /login/forgotten."


class EmailTaken(Conflict):
    """Somebody has this e-mail already."""

    code = "email_taken"
    message = "There is already a person with this e-mail."
    hint = "Use another e-mail, or set a new password for that person."


class UserNotFound(NotFound):
    """No person with this e-mail."""

    code = "user_not_found"
    message = "There is no person with this e-mail."
    hint = "`python -m avenue users list` shows everybody."


class PersonNotFound(NotFound):
    """Nobody with this id has a role on this site."""

    code = "person_not_found"
    message = "There is no such person on this site."
    hint = "The list of people shows everybody with a role here."


class AlreadyHere(Conflict):
    """Somebody with this e-mail has a role on this site already."""

    code = "already_here"
    message = "This person is already on this site."
    hint = "Look for the e-mail in the list of people and change the role there."


class LastAdministrator(Conflict):
    """Nobody would be left to administer the site."""

    code = "last_administrator"
    message = "This person is the only administrator of the site."
    hint = "Make somebody else an administrator first."


class NotYourself(Conflict):
    """Nobody can shut themselves out, or go around their own password."""

    code = "not_yourself"
    message = "You cannot do this to yourself."
    hint = "Your own password is changed on your account page; another administrator can do this."


class ManagedElsewhere(Forbidden):
    """The person belongs to more than this site, so this is not for its administrators."""

    code = "managed_elsewhere"
    message = "This person does not belong to this site alone."
    hint = "Ask whoever runs the whole house; the role on this site can be changed here."


class PasswordNotOwn(Conflict):
    """Another site's administrator may know the person's password, and no link can be sent."""

    code = "password_not_own"
    message = (
        "Somebody else may know this person's password, and no link for a new one can be sent."
    )
    hint = "Ask whoever runs the whole house for `python -m avenue users password`, then try again."


class SessionNotFound(NotFound):
    """No such session of yours on this site."""

    code = "session_not_found"
    message = "You have no such session on this site."
    hint = "GET /api/auth/sessions lists yours."


class TokenNotFound(NotFound):
    """No such token of yours on this site."""

    code = "token_not_found"
    message = "You have no such token on this site."
    hint = "GET /api/auth/tokens lists yours."


class ScopeNotYours(Forbidden):
    """A token cannot give away more than it may do itself."""

    code = "scope_not_yours"
    message = "You cannot give a token more than you may do yourself."
    hint = "Ask only for scopes your own token has, or sign in."


class ChallengeRequired(Forbidden):
    """Some tries have failed, so the next one needs the answer to a challenge."""

    code = "challenge_required"
    message = "Several tries have failed, so the next one needs the answer to a challenge."
    hint = (
        "Solve `challenge` and send the answer in the header Challenge-Response, or wait for "
        "`retry_after_seconds`."
    )

    def __init__(self, challenge: BotChallenge) -> None:
        super().__init__(challenge=challenge.facts, retry_after_seconds=challenge.seconds)
        self.challenge = challenge


class ChallengeFailed(ChallengeRequired):
    """The answer to the challenge is wrong, for something else, too old, or was used already."""

    code = "challenge_failed"
    message = "This is not the answer to a challenge for this, or it came late or twice."
