"""Tickets, in MongoDB: used only in the transaction that files the upload."""

from pymongo.client_session import ClientSession

from avenue.media.intake.models import UploadResult
from avenue.storage.connection import Database, Document
from avenue.storage.scope import SiteRecords, site
from avenue.uploads.models import Filing
from avenue.uploads.store import UploadStore
from avenue.uploads.tickets.errors import TicketExpired, TicketUsed
from avenue.uploads.tickets.models import NewTicket, Ticket

UPLOAD_TICKETS = "upload_tickets"
UNUSED: Document = {"upload": None}
IN_TIME = {"$gt": ["$expires_at", "$$NOW"]}


class TicketStore(SiteRecords):
    """The tickets of one site at a time."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._filed = UploadStore(database)

    def insert(
        self, site_id: str, ticket_id: str, owner: str, secret_sha256: str, new: NewTicket
    ) -> None:
        """Insert a ticket that expires `new.seconds` from now; repeatable."""
        seconds = {"startDate": "$$NOW", "unit": "second", "amount": new.seconds}
        self._records(site_id, UPLOAD_TICKETS).insert_at_server_time(
            {
                "_id": ticket_id,
                "owner": owner,
                "secret_sha256": secret_sha256,
                "category": new.category,
                "reference": new.reference,
                "max_bytes": new.max_bytes,
                "types": list(new.types) if new.types is not None else None,
                "upload": None,
                "sha256": None,
            },
            {"created_at": "$$NOW", "expires_at": {"$dateAdd": seconds}},
        )

    def get(self, site_id: str, ticket_id: str) -> Ticket | None:
        """Return a ticket, used or expired ones too, or None."""
        found = self._records(site_id, UPLOAD_TICKETS).aggregate(
            [{"$match": {"_id": ticket_id}}, {"$set": {"in_time": IN_TIME}}]
        )
        return _in(found[0]) if found else None

    def count_open(self, site_id: str, owner: str) -> int:
        """Return the number of a person's unused tickets."""
        return self._records(site_id, UPLOAD_TICKETS).count(
            {"owner": owner, **UNUSED, "$expr": IN_TIME}
        )

    def use(self, ticket: Ticket, filing: Filing, upload_result: UploadResult) -> None:
        """File the upload of `upload_result` and mark the ticket as used, atomically.

        Raise `TicketUsed` or `TicketExpired` when it was used or has expired meanwhile,
        `TooManyUploads`.
        """
        write = upload_result.write
        if write is None:
            return
        scope = site(self._database, ticket.site)

        def work(session: ClientSession) -> None:
            self._filed.add_within(ticket.site, filing, upload_result, write, session)
            [upload] = upload_result.assets
            used = {"upload": upload.id, "sha256": upload_result.new[0].current.source_sha256}
            tickets = scope.collection(UPLOAD_TICKETS).within(session)
            open_one = {"_id": ticket.id, **UNUSED, "$expr": IN_TIME}
            if tickets.update(open_one, {"$set": used}):
                return
            # It may already be used by this very upload: a transaction may run twice.
            if not tickets.find_one({"_id": ticket.id, **used}, {"_id": 1}):
                upload_result.fates = {}
                is_open = tickets.find_one({"_id": ticket.id, **UNUSED}, {"_id": 1})
                raise TicketExpired if is_open else TicketUsed

        scope.transaction(work)


def _in(document: Document) -> Ticket:
    types = document["types"]
    return Ticket(
        id=document["_id"],
        site=document["site"],
        owner=document["owner"],
        secret_sha256=document["secret_sha256"],
        category=document["category"],
        reference=document["reference"],
        max_bytes=document["max_bytes"],
        types=None if types is None else tuple(types),
        expires_at=document["expires_at"],
        in_time=document["in_time"],
        upload=document["upload"],
        sha256=document["sha256"],
    )
