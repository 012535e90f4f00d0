"""Uploads over HTTP: passes the request's files to the library, and builds the reply."""

from collections.abc import Callable, Sequence
from typing import Literal

from flask import Response, g, jsonify, request
from typing_extensions import TypedDict
from werkzeug.datastructures import MultiDict

from avenue.errors import AvenueError, Gone, Invalid, StorageFull
from avenue.media.errors import (
    BrokenImage,
    DecodersBusy,
    EmptyFile,
    ImageTooCostly,
    ImageTooLarge,
    TooManyFrames,
    UnsupportedMediaType,
)
from avenue.media.intake.models import Incoming, Refusal, UploadResult
from avenue.media.intake.policy import UploadPolicy
from avenue.media.models import External
from avenue.media.presenting import external_json, upload_json
from avenue.media.replies import UploadReply, UploadReplyFacts
from avenue.scanning.errors import ScannerAway
from avenue.storage.idempotency import IdempotencyKeyReused, UploadInProgress
from avenue.storage.room import QuotaExceeded, UserQuotaExceeded
from avenue.web.audit import note, nothing_changed
from avenue.web.describing import JSON, LOCATION, PICTURES, Reply, described
from avenue.web.incoming import incoming_files
from avenue.web.language import gettext
from avenue.web.marks import View

LONGEST_KEY = 255
MENDED = "Avenue-Mended"


class BadIdempotencyKey(Invalid):
    """The Idempotency-Key header is invalid."""

    message = "The Idempotency-Key must have 1 to 255 printable ASCII characters."
    hint = "Use a new UUID for each upload."


UploadQuery = TypedDict(
    "UploadQuery", {"name": str, "as": Literal["ckeditor", "filepond"]}, total=False
)
"""The query parameters: the name of a raw body, and the dialect of the reply."""

PICTURE_REFUSALS: tuple[type[AvenueError], ...] = (
    UnsupportedMediaType,
    EmptyFile,
    BrokenImage,
    ImageTooLarge,
    TooManyFrames,
    ImageTooCostly,
    DecodersBusy,
    ScannerAway,
    QuotaExceeded,
    UserQuotaExceeded,
    StorageFull,
)
"""Errors of every upload of a picture."""
UPLOAD_REFUSALS: tuple[type[AvenueError], ...] = (
    BadIdempotencyKey,
    UploadInProgress,
    IdempotencyKeyReused,
    Gone,
    *PICTURE_REFUSALS,
)
"""Errors of every upload."""


def upload_described(
    *refuses: type[AvenueError],
    body: type | None = None,
    reply: type = UploadReply,
    query: type = UploadQuery,
    files: tuple[str, ...] = PICTURES,
) -> Callable[[View], View]:
    """Describe a route that accepts files and answers with `upload_reply`.

    `refuses` are its own errors, `body` the JSON it accepts instead of files; `reply`, `query` and
    `files` (media types) are given if they differ from those of pictures.
    """
    contents = {JSON: reply, "text/plain": str}
    headers = (LOCATION, "Idempotent-Replayed", MENDED)
    return described(
        body=body,
        query=query,
        files=files,
        replies={
            201: Reply(contents, "Something new was stored.", headers),
            200: Reply(contents, "It was stored already.", headers),
        },
        refuses=(*refuses, *UPLOAD_REFUSALS),
    )


def received(
    policy: UploadPolicy, *, fields: MultiDict[str, str] | None = None, more_parts: int = 0
) -> Sequence[Incoming | Refusal]:
    """Return the files of this request, those that were too large as refusals.

    `fields` and `more_parts` are those of `incoming_files`.
    """
    came = incoming_files(
        max_bytes=policy.on(g.site).max_bytes, fields=fields, more_parts=more_parts
    )
    refused = [Refusal.of(each.name, each.error) for each in came.refused]
    return [*came.files, *refused]


def idempotency_key() -> str | None:
    """Return the request's Idempotency-Key, or None; raise `BadIdempotencyKey`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise BadIdempotencyKey
    return key


def upload_reply(upload_result: UploadResult) -> Response:
    """Answer an upload: 201 if something new was stored, otherwise 200.

    `?as=filepond` answers with the id as text, `?as=ckeditor` without `url` (it would hide `urls`).
    The header `Avenue-Mended` lists existing pictures that were damaged and were repaired by this
    upload.
    """
    return answered(
        upload_result, upload_json(g.site, upload_result.assets, upload_result.refusals, gettext)
    )


def answered(upload_result: UploadResult, body: UploadReplyFacts) -> Response:
    """Answer an upload with `body`; see `upload_reply`."""
    dialect = request.args.get("as")
    if dialect == "filepond":
        response = Response(body["id"], mimetype="text/plain")
    else:
        response = jsonify({k: v for k, v in body.items() if dialect != "ckeditor" or k != "url"})
    response.status_code = 201 if upload_result.created else 200
    response.headers["Location"] = body["location"]
    if upload_result.mended:
        response.headers[MENDED] = ", ".join(upload_result.mended)
    note_upload(upload_result)
    if upload_result.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def note_upload(upload_result: UploadResult) -> None:
    """Tell the audit log which assets an upload stored, or that all of them existed."""
    note(assets=sorted(upload_result.kept))
    if not upload_result.created:
        nothing_changed()


def external_reply(picture: External, created: bool) -> Response:
    """Answer that an external picture was added: 201 if it is new, otherwise 200."""
    if not created:
        nothing_changed()
    response = jsonify(external_json(picture))
    response.status_code = 201 if created else 200
    return response
