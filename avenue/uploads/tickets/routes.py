"""`/api/uploads/tickets`: uploads of one file without an account, for the ticket's owner."""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request
from typing_extensions import TypedDict

from avenue.accounts.challenges import HEADER as CHALLENGE_HEADER, Challenges, Purpose, Try
from avenue.accounts.errors import ChallengeFailed, ChallengeRequired
from avenue.clock import iso
from avenue.errors import StorageFull
from avenue.media.errors import (
    BrokenImage,
    DecodersBusy,
    EmptyFile,
    ImageTooCostly,
    ImageTooLarge,
    TooManyFrames,
    UnsupportedMediaType,
)
from avenue.media.intake.models import Incoming, Refusal
from avenue.scanning.errors import ScannerAway
from avenue.storage.idempotency import UploadInProgress
from avenue.uploads.errors import TooManyUploads, UnknownCategory
from avenue.uploads.tickets import replies
from avenue.uploads.tickets.bodies import TicketWanted
from avenue.uploads.tickets.errors import (
    InvalidTicket,
    NoTypeLeft,
    OneFileOnly,
    TicketExpired,
    TicketForOtherTarget,
    TicketUsed,
    TooManyTickets,
)
from avenue.uploads.tickets.models import NewTicket, Outcome, Ticket
from avenue.uploads.tickets.service import TicketService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.hosts import current_site
from avenue.web.incoming import FORM
from avenue.web.limits import begins_upload, upload_route
from avenue.web.parsing import body_as, incoming_files
from avenue.web.services import using

HEADER = "Upload-Ticket"
FIELD = "ticket"
REPLAYED = "Idempotent-Replayed"

TicketHead = TypedDict("TicketHead", {"Upload-Ticket": str, "Challenge-Response": str}, total=False)
"""The ticket, which may also be the form field `ticket`; the answer to a challenge."""


class TicketQuery(TypedDict, total=False):
    """Query parameter of an upload with a ticket: the name of a raw body."""

    name: str


blueprint = Blueprint("upload_tickets", __name__, url_prefix="/api/uploads/tickets")


@blueprint.post("")
@audited("ticket.made")
@begins_upload
@require()
@described(
    body=TicketWanted,
    replies={201: replies.TicketMade},
    refuses=(UnknownCategory, NoTypeLeft, TooManyUploads, TooManyTickets),
)
def make_ticket() -> tuple[Response, int]:
    """Create a ticket for uploading one file without an account on behalf of the caller."""
    wanted = body_as(TicketWanted)
    made = using(TicketService).make(
        current_actor(),
        NewTicket(
            category=wanted.category,
            reference=wanted.reference,
            max_bytes=wanted.max_bytes,
            types=None if wanted.types is None else tuple(wanted.types),
            seconds=wanted.expires_in,
        ),
    )
    note(category=made.ticket.category, until=iso(made.ticket.expires_at))
    told: replies.TicketMade = {
        "id": made.ticket.id,
        "url": f"{current_site().base_url}{blueprint.url_prefix}/{made.ticket.id}",
        "ticket": made.secret,
        "expires_at": iso(made.ticket.expires_at),
        "max_bytes": made.ticket.max_bytes,
        "types": list(made.types),
    }
    answer = jsonify(told)
    answer.headers["Cache-Control"] = "no-store"
    return answer, HTTPStatus.CREATED


@blueprint.post("/<ticket_id>")
@audited("upload.added")
@upload_route
@described(
    query=TicketQuery,
    headers=TicketHead,
    files=("*/*",),
    replies={
        201: replies.TicketUpload,
        200: Reply({JSON: replies.TicketUpload}, "The same file came before.", (REPLAYED,)),
    },
    refuses=(
        *(ChallengeRequired, ChallengeFailed),
        *(InvalidTicket, TicketForOtherTarget, TicketUsed, TicketExpired, OneFileOnly),
        *(TooManyUploads, UploadInProgress, UnsupportedMediaType, EmptyFile),
        *(BrokenImage, ImageTooLarge, TooManyFrames, ImageTooCostly, DecodersBusy),
        ScannerAway,
        StorageFull,
    ),
)
def upload_with_ticket(ticket_id: str) -> Response:
    """Upload one file with a ticket: a form or a raw body, without signing in.

    The ticket is the header `Upload-Ticket` or the form field `ticket`.
    """
    tickets, site, address = using(TicketService), current_site(), request.remote_addr or ""
    tried = Try(purpose=Purpose.TICKET, site=site, address=address)
    answer = request.headers.get(CHALLENGE_HEADER, "")
    with using(Challenges).guarding(tried, answer, failures=InvalidTicket):
        ticket = tickets.find(site, ticket_id, address=address)
        outcome = tickets.upload(site, ticket, _received(tickets, ticket))
    note(object_id=outcome.upload.id, assets=[outcome.upload.id])
    return _answered(outcome)


def _received(tickets: TicketService, ticket: Ticket) -> Incoming | Refusal:
    """Return the one file of this request; rejects what it can before reading the file."""
    shown = request.headers.get(HEADER)
    if shown is not None:
        tickets.check_secret(ticket, shown)
        tickets.check_target(ticket, request.args)
    elif request.mimetype != FORM:
        raise InvalidTicket
    came = incoming_files(max_bytes=ticket.max_bytes)
    # only now: the answer would reveal the purpose of the ticket to a caller without it
    if shown is None:
        tickets.check_secret(ticket, came.fields.get(FIELD, ""))
        tickets.check_target(ticket, request.args)
    tickets.check_target(ticket, came.fields)
    if len(came.files) + len(came.refused) != 1:
        raise OneFileOnly
    if came.files:
        return came.files[0]
    return Refusal.of(came.refused[0].name, came.refused[0].error)


def _answered(outcome: Outcome) -> Response:
    upload = outcome.upload
    version = upload.current
    told: replies.TicketUpload = {
        "success": 1,
        "id": upload.id,
        "name": outcome.name,
        "media_type": version.media_type,
        "bytes": version.bytes,
        "sha256": version.sha256,
        "created_at": iso(upload.created_at),
    }
    if version.width is not None and version.height is not None:
        told["width"], told["height"] = version.width, version.height
    if version.scan:
        told["scan"] = version.scan.state
    answer = jsonify(told)
    answer.status_code = HTTPStatus.OK if outcome.replayed else HTTPStatus.CREATED
    answer.headers["Cache-Control"] = "no-store"
    if outcome.replayed:
        answer.headers[REPLAYED] = "true"
    return answer
