"""Base classes of all errors, for people and for programs.

::

    AvenueError
    ├── Invalid            400  the request cannot be read or is not allowed
    ├── Unauthenticated    401  no one is signed in
    ├── Forbidden          403  the role may never use this route
    ├── NotFound           404  it does not exist, or belongs to someone else
    ├── Conflict           409  it conflicts with the stored state
    ├── Gone               410  it existed, and is gone for good
    ├── Unprocessable      422  well formed, but cannot be accepted
    ├── TooManyRequests    429  too many requests; see `retry_after_seconds`
    ├── Unavailable        503  the database or the decoders are busy or unreachable
    │   └── SiteMoves           the site is being moved to another cluster
    ├── StorageFull        507  no space left
    └── MalformedRecord    500  the stored record cannot be read

Features add children (seldom with another `status`) in their own `errors.py`. The `code` of a child
is its name in snake case, unless it says another one: `SkuTaken` is `sku_taken`. `code` is public:
`docs/errors.md` lists every one and a test compares. A class that is renamed keeps its code.

`message` and `hint` of a class are English and may have `{places}` for its facts. For people they
are translated (`AvenueError.said`); logs and commands use the English `message` and `hint` of the
error itself.
"""

import re
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

T = TypeVar("T")
Translate = Callable[[str], str]
"""Translates an English sentence with unfilled `{places}`."""

PLACE = re.compile(r"\{(\w+)\}")
WORD_BEGINS = re.compile(r"(?<!^)(?=[A-Z])")
NOTHING: Mapping[str, object] = {}


def sentence(text: str) -> str:
    """Return `text`; marks it as shown to people, so that it gets into the catalogues."""
    return text


def filled(template: str, words: Mapping[str, object], translate: Translate = str) -> str:
    """Return a sentence with `words` in its `{places}`; a list becomes `a, b or c`.

    Places that `words` does not name stay. Inserted words are not expanded again.
    """
    said = translate(template) if template else ""
    return PLACE.sub(
        lambda place: _word(words[place[1]], translate) if place[1] in words else place[0], said
    )


def words_of(template: str, words: Mapping[str, object]) -> dict[str, object]:
    """Return the words that `template` has places for, in a form that can be stored."""
    named = {name: words[name] for name in PLACE.findall(template) if name in words}
    return {
        name: each if isinstance(each, int | list) else str(each) for name, each in named.items()
    }


def _word(value: object, translate: Translate) -> str:
    if not isinstance(value, list | tuple):
        return str(value)
    *before, last = [str(each) for each in value] or [""]
    return (
        translate(sentence("{several} or {last}")).format(several=", ".join(before), last=last)
        if before
        else last
    )


class AvenueError(Exception):
    """An error with an HTTP `status`, a stable `code`, a message, a hint and facts.

    `message` is for people and says what happened, `hint` what to do about it; `facts` are numbers
    and names for programs and become keys of the JSON answer; `words` are only used in the
    sentences; `headers` are sent along (`Retry-After`).
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    message: str = "Something went wrong on our side."
    hint: str = "Try again. If the problem persists, send us the request_id."

    def __init_subclass__(cls) -> None:
        """Give a class that says no code the one of its name."""
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            cls.code = WORD_BEGINS.sub("_", cls.__name__).lower()

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
        words: Mapping[str, object] = NOTHING,
        **facts: object,
    ) -> None:
        self.templates = (message or type(self).message, hint or type(self).hint)
        self.words: Mapping[str, object] = {**facts, **words}
        self.headers: dict[str, str] = dict(headers or {})
        self.facts = facts
        self.message, self.hint = self.said(str)
        super().__init__(self.message)

    def said(self, translate: Translate) -> tuple[str, str]:
        """Return message and hint, translated."""
        message, hint = self.templates
        return filled(message, self.words, translate), filled(hint, self.words, translate)


def required(value: T | None, error: Exception | type[Exception]) -> T:
    """Return `value`; raise `error` if it is None."""
    if value is None:
        raise error
    return value


class Invalid(AvenueError):
    """The request cannot be read or is not allowed."""

    status = 400
    code = "invalid_request"
    message = "Invalid request."
    hint = "Compare it with the description of this route."


class Unauthenticated(AvenueError):
    """No one is signed in, or the session or token is no longer valid."""

    status = 401
    message = "Sign in first."
    hint = "Send `Authorization: Bearer <token>` from POST /api/auth/login, or sign in at /login."


class Forbidden(AvenueError):
    """The caller's role may never use this route."""

    status = 403
    message = "Your role is not allowed to do this."
    hint = "Ask a site administrator."


class NotFound(AvenueError):
    """The resource does not exist, or belongs to someone else: both look the same."""

    status = 404
    message = "Not found."
    hint = "Check the address; it may have been removed."


class Conflict(AvenueError):
    """The request conflicts with the stored state."""

    status = 409
    message = "This conflicts with what is stored."
    hint = "Read the current state and try again."


class Gone(AvenueError):
    """The resource existed, but is gone for good."""

    status = 410
    message = "This is no longer available."
    hint = "Ask for a new link."


class Unprocessable(AvenueError):
    """The request is well formed, but cannot be accepted."""

    status = 422
    message = "This cannot be accepted as it is."
    hint = "Fix what the message says and send it again."


class TooManyRequests(AvenueError):
    """Too many requests; the answer has `Retry-After`."""

    status = 429
    message = "Too many requests."
    hint = "Wait the number of seconds in Retry-After, then continue."

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_seconds: int,
        words: Mapping[str, object] = NOTHING,
    ) -> None:
        super().__init__(
            message,
            headers={"Retry-After": str(retry_after_seconds)},
            words=words,
            retry_after_seconds=retry_after_seconds,
        )


class Unavailable(AvenueError):
    """The database or another service is unreachable or busy; the answer has `Retry-After`."""

    status = 503
    message = "This cannot be done right now."
    hint = "Nothing was left half done. Send the same request again after the time in Retry-After."
    retry_after_seconds = 2

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        words: Mapping[str, object] = NOTHING,
        **facts: object,
    ) -> None:
        super().__init__(
            message,
            hint=hint,
            headers={"Retry-After": str(self.retry_after_seconds)},
            words=words,
            **facts,
        )


class SiteMoves(Unavailable):
    """The site is being moved to another cluster and is read-only meanwhile."""

    message = "This site is being moved and does not accept changes for a moment."
    retry_after_seconds = 1


DATABASE_AWAY = sentence("Avenue cannot reach its database right now.")
DATABASE_LATE = sentence("The database did not answer in time.")
"""The message of `Unavailable` when the database is known to be the reason."""


class StorageFull(AvenueError):
    """The database has no space left."""

    status = 507
    message = "No space left for more files."
    hint = "Ask the server administrator to add storage."


class MalformedRecord(AvenueError):
    """The requested record cannot be read."""

    message = "The stored record cannot be read: {field} is missing or invalid."
    hint = "`python -m avenue fsck` lists every such record; restore it from a backup."

    def __init__(self, collection: str, record: object, field: str) -> None:
        self.collection, self.record, self.field = collection, record, field
        super().__init__(field=field)
