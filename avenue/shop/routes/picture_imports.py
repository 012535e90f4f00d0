"""Pictures by SKU as JSON, under `/api/shop/pictures/import`."""

from typing import Annotated, Literal

from flask import Blueprint, Response, jsonify
from pydantic import Field
from typing_extensions import TypedDict

from avenue.config import Settings
from avenue.cursors import BadCursor
from avenue.errors import Invalid, StorageFull
from avenue.identity import Role
from avenue.media.errors import (
    DamagedFile,
    DecodersBusy,
    EmptyFile,
    InfectedFile,
    InQuarantine,
    NotScanned,
    UnsafeArchive,
    UnsupportedMediaType,
)
from avenue.media.intake.receiving import BadIdempotencyKey, idempotency_key
from avenue.media.naming import safe_name
from avenue.scanning.errors import ScannerAway
from avenue.shop.errors import OneFileOnly, ProductNotFound
from avenue.shop.matching.errors import (
    ArchiveExpired,
    FileNotInArchive,
    ImportBegun,
    NothingToBring,
    PictureImportNotFound,
    TooManyFiles,
)
from avenue.shop.matching.models import FileQuery, Finding, Outcome
from avenue.shop.matching.presenting import file_json, picture_import_json
from avenue.shop.matching.replies import FileList, PictureImportList, PictureImportReply
from avenue.shop.models import Sort
from avenue.shop.paging import cursor_text
from avenue.shop.routes.bodies import AssignedFiles
from avenue.shop.routes.lists import filter_asked_for
from avenue.shop.routes.runs import headers_of, number_after, only_file, runs_asked_for
from avenue.shop.service.picture_imports import PictureImportService
from avenue.storage.idempotency import IdempotencyKeyReused, UploadInProgress
from avenue.storage.room import QuotaExceeded, UserQuotaExceeded
from avenue.totals import total_json
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, LOCATION, Reply, described
from avenue.web.errors import InvalidQuery
from avenue.web.incoming import IncomingFile
from avenue.web.language import gettext
from avenue.web.limits import upload_route
from avenue.web.parsing import PageQuery, body_as, page_asked_for
from avenue.web.services import using

WEBP = "image/webp"


class ArchiveQuery(TypedDict, total=False):
    """Options of an upload of a ZIP."""

    name: Annotated[str, Field(description="The file's name, when it is the body.")]


class FilesQuery(PageQuery, total=False):
    """Filters of files."""

    finding: Finding | Literal[""]
    outcome: Outcome | Literal[""]


blueprint = Blueprint("picture_imports", __name__, url_prefix="/api/shop/pictures/import")


@blueprint.post("")
@audited("picture_import.planned")
@upload_route
@require(Role.SELLER)
@described(
    query=ArchiveQuery,
    replies={201: Reply({JSON: PictureImportReply}, headers=(LOCATION, "Idempotent-Replayed"))},
    refuses=(
        BadIdempotencyKey,
        UnsupportedMediaType,
        EmptyFile,
        UnsafeArchive,
        InfectedFile,
        ScannerAway,
        TooManyFiles,
        OneFileOnly,
        IdempotencyKeyReused,
        UploadInProgress,
        QuotaExceeded,
        UserQuotaExceeded,
        StorageFull,
    ),
    files=("application/zip",),
)
def plan_pictures() -> tuple[Response, int, dict[str, str]]:
    """Check a ZIP of pictures named after SKUs and return the plan; change nothing.

    The ZIP is the body or the only file of a form, and is kept for a day at most.
    """
    file = the_archive()
    standing, is_new = using(PictureImportService).start(
        current_actor(),
        file,
        name=safe_name(file.name) if file.name else "",
        key=idempotency_key(),
    )
    headers = headers_of(blueprint, standing.run.id, is_new=is_new)
    return jsonify(picture_import_json(standing)), 201, headers


@blueprint.get("")
@require(Role.SELLER)
@described(
    query=PageQuery, replies={200: PictureImportList}, refuses=(Invalid, InvalidQuery, BadCursor)
)
def list_picture_imports() -> Response:
    """List your imports of pictures, newest first, for administrators all."""
    found = using(PictureImportService).find(current_actor(), runs_asked_for())
    return jsonify(
        items=[picture_import_json(each) for each in found.items],
        next=cursor_text(Sort.CREATED, found.next) if found.next else None,
        **total_json(found.total),
    )


@blueprint.get("/<picture_import_id>")
@require(Role.SELLER)
@described(replies={200: PictureImportReply}, refuses=(PictureImportNotFound,))
def show_picture_import(picture_import_id: str) -> Response:
    """Show the findings, the progress and the result of an import of pictures."""
    standing = using(PictureImportService).get(current_actor(), picture_import_id)
    return jsonify(picture_import_json(standing))


@blueprint.post("/<picture_import_id>")
@audited("picture_import.begun", "picture_import_id")
@require(Role.SELLER)
@described(
    replies={202: PictureImportReply},
    refuses=(PictureImportNotFound, ArchiveExpired, NothingToBring),
)
def apply_picture_import(picture_import_id: str) -> tuple[Response, int]:
    """Import the matched pictures, in the background; repeatable."""
    standing = using(PictureImportService).apply(current_actor(), picture_import_id)
    return jsonify(picture_import_json(standing)), 202


@blueprint.get("/<picture_import_id>/files")
@require(Role.SELLER)
@described(
    query=FilesQuery,
    replies={200: FileList},
    refuses=(PictureImportNotFound, Invalid, InvalidQuery, BadCursor),
)
def list_files(picture_import_id: str) -> Response:
    """List the files of a ZIP with their outcomes: `?finding ?outcome ?limit ?after`."""
    found = using(PictureImportService).files(current_actor(), picture_import_id, files_asked_for())
    return jsonify(
        items=[file_json(each, gettext) for each in found.items],
        next=str(found.next) if found.next else None,
        **total_json(found.total),
    )


@blueprint.patch("/<picture_import_id>/files")
@audited("picture_import.assigned", "picture_import_id")
@require(Role.SELLER)
@described(
    body=AssignedFiles,
    replies={200: PictureImportReply},
    refuses=(PictureImportNotFound, ProductNotFound, FileNotInArchive, ArchiveExpired, ImportBegun),
)
def assign_files(picture_import_id: str) -> Response:
    """Assign files of a ZIP to products manually, before it is applied; all or nothing."""
    wanted = {each.number: each.product for each in body_as(AssignedFiles).files}
    standing, changed = using(PictureImportService).assign(
        current_actor(), picture_import_id, wanted
    )
    note(files=changed)
    if not changed:
        nothing_changed()
    return jsonify(picture_import_json(standing))


@blueprint.get("/<picture_import_id>/files/<int:number>/thumbnail")
@require(Role.SELLER)
@described(
    replies={200: Reply({WEBP: bytes})},
    refuses=(
        *(PictureImportNotFound, FileNotInArchive, ArchiveExpired),
        *(NotScanned, InQuarantine, DamagedFile, DecodersBusy),
    ),
)
def show_thumbnail(picture_import_id: str, number: int) -> Response:
    """Show a small version of a picture in a ZIP that is not applied yet."""
    data = using(PictureImportService).thumbnail(current_actor(), picture_import_id, number)
    response = Response(data, mimetype=WEBP)
    # A ZIP never changes, and only people with permission see this.
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def files_asked_for() -> FileQuery:
    """Return which files the request asks for; raise `Invalid`, `InvalidQuery`, `BadCursor`."""
    page = page_asked_for()
    return FileQuery(
        after=number_after(page),
        finding=filter_asked_for("finding", Finding),
        outcome=filter_asked_for("outcome", Outcome),
        limit=page.limit,
    )


def the_archive() -> IncomingFile:
    """Return the only file of this request; raise `OneFileOnly`, or why it was refused."""
    return only_file(using(Settings).max_archive_mb, "One ZIP is brought in at a time.")
