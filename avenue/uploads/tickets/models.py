"""Models of tickets."""

from dataclasses import dataclass, field
from datetime import datetime

from avenue.media.models import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The permission to upload one file for `owner`, until `expires_at`.

    Only the sha-256 of its secret is kept. `types` are the requested ones, None: all of the
    category. `in_time`: it had not expired by the server's clock. `upload` is the uploaded file,
    created from bytes with the hash `sha256`; None while the ticket is unused.
    """

    id: str
    site: str
    owner: str
    secret_sha256: str = field(repr=False)
    category: str
    reference: str | None
    max_bytes: int
    types: tuple[str, ...] | None
    expires_at: datetime
    in_time: bool
    upload: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """The requested restrictions of a ticket; None: those of the category."""

    category: str
    reference: str | None
    max_bytes: int | None
    types: tuple[str, ...] | None
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeTicket:
    """A new ticket: the only time its `secret` is known. `types` are the accepted ones."""

    ticket: Ticket
    secret: str = field(repr=False)
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an upload with a ticket; `replayed`: of a repeated request.

    `name` is the name from this request: an existing file may have another one.
    """

    upload: Asset
    name: str
    replayed: bool
