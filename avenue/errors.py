"""What can go wrong, for people and for programs.

::

    AvenueError
    ├── Invalid            400  what was sent cannot be read or is not allowed
    ├── Unauthenticated    401  nobody is signed in
    ├── Forbidden          403  the role may never use this route
    ├── NotFound           404  it is not there, or not yours
    ├── Conflict           409  it contradicts what is stored
    ├── Gone               410  it was here once
    ├── Unprocessable      422  well formed, but cannot be taken
    ├── TooManyRequests    429  too often; `retry_after_seconds` says when again
    ├── Unavailable        503  the database or the decoders are busy or away
    └── StorageFull        507  no room left

Features add children that narrow `code` (and seldom `status`) in their own `errors.py`.
`code` is public: `docs/errors.md` lists every one and a test compares.
"""

from collections.abc import Mapping
from typing import ClassVar


class AvenueError(Exception):
    """An error with an HTTP `status`, a stable `code`, a sentence, a hint and facts.

    `message` is for people and says what happened, `hint` what to do about it;
    `facts` are numbers and names a program can use and become keys of the JSON answer;
    `headers` are sent along (`Retry-After`, `Content-Range`).
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    message: str = "Something went wrong on our side."
    hint: str = "Try again; if it stays, tell us the request_id."

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
        **facts: object,
    ) -> None:
        self.message = message or type(self).message
        self.hint = hint or type(self).hint
        self.headers: dict[str, str] = dict(headers or {})
        self.facts = facts
        super().__init__(self.message)


class Invalid(AvenueError):
    """What was sent cannot be read or is not allowed."""

    status = 400
    code = "invalid_request"
    message = "The request cannot be understood."
    hint = "Compare it with the description of this route."


class Unauthenticated(AvenueError):
    """Nobody is signed in, or the session or token is no longer good."""

    status = 401
    code = "unauthenticated"
    message = "Sign in first."
    hint = "Send `Authorization: Bearer <token>` from POST /api/auth/login, or sign in at /login."


class Forbidden(AvenueError):
    """The caller's role may never use this route."""

    status = 403
    code = "forbidden"
    message = "Your role may not do this."
    hint = "Ask an administrator of the site."


class NotFound(AvenueError):
    """It is not there, or it is somebody else's: the two look the same."""

    status = 404
    code = "not_found"
    message = "There is nothing here."
    hint = "Check the address; it may have been removed."


class Conflict(AvenueError):
    """It contradicts what is stored."""

    status = 409
    code = "conflict"
    message = "This contradicts what is stored."
    hint = "Read the current state and try again."


class Gone(AvenueError):
    """It was here once and will not come back."""

    status = 410
    code = "gone"
    message = "This is no longer here."
    hint = "Ask for a new link."


class Unprocessable(AvenueError):
    """Well formed, but it cannot be taken."""

    status = 422
    code = "unprocessable"
    message = "This cannot be taken as it is."
    hint = "Change what the message names and send it again."


class TooManyRequests(AvenueError):
    """Too often; the answer carries `Retry-After`."""

    status = 429
    code = "too_many_requests"
    message = "Too many requests."
    hint = "Wait for the seconds in Retry-After, then go on."

    def __init__(self, message: str | None = None, *, retry_after_seconds: int) -> None:
        super().__init__(
            message,
            headers={"Retry-After": str(retry_after_seconds)},
            retry_after_seconds=retry_after_seconds,
        )


class Unavailable(AvenueError):
    """The database or something else we need is away or busy; the answer carries `Retry-After`."""

    status = 503
    code = "unavailable"
    message = "Avenue cannot reach its database just now."
    hint = "Nothing was half done. Send the same request again after Retry-After."
    retry_after_seconds = 2

    def __init__(
        self, message: str | None = None, *, hint: str | None = None, **facts: object
    ) -> None:
        super().__init__(
            message, hint=hint, headers={"Retry-After": str(self.retry_after_seconds)}, **facts
        )


class StorageFull(AvenueError):
    """No room left in the database."""

    status = 507
    code = "storage_full"
    message = "There is no room left for more files."
    hint = "Ask whoever runs this site to add storage."
