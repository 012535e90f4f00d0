"""What a view says of itself for the description of the API; `openapi.py` writes that down.

Most is told already: the docstring says what a route does, the rule its path, `auth.require` who
may call, `limits.upload_route` that files come. `described` adds what only the view knows, and
puts it into the description: a view without it is a page, or nobody's business.

::

    @blueprint.post("/products")
    @require(Role.SELLER)
    @described(body=NewProduct, replies={201: replies.Product}, refuses=(SkuTaken,))
    def create_product() -> …
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from avenue.errors import AvenueError

View = TypeVar("View", bound=Callable[..., object])

MARK = "description"
JSON = "application/json"
PICTURES = ("image/jpeg", "image/png", "image/webp")
LOCATION = "Location"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of a route: its body by media type (nothing: no body), in words, its headers.

    A body is told by a TypedDict, or anything else pydantic makes a JSON schema of; bytes stand
    for a file. `about` is by default what the first of them says of itself.
    """

    contents: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""
    headers: tuple[str, ...] = ()


NOT_MODIFIED = Reply(about="The caller has it already, as `If-None-Match` says.")
Replies = Mapping[int, Any]
"""Status → `Reply`, or just what its JSON body is (None: no body)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What `described` was told."""

    body: Any = None
    body_required: bool = True
    query: Any = None
    headers: Any = None
    replies: Mapping[int, Reply] = field(default_factory=dict)
    refuses: tuple[type[AvenueError], ...] = ()
    files: tuple[str, ...] = PICTURES
    personal: bool = False


def described(
    *,
    replies: Replies,
    body: Any = None,
    body_required: bool = True,
    query: Any = None,
    headers: Any = None,
    refuses: tuple[type[AvenueError], ...] = (),
    files: tuple[str, ...] = PICTURES,
    personal: bool = False,
) -> Callable[[View], View]:
    """Put a view into the description of the API.

    `body` is the pydantic model of its JSON body, or the media type of one that is bytes. `query`
    is a TypedDict of what may stand after `?`, `headers` one of what it reads in the head.
    `refuses` are its own errors; those of the guard, the body, an unknown address, the rate limit
    and the database are added by themselves. `files` are the media types an upload route takes as
    a raw body. `personal` is for a route open to everybody that shows some more.
    """
    description = Description(
        body=body,
        body_required=body_required,
        query=query,
        headers=headers,
        replies={
            status: each if isinstance(each, Reply) else Reply({JSON: each} if each else {})
            for status, each in replies.items()
        },
        refuses=refuses,
        files=files,
        personal=personal,
    )

    def mark(view: View) -> View:
        setattr(view, MARK, description)
        return view

    return mark


def description_of(view: Callable[..., object]) -> Description | None:
    """Return what `view` says of itself, None when it is no part of the API."""
    found: Description | None = getattr(view, MARK, None)
    return found
