"""The challenge that a form has once some tries have failed."""

from flask import Response, request

from avenue.accounts.challenges import FIELDS, Challenges, Purpose, Try
from avenue.accounts.emails import normal_email
from avenue.accounts.errors import ChallengeRequired
from avenue.accounts.models import BotChallenge
from avenue.errors import AvenueError, Unavailable
from avenue.web.headers import CAPTCHA_POLICIES
from avenue.web.hosts import current_site
from avenue.web.services import using


def tried(purpose: Purpose, email: str) -> Try:
    """Return what this request tries."""
    return Try(
        purpose=purpose,
        site=current_site(),
        address=request.remote_addr or "",
        account=normal_email(email),
    )


def answer_of() -> str:
    """Return the answer to a challenge that the form brings along, "" without one."""
    return next((found for each in FIELDS if (found := request.form.get(each))), "")


def challenge_for(this: Try, error: AvenueError | None) -> BotChallenge | None:
    """Return what the form needs to be sent again, None where it needs nothing."""
    if isinstance(error, ChallengeRequired):
        return error.challenge
    if isinstance(error, Unavailable):  # do not ask again what has just not answered
        return None
    try:
        return using(Challenges).needed(this)
    except Unavailable:  # the form is there all the same, and sending it says so
        return None


def with_policy(response: Response, challenge: BotChallenge | None) -> Response:
    """Let the page load the script of the service that it needs, if it needs one."""
    policy = CAPTCHA_POLICIES.get(challenge.kind) if challenge else None
    if policy is not None:
        response.headers["Content-Security-Policy"] = policy
    return response
