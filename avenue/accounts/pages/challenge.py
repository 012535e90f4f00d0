"""The challenge in a form after failed attempts."""

from flask import request

from avenue.accounts.challenges import FIELDS, Challenges, Purpose, Try
from avenue.accounts.email_addresses import normal_email
from avenue.accounts.errors import ChallengeRequired
from avenue.accounts.models import BotChallenge
from avenue.errors import AvenueError, Unavailable
from avenue.web.headers import CAPTCHA_POLICIES
from avenue.web.hosts import current_site
from avenue.web.services import using


def tried(purpose: Purpose, email: str) -> Try:
    """Return the attempt that this request makes."""
    return Try(
        purpose=purpose,
        site=current_site(),
        address=request.remote_addr or "",
        account=normal_email(email),
    )


def answer_of() -> str:
    """Return the answer to a challenge in the form, "" without one."""
    return next((found for each in FIELDS if (found := request.form.get(each))), "")


def challenge_for(this: Try, error: AvenueError | None) -> BotChallenge | None:
    """Return the challenge that the form needs to be sent again; None if it needs none."""
    if isinstance(error, ChallengeRequired):
        return error.challenge
    if isinstance(error, Unavailable):  # do not call what has just failed to answer
        return None
    try:
        return using(Challenges).needed(this)
    except Unavailable:  # the form is shown in any case, and sending it reports the problem
        return None


def csp_for(challenge: BotChallenge | None) -> str | None:
    """Return the policy that lets a page load the script of the captcha, if it needs one."""
    return CAPTCHA_POLICIES.get(challenge.kind) if challenge else None
