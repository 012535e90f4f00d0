"""FilePond's protocol over HTTP, under `/api/uploads/filepond`: process, load, revert, chunks.

FilePond gets the id of a file, as text, in the answer to its first request. It sends the name with
each part, as UTF-8, and takes a part as complete as soon as HEAD reports one byte of it: so a part
only counts when all of it has arrived.
"""

from http import HTTPStatus
from typing import Annotated, NotRequired

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from pydantic import Field
from typing_extensions import TypedDict

from avenue.errors import NotFound
from avenue.media.errors import DamagedFile, InQuarantine, NotScanned
from avenue.media.intake.receiving import UPLOAD_REFUSALS, idempotency_key, note_upload
from avenue.media.serving.delivery import PRIVATE, PreconditionFailed, deliver
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.routes import FILE_REPLIES
from avenue.uploads.errors import (
    BadReference,
    TooManyUploads,
    UnknownCategory,
    UploadHeld,
    UploadNotFound,
)
from avenue.uploads.filepond.errors import OneFileAtATime
from avenue.uploads.routes import ReferenceText, received
from avenue.uploads.service import UploadService
from avenue.uploads.tus import protocol
from avenue.uploads.tus.errors import (
    InvalidTusHeader,
    OffsetMismatch,
    TooManyOpenUploads,
    UploadLost,
    UploadTakenOver,
)
from avenue.uploads.tus.models import NewUpload, Part, TusUpload
from avenue.uploads.tus.routes import FILE_REFUSALS, LENGTH, OFFSET, Number
from avenue.uploads.tus.service import TusService
from avenue.web import body
from avenue.web.audit import audited, note, note_each, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.describing import LOCATION, Reply, described
from avenue.web.errors import BodyCutOff, BodyTooLarge, RangeNotSatisfiable
from avenue.web.limits import resumable_route, upload_route
from avenue.web.services import using

TEXT = "text/plain"
LONGEST_ID = 64
GIVEN = Reply({"*/*": bytes}, "The file; for `patch` only `Upload-Offset`, how much of it came.")

Id = Annotated[str, Field(description="As it was answered.")]
NewHead = TypedDict("NewHead", {"Upload-Length": Number}, total=False)
PartHead = TypedDict("PartHead", {"Upload-Offset": Number, "Upload-Name": NotRequired[str]})
"""The request headers of FilePond."""


class NewFile(TypedDict, total=False):
    """The target of a new file."""

    category: Annotated[str, Field(description="`general` if left out.")]
    reference: ReferenceText


class OfPart(TypedDict):
    """The file of a part."""

    patch: Id


class Asked(TypedDict, total=False):
    """The requested file, by one of its ids."""

    load: Id
    restore: Id
    patch: Id


blueprint = Blueprint("filepond", __name__, url_prefix="/api/uploads/filepond")


@blueprint.post("")
@require()
@upload_route
@described(
    headers=NewHead,
    query=NewFile,
    files=("*/*",),
    replies={
        201: Reply({TEXT: str}, "The id of a new upload, or of one to come in parts.", (LOCATION,)),
        200: Reply({TEXT: str}, "The id of the upload that has these bytes already.", (LOCATION,)),
    },
    refuses=(
        *(UnknownCategory, BadReference, TooManyUploads, TooManyOpenUploads, InvalidTusHeader),
        OneFileAtATime,
        *UPLOAD_REFUSALS,
    ),
)
@audited("upload.added")
def process() -> ResponseReturnValue:
    """Upload one file; with `Upload-Length`, start an upload in parts."""
    actor = current_actor()
    if LENGTH in request.headers:
        new = NewUpload(
            length=protocol.number(LENGTH, request.headers.get(LENGTH)),
            metadata=None,
            fields={name: request.args.get(name, "") for name in ("category", "reference")},
        )
        nothing_changed()
        return _named(using(TusService).begin(actor, new).id, HTTPStatus.CREATED)
    filing, incoming = received(actor)
    if len(incoming) > 1:
        raise OneFileAtATime
    upload_result = using(UploadService).add(actor, filing, incoming, key=idempotency_key())
    note_upload(upload_result)
    status = HTTPStatus.CREATED if upload_result.created else HTTPStatus.OK
    answer = _named(upload_result.assets[0].id, status)
    if upload_result.replayed:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


@blueprint.patch("")
@require()
@resumable_route
@described(
    headers=PartHead,
    query=OfPart,
    body=protocol.PART_TYPE,
    replies={204: Reply(about="All of the part was kept.", headers=(OFFSET,))},
    refuses=(
        *(InvalidTusHeader, NotFound, UploadNotFound, OffsetMismatch, UploadTakenOver, UploadLost),
        *(UnknownCategory, TooManyUploads, BodyTooLarge, BodyCutOff, *FILE_REFUSALS),
    ),
)
@audited("upload.added")
def patch() -> ResponseReturnValue:
    """Receive the next part of a file, which begins at byte `Upload-Offset`.

    After the last one the file is checked and stored, or rejected like any other.
    """
    actor, resumable, upload_id = current_actor(), using(TusService), request.args.get("patch", "")
    part = Part(
        offset=protocol.number(OFFSET, request.headers.get(OFFSET)),
        read=body.blocks,
        counts_whole=True,
        name=_name(),
    )
    before = resumable.get(actor, upload_id)
    # FilePond repeats a part whose answer was lost, and ends a file whose last part is full with an
    # empty one.
    is_new = part.offset + (request.content_length or 0) > before.offset
    upload = resumable.receive(actor, upload_id, part) if is_new else before
    if upload.is_done and not before.is_done:
        note(object_id=upload.id)
    else:
        nothing_changed()
    return _standing(upload, HTTPStatus.NO_CONTENT)


@blueprint.get("")
@require()
@described(
    query=Asked,
    replies={**FILE_REPLIES, 200: GIVEN},
    refuses=(
        *(NotFound, UploadNotFound, DamagedFile, PreconditionFailed, RangeNotSatisfiable),
        *(NotScanned, InQuarantine),
    ),
)
def show() -> ResponseReturnValue:
    """Return a file (`?load=`, `?restore=`); with `?patch=`, the offset of its upload."""
    actor, asked = current_actor(), request.args
    if "patch" in asked:
        return _standing(using(TusService).get(actor, asked["patch"]), HTTPStatus.OK)
    upload = using(UploadService).get(actor, asked.get("load") or asked.get("restore") or "")
    return deliver(request.environ, using(MediaReader).open(upload), PRIVATE)


@blueprint.delete("")
@require()
@described(
    body=TEXT,
    replies={204: None},
    refuses=(NotFound, UploadNotFound, UploadHeld, BodyTooLarge, BodyCutOff),
)
@audited("upload.removed")
def revert() -> ResponseReturnValue:
    """Revert the upload with the id in the body: its parts, or the finished file, are removed."""
    actor, upload_id = current_actor(), body.whole(LONGEST_ID).decode("latin-1").strip()
    try:
        was_finished = using(TusService).end(actor, upload_id)
    except NotFound:  # uploaded in one request, or the record of its parts has expired
        using(UploadService).remove(actor, upload_id)
        was_finished = True
    if was_finished:
        note(object_id=upload_id)
    else:
        note_each("upload.cancelled", [upload_id])
    return "", HTTPStatus.NO_CONTENT


def _named(upload_id: str, status: HTTPStatus) -> Response:
    answer = Response(upload_id, status=status, mimetype=TEXT)
    answer.headers[LOCATION] = f"{blueprint.url_prefix}?load={upload_id}"
    return answer


def _standing(upload: TusUpload, status: HTTPStatus) -> Response:
    answer = Response(status=status)
    answer.headers[OFFSET] = str(upload.offset)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _name() -> str:
    """Return the file's name as FilePond sends it: UTF-8, which WSGI takes for Latin-1."""
    sent = request.headers.get("Upload-Name", "")
    return sent.encode("latin-1", "replace").decode(errors="replace")
