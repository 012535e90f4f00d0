"""What is known of a ticket."""

from dataclasses import dataclass, field
from datetime import datetime

from avenue.media.models import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The right to upload one file for `owner`, until `expires_at`.

    Only the sha-256 of its secret is kept. `types` are those it was asked for, None: whatever the
    category takes. `in_time` is whether its time was not over by the server's clock. `upload` is
    what came of it, made of bytes with the hash `sha256`; None while nobody has used it.
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
    """What a ticket is to be for; None: what the category takes."""

    category: str
    reference: str | None
    max_bytes: int | None
    types: tuple[str, ...] | None
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeTicket:
    """A ticket just made: the only moment its `secret` is known. `types` are those it takes."""

    ticket: Ticket
    secret: str = field(repr=False)
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an upload with a ticket; `replayed`: of the same one, sent before.

    `name` is what whoever sent it calls it: the same file may be there by another name.
    """

    upload: Asset
    name: str
    replayed: bool
