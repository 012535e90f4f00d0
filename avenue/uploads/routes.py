"""General uploads as JSON, under `/api/uploads`."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from flask import Blueprint, Response, g, jsonify, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.cursors import BadCursor
from avenue.errors import Forbidden, sentence
from avenue.identity import Actor
from avenue.media.intake.models import Incoming, Refusal
from avenue.media.intake.receiving import answered, idempotency_key, upload_described
from avenue.media.models import Asset, Visibility
from avenue.media.pictures.limits import MB
from avenue.uploads.bodies import LONGEST_REFERENCE, UploadChanges, checked_reference, cursor_place
from avenue.uploads.errors import (
    BadReference,
    TooManyUploads,
    UnknownCategory,
    UploadExpired,
    UploadHeld,
    UploadNotFound,
)
from avenue.uploads.links.errors import LinkTooLong
from avenue.uploads.links.service import LinkService
from avenue.uploads.models import Filing, UploadQuery
from avenue.uploads.presenting import Addresses, list_json, quotas_json, upload_json, uploaded_json
from avenue.uploads.replies import ChangedUpload, Quotas, Upload, UploadedFiles, UploadList
from avenue.uploads.service import UploadService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.errors import InvalidQuery
from avenue.web.language import gettext
from avenue.web.limits import upload_route
from avenue.web.parsing import PageQuery, body_as, incoming_files, page_asked_for
from avenue.web.services import using
from avenue.words import wanted_words

KEPT_BY_BROWSERS = sentence(
    "Its addresses have changed. Browsers and other people may keep copies they already loaded."
)

blueprint = Blueprint("uploads", __name__, url_prefix="/api/uploads")

ReferenceText = Annotated[
    str, Field(max_length=LONGEST_REFERENCE, description="The record they belong to.")
]
SignedFor = Annotated[
    int, Field(ge=1, description="Add `signed`: addresses that are good for so many seconds.")
]
NewUploadQuery = TypedDict(
    "NewUploadQuery",
    {
        "category": Annotated[str, Field(description="`general` if left out.")],
        "reference": ReferenceText,
        "name": str,
        "as": Literal["ckeditor", "filepond"],
        "sign": SignedFor,
    },
    total=False,
)
"""The query parameters of an upload; a form may have `category` and `reference` as fields."""


class SignQuery(TypedDict, total=False):
    """Whether to add URLs that an `<img>` can show."""

    sign: SignedFor


class UploadsQuery(PageQuery, total=False):
    """A query of uploads; empty parameters are ignored."""

    category: str
    reference: str
    owner: Annotated[str, Field(description="The id of a person, or `me`.")]
    state: Annotated[
        Literal["", "live", "trash"],
        Field(description="Those that are there, or those the caller may bring back."),
    ]
    search: Annotated[
        str, Field(description="Beginnings of words of name and reference, without accents.")
    ]
    sign: SignedFor


@blueprint.get("")
@require()
@described(
    query=UploadsQuery, replies={200: UploadList}, refuses=(BadCursor, InvalidQuery, LinkTooLong)
)
def list_uploads() -> Response:
    """List the uploads that the caller may read, newest first.

    Takes `?category ?reference ?owner ?search ?state ?sign ?limit ?after`.
    """
    actor, page, seconds = current_actor(), page_asked_for(), _sign_seconds()
    owner = request.args.get("owner") or None
    query = UploadQuery(
        category=request.args.get("category") or None,
        reference=request.args.get("reference", "").strip() or None,
        owner=actor.id if owner == "me" else owner,
        words=wanted_words(request.args.get("search", "").strip()),
        in_trash=_asks_for_trash(),
        after=cursor_place(page.after) if page.after else None,
        limit=page.limit,
    )
    found = using(UploadService).find(actor, query)
    return jsonify(list_json(g.site, found, _addresses(actor, found.items, seconds)))


@blueprint.post("")
@require()
@upload_route
@upload_described(
    *(UnknownCategory, BadReference, TooManyUploads, InvalidQuery, LinkTooLong),
    reply=UploadedFiles,
    query=NewUploadQuery,
    files=("*/*",),
)
@audited("upload.added")
def add_uploads() -> Response:
    """Upload files: a form, one or many under any field names, or one raw body.

    `category` and `reference` are form fields or query parameters.
    """
    actor, seconds = current_actor(), _sign_seconds()
    filing, incoming = received(actor)
    upload_result = using(UploadService).add(actor, filing, incoming, key=idempotency_key())
    addresses = _addresses(actor, upload_result.assets, seconds)
    body = uploaded_json(g.site, upload_result.assets, upload_result.refusals, gettext, addresses)
    return answered(upload_result, body)


@blueprint.get("/quota")
@require()
@described(replies={200: Quotas})
def show_quota() -> Response:
    """Show the caller's usage and quota; to administrators also the site's."""
    actor, uploads = current_actor(), using(UploadService)
    return jsonify(quotas_json(uploads.standing(actor), uploads.standing_of_site(actor)))


@blueprint.get("/<upload_id>")
@require()
@described(
    query=SignQuery, replies={200: Upload}, refuses=(UploadNotFound, InvalidQuery, LinkTooLong)
)
def show_upload(upload_id: str) -> Response:
    """Show one upload."""
    actor, seconds = current_actor(), _sign_seconds()
    upload = using(UploadService).get(actor, upload_id)
    return jsonify(upload_json(g.site, upload, _addresses(actor, [upload], seconds)))


@blueprint.patch("/<upload_id>")
@require()
@described(
    body=UploadChanges,
    replies={200: ChangedUpload},
    refuses=(UploadNotFound, Forbidden, TooManyUploads),
)
@audited("upload.changed", "upload_id")
def change_upload(upload_id: str) -> Response:
    """Change the fields that are given."""
    actor, changes = current_actor(), body_as(UploadChanges).model_dump(exclude_unset=True)
    changed = using(UploadService).change(actor, upload_id, changes)
    was_public = changes.get("visibility") == Visibility.PRIVATE and changed.visibility_epoch
    warning = {"warning": gettext(KEPT_BY_BROWSERS)} if was_public else {}
    return jsonify({**upload_json(g.site, changed), **warning})


@blueprint.delete("/<upload_id>")
@require()
@described(replies={204: None}, refuses=(UploadNotFound, UploadHeld))
@audited("upload.removed", "upload_id")
def remove_upload(upload_id: str) -> tuple[str, int]:
    """Move an upload to the trash."""
    using(UploadService).remove(current_actor(), upload_id)
    return "", 204


@blueprint.post("/<upload_id>/restore")
@require()
@described(replies={200: Upload}, refuses=(UploadNotFound, UploadExpired, TooManyUploads))
@audited("upload.restored", "upload_id")
def restore_upload(upload_id: str) -> Response:
    """Restore an upload from the trash; if its retention time is over, it is then on hold."""
    upload = using(UploadService).restore(current_actor(), upload_id)
    note(hold=upload.hold or None)
    return jsonify(upload_json(g.site, upload))


def received(
    actor: Actor, *, category: str | None = None
) -> tuple[Filing, Sequence[Incoming | Refusal]]:
    """Return the filing of this request's files, and the files; too large ones as refusals.

    Query parameters are checked before the body is read; a form field takes precedence over them,
    and a given `category` over both.
    """
    uploads, asked = using(UploadService), request.args
    reference = checked_reference(asked.get("reference"))
    filing = uploads.filing(actor, category or asked.get("category"), reference)
    came = incoming_files(max_bytes=uploads.most_mb(actor) * MB)
    fields = came.fields
    if "category" in fields or "reference" in fields:
        filing = uploads.filing(
            actor,
            category or fields.get("category") or asked.get("category"),
            checked_reference(fields["reference"]) if "reference" in fields else reference,
        )
    refused = [Refusal.of(each.name, each.error) for each in came.refused]
    return filing, [*came.files, *refused]


def _sign_seconds() -> int | None:
    """Return the lifetime of links that `?sign=` requests, None without it.

    Raise `InvalidQuery` or `LinkTooLong`, before anything is stored.
    """
    text = request.args.get("sign", "")
    if not text:
        return None
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise InvalidQuery("`sign` is a number of seconds.", parameter="sign")
    using(LinkService).check(int(text))
    return int(text)


def _addresses(actor: Actor, uploads: Sequence[Asset], seconds: int | None) -> Addresses:
    if seconds is None:
        return {}
    links = using(LinkService).addresses(actor, uploads, seconds)
    return {upload.id: each for upload, each in zip(uploads, links, strict=True)}


def _asks_for_trash() -> bool:
    state = request.args.get("state") or "live"
    if state not in {"live", "trash"}:
        raise InvalidQuery("`state` is `live` or `trash`.", parameter="state")
    return state == "trash"
