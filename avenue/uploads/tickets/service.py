"""Use cases of tickets: created by people, used by anyone who has one."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import replace

from avenue.accounts.callers import Callers
from avenue.accounts.tries import Tries, sha256
from avenue.errors import Conflict, NotFound, StorageFull, Unauthenticated, Unavailable
from avenue.identity import Actor, Site, is_id, new_id
from avenue.media.categories import policy_of, types_in
from avenue.media.intake.filetypes import FILE_TYPES, file_name
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Incoming, Refusal, UploadRequest
from avenue.media.intake.policy import UploadPolicy
from avenue.media.models import Asset
from avenue.storage.room import QuotaExceeded
from avenue.uploads.errors import UnknownCategory, UploadNotFound
from avenue.uploads.models import Filing
from avenue.uploads.service import UploadService
from avenue.uploads.tickets.errors import (
    InvalidTicket,
    NoTypeLeft,
    TicketExpired,
    TicketForOtherTarget,
    TicketUsed,
    TooManyTickets,
)
from avenue.uploads.tickets.models import MadeTicket, NewTicket, Outcome, Ticket
from avenue.uploads.tickets.store import TicketStore

TICKET_MARK = "avt_"  # lets scanners, and our own log, recognise a leaked ticket
SECRET_BYTES = 32
MOST_OPEN = 10_000
"""Unused tickets of one person: a shop's backend creates them for all its customers."""


class TicketService:
    """Tickets for one upload each. The file belongs to the ticket's owner."""

    def __init__(
        self,
        store: TicketStore,
        uploads: UploadService,
        library: MediaLibrary,
        callers: Callers,
        tries: Tries,
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._library = library
        self._callers = callers
        self._tries = tries

    def make(self, actor: Actor, new: NewTicket) -> MadeTicket:
        """Create a ticket for what the actor could upload themselves, never for more.

        Raise `UnknownCategory`, `TooManyUploads`, `NoTypeLeft`, `TooManyTickets`.
        """
        if actor.id is None:
            raise Unauthenticated
        filing = self._uploads.filing(actor, new.category, new.reference)
        self._uploads.check_room(actor, filing)
        policy = self._policy(actor, filing, new.max_bytes, new.types)
        if not policy.media_types:
            raise NoTypeLeft(allowed=list(filing.category.types))
        if self._store.count_open(actor.site.id, actor.id) >= MOST_OPEN:
            raise TooManyTickets(retry_after_seconds=60, words={"limit": MOST_OPEN})
        ticket_id, secret = new_id(), TICKET_MARK + secrets.token_urlsafe(SECRET_BYTES)
        bounded = replace(new, category=filing.category.name, max_bytes=policy.max_bytes)
        self._store.insert(actor.site.id, ticket_id, actor.id, sha256(secret), bounded)
        ticket = self._store.get(actor.site.id, ticket_id)
        if ticket is None:
            raise Unavailable
        return MadeTicket(ticket=ticket, secret=secret, types=new.types or filing.category.types)

    def find(self, site: Site, ticket_id: str, *, address: str) -> Ticket:
        """Return a ticket whose secret is still to be checked; raise `InvalidTicket`.

        `address` is the caller's IP address. Raise `TooManyRequests` after too many attempts.
        """
        if not is_id(ticket_id):
            raise InvalidTicket
        self._tries.count(ticket_id, address)
        ticket = self._store.get(site.id, ticket_id)
        if ticket is None:
            raise InvalidTicket
        return ticket

    def check_secret(self, ticket: Ticket, secret: str) -> None:
        """Raise `InvalidTicket` unless `secret` is the ticket's.

        Raise `TicketExpired` when it has expired unused: a used one accepts the same file again.
        """
        if not hmac.compare_digest(sha256(secret), ticket.secret_sha256):
            raise InvalidTicket
        if ticket.upload is None and not ticket.in_time:
            raise TicketExpired

    def check_target(self, ticket: Ticket, named: Mapping[str, str]) -> None:
        """Raise `TicketForOtherTarget` when `named` has another category or reference."""
        for name, own in (("category", ticket.category), ("reference", ticket.reference)):
            wanted = named.get(name, "").strip()
            if wanted and wanted != own:
                raise TicketForOtherTarget

    def upload(self, site: Site, ticket: Ticket, incoming: Incoming | Refusal) -> Outcome:
        """Store the file of a checked ticket, for its owner.

        After a refusal or an error the ticket remains valid. The same bytes with a used ticket
        return the existing upload. Raise `InvalidTicket` when the owner may not upload any more,
        `TicketUsed`, `TicketExpired`, `StorageFull` for a quota, too, and why the file is rejected.
        """
        maker = self._callers.by_id(site, ticket.owner)
        if maker is None:
            raise InvalidTicket
        if ticket.upload is not None:
            return self._again(maker, ticket, incoming)
        filing = self._filing(maker, ticket)
        self._uploads.check_room(maker, filing)
        order = UploadRequest(
            policy=self._policy(maker, filing, ticket.max_bytes, ticket.types),
            target="ticket",
            key=None,
            room=1,
            no_room=Conflict(),
        )
        try:
            with self._library.receiving(maker, order, [incoming]) as upload_result:
                self._store.use(ticket, filing, upload_result)
        except TicketUsed:  # used by a faster request; maybe this one is its repetition
            return self._again(maker, self._store.get(site.id, ticket.id) or ticket, incoming)
        except QuotaExceeded:  # the owner and their quota must not be revealed to a stranger
            raise StorageFull from None
        upload_result.raise_if_empty()
        return _outcome(upload_result.assets[0], incoming, replayed=False)

    def _filing(self, maker: Actor, ticket: Ticket) -> Filing:
        try:
            return self._uploads.filing(maker, ticket.category, ticket.reference)
        except UnknownCategory:  # the category was removed; a stranger must not learn the others
            raise InvalidTicket from None

    def _again(self, maker: Actor, ticket: Ticket, incoming: Incoming | Refusal) -> Outcome:
        """Return the result of a used ticket if these are the same bytes; raise `TicketUsed`."""
        if isinstance(incoming, Refusal):
            raise incoming.error or NotFound
        if ticket.upload is None or incoming.sha256 != ticket.sha256:
            raise TicketUsed
        try:
            upload = self._uploads.get(maker, ticket.upload)
        except UploadNotFound:  # it was removed meanwhile
            raise TicketUsed from None
        return _outcome(upload, incoming, replayed=True)

    def _policy(
        self, actor: Actor, filing: Filing, max_bytes: int | None, types: tuple[str, ...] | None
    ) -> UploadPolicy:
        """Return the upload policy of the category, narrowed to that of the ticket."""
        whole = policy_of(filing.category, self._uploads.most_mb(actor))
        return replace(
            whole,
            max_bytes=min(whole.max_bytes, max_bytes or whole.max_bytes),
            media_types=whole.media_types & (types_in(types) if types else whole.media_types),
        )


def _outcome(upload: Asset, incoming: Incoming | Refusal, *, replayed: bool) -> Outcome:
    name = file_name(incoming.name, FILE_TYPES[upload.current.media_type])
    return Outcome(upload=upload, name=name, replayed=replayed)
