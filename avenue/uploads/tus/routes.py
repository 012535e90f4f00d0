"""Resumable uploads over HTTP, by the tus protocol 1.0.0, under `/api/uploads/tus`."""

from http import HTTPStatus
from typing import Annotated, Literal, NotRequired

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue
from pydantic import Field
from typing_extensions import TypedDict
from werkzeug.http import http_date

from avenue.config import Settings
from avenue.errors import NotFound, StorageFull
from avenue.media.errors import (
    BrokenImage,
    DecodersBusy,
    EmptyFile,
    ImageTooCostly,
    ImageTooLarge,
    TooManyFrames,
    UnsupportedMediaType,
)
from avenue.media.serving.delivery import PRIVATE
from avenue.media.urls import original_url
from avenue.scanning.errors import ScannerAway
from avenue.storage.room import QuotaExceeded, UserQuotaExceeded
from avenue.uploads.errors import (
    BadReference,
    TooManyUploads,
    UnknownCategory,
    UploadHeld,
    UploadNotFound,
)
from avenue.uploads.tus import protocol
from avenue.uploads.tus.errors import (
    ChecksumMismatch,
    InvalidTusHeader,
    NotAPart,
    OffsetMismatch,
    TooManyOpenUploads,
    UnsupportedTusVersion,
    UploadLost,
    UploadTakenOver,
)
from avenue.uploads.tus.models import NewUpload, Part, TusUpload
from avenue.uploads.tus.service import TusService
from avenue.web import body
from avenue.web.audit import audited, note, note_each, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.describing import LOCATION, Reply, described
from avenue.web.errors import MB, BodyCutOff, BodyTooLarge, FileTooLarge
from avenue.web.hosts import current_site
from avenue.web.limits import begins_upload, resumable_route
from avenue.web.services import using

OFFSET, LENGTH, EXPIRES = "Upload-Offset", "Upload-Length", "Upload-Expires"
RESUMABLE = "Tus-Resumable"

ASK_LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""The errors that mean for HEAD that the state of an upload is temporarily unknown: they become
423.

tus-js-client 4.3.1, and Uppy with it, takes any other error of HEAD for the end of the upload and
restarts the file (`_resumeUpload` in its `lib/upload.js`); after 423 it retries later. See
docs/adr/0013."""

FILE_REFUSALS = (
    FileTooLarge,
    EmptyFile,
    UnsupportedMediaType,
    BrokenImage,
    ImageTooLarge,
    TooManyFrames,
    ImageTooCostly,
    DecodersBusy,
    ScannerAway,
)
PART_REFUSALS = (
    InvalidTusHeader,
    UnsupportedTusVersion,
    NotAPart,
    ChecksumMismatch,
    UploadTakenOver,
    UploadLost,
    BodyTooLarge,
    BodyCutOff,
    *FILE_REFUSALS,
)

Number = Annotated[str, Field(pattern=f"^{protocol.NUMBER.pattern}$")]
Speaks = TypedDict("Speaks", {"Tus-Resumable": Literal["1.0.0"]})
Asks = TypedDict("Asks", {"Tus-Resumable": Literal["1.0.0"]}, total=False)
NewHead = TypedDict(
    "NewHead",
    {
        "Tus-Resumable": Literal["1.0.0"],
        "Upload-Length": Number,
        "Upload-Metadata": NotRequired[str],
        "Upload-Checksum": NotRequired[str],
    },
)
PartHead = TypedDict(
    "PartHead",
    {
        "Tus-Resumable": Literal["1.0.0"],
        "Upload-Offset": Number,
        "Upload-Checksum": NotRequired[str],
    },
)
"""The request headers of clients."""

blueprint = Blueprint("tus", __name__, url_prefix="/api/uploads/tus")


@blueprint.post("")
@audited("upload.added")
@begins_upload
@resumable_route
@require()
@described(
    headers=NewHead,
    body=protocol.PART_TYPE,
    body_required=False,
    replies={201: Reply(about="The upload was begun.", headers=(LOCATION, OFFSET, RESUMABLE))},
    refuses=(
        *(*PART_REFUSALS, UnknownCategory, BadReference, TooManyUploads),
        *(TooManyOpenUploads, QuotaExceeded, UserQuotaExceeded, StorageFull),
    ),
)
def begin_upload() -> ResponseReturnValue:
    """Start a resumable upload of `Upload-Length` bytes; the body may be its first part.

    `Upload-Metadata` has the file's name as `filename`, and `category` and `reference`. The id in
    `Location` is the id of the upload under `/api/uploads` once it is complete.
    """
    protocol.check_version(request.headers.get(RESUMABLE))
    if protocol.CONCAT in request.headers:  # otherwise its parts would become files
        raise InvalidTusHeader(header=protocol.CONCAT)
    metadata = request.headers.get(protocol.METADATA)
    new = NewUpload(
        length=protocol.number(LENGTH, request.headers.get(LENGTH)),
        metadata=metadata,
        fields=protocol.metadata(metadata),
    )
    part = _part(0) if request.mimetype == protocol.PART_TYPE else None
    service, actor = using(TusService), current_actor()
    upload = service.begin_with(actor, new, part) if part else service.begin(actor, new)
    answer = _standing(upload, HTTPStatus.CREATED)
    # Relative to the requested URL: another host of the site has other cookies.
    answer.headers[LOCATION] = f"{blueprint.url_prefix}/{upload.id}"
    return answer


@blueprint.patch("/<upload_id>")
@audited("upload.added", "upload_id")
@resumable_route
@require()
@described(
    headers=PartHead,
    body=protocol.PART_TYPE,
    replies={204: Reply(about="What came was kept.", headers=(OFFSET, RESUMABLE))},
    refuses=(
        *(*PART_REFUSALS, OffsetMismatch, UnknownCategory, TooManyUploads),
        *(NotFound, UploadNotFound),
    ),
)
def continue_upload(upload_id: str) -> ResponseReturnValue:
    """Receive the next part of the file, which begins at byte `Upload-Offset`.

    After the last one the file is checked and stored, or rejected like any other. Of two requests
    at once the later one continues.
    """
    protocol.check_version(request.headers.get(RESUMABLE))
    if request.mimetype != protocol.PART_TYPE:
        raise NotAPart
    part = _part(protocol.number(OFFSET, request.headers.get(OFFSET)))
    upload = using(TusService).receive(current_actor(), upload_id, part)
    return _standing(upload, HTTPStatus.NO_CONTENT)


@blueprint.get("/<upload_id>")
@require()
@described(
    headers=Asks,
    replies={
        302: Reply({"text/html": str}, "Where the file is, once it is all there.", (LOCATION,)),
        200: Reply(about="To HEAD only: how much of it is there.", headers=(OFFSET, LENGTH)),
        423: Reply(about="To HEAD only, instead of 429 and 503.", headers=("Retry-After",)),
    },
    refuses=(UnsupportedTusVersion, NotFound, UploadNotFound),
)
def show_upload(upload_id: str) -> ResponseReturnValue:
    """Redirect to the file; for HEAD with `Tus-Resumable`, return the offset."""
    if request.method == "HEAD":
        protocol.check_version(request.headers.get(RESUMABLE))
        upload = using(TusService).get(current_actor(), upload_id)
        answer = _standing(upload, HTTPStatus.OK)
        answer.headers[LENGTH] = str(upload.length)
        if upload.metadata is not None:
            answer.headers[protocol.METADATA] = upload.metadata
        return answer
    asset = using(TusService).file_of(current_actor(), upload_id)
    found = redirect(original_url(current_site(), asset), code=HTTPStatus.FOUND)
    found.headers.update(PRIVATE.headers)
    return found


@blueprint.delete("/<upload_id>")
@audited("upload.cancelled", "upload_id")
@require()
@described(
    headers=Speaks,
    replies={204: None},
    refuses=(UnsupportedTusVersion, NotFound, UploadNotFound, UploadHeld),
)
def cancel_upload(upload_id: str) -> ResponseReturnValue:
    """Cancel an unfinished upload and delete its parts; a finished file is removed."""
    protocol.check_version(request.headers.get(RESUMABLE))
    if using(TusService).end(current_actor(), upload_id):
        note_each("upload.removed", [upload_id])
    return "", HTTPStatus.NO_CONTENT


@blueprint.after_request
def speak_tus(response: Response) -> Response:
    """Add the protocol version to every answer, and to OPTIONS the extensions.

    For HEAD, "not now" is 423, which no client takes for "gone".
    """
    response.headers[RESUMABLE] = protocol.VERSION
    if request.method == "HEAD" and response.status_code in ASK_LATER:
        response.status_code = HTTPStatus.LOCKED
    if request.method == "OPTIONS":
        response.headers["Tus-Version"] = protocol.VERSION
        response.headers["Tus-Extension"] = protocol.EXTENSIONS
        response.headers["Tus-Max-Size"] = str(using(Settings).max_tus_mb * MB)
        response.headers["Tus-Checksum-Algorithm"] = ",".join(protocol.ALGORITHMS)
    return response


def _part(offset: int) -> Part:
    checksum = protocol.checksum(request.headers.get(protocol.CHECKSUM))
    return Part(offset=offset, read=body.blocks, checksum=checksum)


def _standing(upload: TusUpload, status: HTTPStatus) -> Response:
    """Return the state of an upload; only its end is logged."""
    answer = Response(status=status)
    answer.headers[OFFSET] = str(upload.offset)
    answer.headers["Cache-Control"] = "no-store"
    if upload.is_done:
        note(object_id=upload.id)
    else:
        nothing_changed()
        if upload.expires_at:
            answer.headers[EXPIRES] = http_date(upload.expires_at)
    return answer
