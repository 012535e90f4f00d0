"""Request bodies of the account routes.

Anything else, such as an operator in place of a text, is a 400.
"""

from pydantic import BaseModel, ConfigDict, Field

from avenue.accounts.email_addresses import MOST_EMAIL_CHARACTERS
from avenue.accounts.passwords import MOST_CHARACTERS
from avenue.identity import Scope

MOST_NAME_CHARACTERS = 200
MOST_TOKEN_DAYS = 3650
MOST_CODE_CHARACTERS = 64


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class LoginBody(_Body):
    """`POST /api/auth/login`."""

    email: str = Field(min_length=1, max_length=MOST_EMAIL_CHARACTERS, repr=False)
    password: str = Field(min_length=1, max_length=MOST_CHARACTERS, repr=False)
    otp: str | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_CODE_CHARACTERS,
        repr=False,
        description="The code of the authenticator app, of who has a second factor.",
    )
    recovery_code: str | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_CODE_CHARACTERS,
        repr=False,
        description="One of the recovery codes, instead of `otp`.",
    )


class TokenBody(_Body):
    """`POST /api/auth/tokens`; without `days` the token lasts as long as one from signing in."""

    name: str = Field(min_length=1, max_length=MOST_NAME_CHARACTERS)
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    days: int | None = Field(default=None, ge=1, le=MOST_TOKEN_DAYS)
