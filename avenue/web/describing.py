"""`described`: what a view adds to the description of the API, which `openapi.py` writes.

Most is known already: the docstring says what a route does, the rule its path, `auth.require` who
may call, `limits.upload_route` that it accepts files. `described` adds what only the view knows,
and includes the route in the description: a view without it is a page, or internal.

::

    @blueprint.post("/products")
    @require(Role.SELLER)
    @described(body=NewProduct, replies={201: replies.Product}, refuses=(SkuTaken,))
    def create_product() -> …
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from avenue.errors import AvenueError
from avenue.web.marks import Mark, View

JSON = "application/json"
PICTURES = ("image/jpeg", "image/png", "image/webp")
LOCATION = "Location"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of a route: its body by media type (empty: no body), a description, its headers.

    The body is a TypedDict, or another type with a JSON schema in pydantic; bytes stand for a file.
    The default of `about` is the docstring of the first body.
    """

    contents: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""
    headers: tuple[str, ...] = ()


NOT_MODIFIED = Reply(about="The caller has it already, as `If-None-Match` says.")
Replies = Mapping[int, Any]
"""Status → `Reply`, or just the type of its JSON body (None: no body)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The arguments of `described`."""

    body: Any = None
    body_required: bool = True
    query: Any = None
    headers: Any = None
    replies: Mapping[int, Reply] = field(default_factory=dict)
    refuses: tuple[type[AvenueError], ...] = ()
    files: tuple[str, ...] = PICTURES
    personal: bool = False


_DESCRIPTIONS = Mark[Description]("description")
description_of = _DESCRIPTIONS.of
"""Returns the description of a view, None if it is not part of the API."""


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
    """Include a view in the description of the API.

    `body` is the pydantic model of its JSON body, or the media type of raw bytes. `query` is a
    TypedDict of the query parameters, `headers` one of the request headers. `refuses` are its own
    errors; those of permissions, the body, unknown addresses, rate limits and the database are
    added automatically. `files` are the media types that an upload route accepts as a raw body.
    `personal` is for a public route that shows more to some people.
    """
    return _DESCRIPTIONS.says(
        Description(
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
    )
