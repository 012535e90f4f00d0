"""Replies of `/api/auth`, for the OpenAPI description."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.identity import Role, Scope

Secret = Annotated[str, Field(description="Shown this once; only its hash is kept.")]


class User(TypedDict):
    """A person, seen from this site."""

    id: str
    email: str
    name: str
    role: Role | None
    superuser: bool


class Me(User):
    """The caller and their rights."""

    scopes: Annotated[list[Scope], Field(description="All of them for a session.")]


class SignedIn(TypedDict):
    """A token with all scopes, for this site."""

    token: Secret
    expires_at: str
    user: User


Device = Annotated[
    str, Field(description="Browser and system, or a program; empty where that is not known.")
]


class Session(TypedDict):
    """A browser session."""

    id: str
    device: Device
    began_at: str
    last_used_on: Annotated[str, Field(description="A day, in UTC.")]
    current: Annotated[bool, Field(description="Whether this request came with it.")]


class SessionList(TypedDict):
    """One's own sessions on this site, newest first."""

    items: list[Session]
    total: int


class Token(TypedDict):
    """A token without its secret; those from signing in have no name."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: str
    expires_at: str
    last_used_on: Annotated[
        str | None, Field(description="A day, in UTC; null before the first use.")
    ]
    device: Device


class NewToken(Token):
    """A new token."""

    token: Secret


class TokenList(TypedDict):
    """One's own tokens, newest first."""

    items: list[Token]
    next: str | None
    total: int
