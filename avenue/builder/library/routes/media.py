"""Files of the library as JSON, under `/api/builder/media`."""

from collections.abc import Sequence
from typing import Annotated, Literal

from flask import Blueprint, Response, g, jsonify, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.builder.library.bodies import MediaAddress, MediaChanges
from avenue.builder.library.errors import MediaInUse, MediaNotFound, OneFileReplaces
from avenue.builder.library.folders.errors import FolderNotFound
from avenue.builder.library.presenting import (
    detail_json,
    list_json,
    media_json,
    media_versions_json,
    uploaded_json,
    usage_json,
)
from avenue.builder.library.replies import Media, MediaDetail, MediaList, UploadedMediaReply, Usage
from avenue.builder.library.routes.lists import (
    LIST_REFUSALS,
    MediaListQuery,
    choice,
    media_asked_for,
)
from avenue.builder.library.service import MediaService
from avenue.identity import Actor, Role, is_id
from avenue.media.errors import DamagedFile, InQuarantine, NotScanned, VersionNotFound
from avenue.media.intake.models import Incoming, Refusal, UploadResult
from avenue.media.intake.receiving import answered, idempotency_key, received, upload_described
from avenue.media.replies import Versions
from avenue.media.serving.delivery import PRIVATE, PreconditionFailed, deliver
from avenue.media.serving.routes import FILE_REPLIES
from avenue.outside.errors import (
    AddressNotAllowed,
    BadUrl,
    FetchersBusy,
    FetchFailed,
    FetchTooSlow,
    TooLargeToFetch,
)
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.errors import InvalidQuery, RangeNotSatisfiable
from avenue.web.language import gettext
from avenue.web.limits import fetching_route, upload_route
from avenue.web.parsing import body_as, incoming_files
from avenue.web.services import using

blueprint = Blueprint("media_library", __name__, url_prefix="/api/builder/media")

NewMediaQuery = TypedDict(
    "NewMediaQuery",
    {
        "folder": Annotated[str, Field(description="The id of the folder they go into.")],
        "duplicates": Annotated[
            Literal["use", ""],
            Field(description="`use`: bytes that are there already are the file that is there."),
        ],
        "name": str,
        "as": Literal["ckeditor", "filepond"],
    },
    total=False,
)
"""The query parameters of an upload; a form may have `folder` as a field."""


class RemovalQuery(TypedDict, total=False):
    """How a file is removed."""

    force: Annotated[
        Literal["1", ""], Field(description="Take it out wherever it is used, then remove it.")
    ]


@blueprint.get("")
@require(Role.EDITOR)
@described(query=MediaListQuery, replies={200: MediaList}, refuses=LIST_REFUSALS)
def list_media() -> Response:
    """List the files of the library, or those in the trash with `?state=trash`."""
    query = media_asked_for(g.site)
    page = using(MediaService).find(current_actor(), query)
    return jsonify(list_json(g.site, page, query.sort))


@blueprint.post("")
@require(Role.EDITOR)
@upload_route
@fetching_route
@upload_described(
    *(FolderNotFound, InvalidQuery),
    *(BadUrl, AddressNotAllowed, FetchFailed, FetchTooSlow, TooLargeToFetch, FetchersBusy),
    body=MediaAddress,
    reply=UploadedMediaReply,
    query=NewMediaQuery,
)
@audited("media.added")
def add_media() -> Response:
    """Upload pictures: a form, one or many under any field names, or one raw body.

    JSON `{url}` fetches one from a public address. The same bytes again are stored as another file;
    `duplicate_of` of a file names an existing file with the same bytes.
    """
    actor, media, key, once = current_actor(), using(MediaService), idempotency_key(), _once()
    if request.is_json:
        wanted = body_as(MediaAddress)
        folder = wanted.folder or folder_in(request.args.get("folder", ""))
        upload_result = media.fetch(actor, wanted.url, key=key, folder=folder, once=once)
    else:
        folder, incoming = _received(actor)
        upload_result = media.add(actor, incoming, key=key, folder=folder, once=once)
    return _uploaded(actor, upload_result)


@blueprint.get("/<media_id>")
@require(Role.EDITOR)
@described(replies={200: MediaDetail}, refuses=(MediaNotFound,))
def show_media(media_id: str) -> Response:
    """Show one file, and the number of its uses."""
    actor, media = current_actor(), using(MediaService)
    asset = media.get(actor, media_id)
    uses = media.uses_of(actor, [asset.id]).get(asset.id, ())
    return jsonify(detail_json(g.site, asset, len(uses)))


@blueprint.patch("/<media_id>")
@require(Role.EDITOR)
@described(body=MediaChanges, replies={200: Media}, refuses=(MediaNotFound, FolderNotFound))
@audited("media.changed", "media_id")
def change_media(media_id: str) -> Response:
    """Change the fields that are given."""
    changes = body_as(MediaChanges).model_dump(exclude_unset=True)
    asset = using(MediaService).change(current_actor(), media_id, changes)
    return jsonify(media_json(g.site, asset))


@blueprint.delete("/<media_id>")
@require(Role.EDITOR)
@described(
    query=RemovalQuery,
    replies={204: None},
    refuses=(MediaNotFound, MediaInUse, InvalidQuery),
)
@audited("media.removed", "media_id")
def remove_media(media_id: str) -> tuple[str, int]:
    """Move a file to the trash, unless it is used."""
    force = choice("force", ["1"]) == "1"
    media = using(MediaService)
    removed = media.remove(current_actor(), [media_id], force=force)
    if removed.kept:
        usage = usage_json(g.site, removed.kept[media_id])
        raise MediaInUse(usage=usage["items"], total=usage["total"])
    note(force=force or None)
    return "", 204


@blueprint.post("/<media_id>/restore")
@require(Role.EDITOR)
@described(replies={200: Media}, refuses=(MediaNotFound,))
@audited("media.restored", "media_id")
def restore_media(media_id: str) -> Response:
    """Restore a file from the trash, into its folder if that still exists."""
    return jsonify(media_json(g.site, using(MediaService).restore(current_actor(), media_id)))


@blueprint.put("/<media_id>/file")
@require(Role.EDITOR)
@upload_route
@upload_described(MediaNotFound, OneFileReplaces, reply=UploadedMediaReply)
@audited("media.replaced", "media_id")
def replace_media(media_id: str) -> Response:
    """Replace the bytes; the id and all uses of the file stay."""
    actor, media = current_actor(), using(MediaService)
    incoming = received(media.policy(actor))
    return _uploaded(actor, media.replace(actor, media_id, incoming, key=idempotency_key()))


@blueprint.get("/<media_id>/usage")
@require(Role.EDITOR)
@described(replies={200: Usage}, refuses=(MediaNotFound,))
def show_usage(media_id: str) -> Response:
    """Show where a file is used, according to the current pages and settings."""
    actor, media = current_actor(), using(MediaService)
    asset = media.get(actor, media_id)
    return jsonify(usage_json(g.site, media.uses_of(actor, [asset.id]).get(asset.id, ())))


@blueprint.get("/<media_id>/versions")
@require(Role.EDITOR)
@described(replies={200: Versions}, refuses=(MediaNotFound,))
def list_versions(media_id: str) -> Response:
    """List the stored versions of a file, newest first."""
    asset = using(MediaService).get(current_actor(), media_id)
    return jsonify(media_versions_json(g.site, asset))


@blueprint.get("/<media_id>/versions/<version>/file")
@require(Role.EDITOR)
@described(
    replies=FILE_REPLIES,
    refuses=(
        *(MediaNotFound, VersionNotFound, DamagedFile, PreconditionFailed, RangeNotSatisfiable),
        *(NotScanned, InQuarantine),
    ),
)
def show_version(media_id: str, version: str) -> Response:
    """Return the bytes of one version, also an older one, to editors only."""
    file = using(MediaService).open_version(current_actor(), media_id, version)
    return deliver(request.environ, file, PRIVATE)


@blueprint.post("/<media_id>/versions/<version>/restore")
@require(Role.EDITOR)
@described(replies={200: Media}, refuses=(MediaNotFound, VersionNotFound))
@audited("media.version_restored", "media_id")
def bring_version_back(media_id: str, version: str) -> Response:
    """Restore an older version; the others are kept."""
    asset = using(MediaService).bring_back(current_actor(), media_id, version)
    return jsonify(media_json(g.site, asset))


def _received(actor: Actor) -> tuple[str | None, Sequence[Incoming | Refusal]]:
    """Return the target folder of this request's files, and the files.

    A form field takes precedence over the query parameter.
    """
    came = incoming_files(max_bytes=using(MediaService).policy(actor).max_bytes)
    folder = folder_in(came.fields.get("folder", request.args.get("folder", "")))
    return folder, [*came.files, *(Refusal.of(each.name, each.error) for each in came.refused)]


def folder_in(text: str) -> str | None:
    """Return the id of a folder as a request names it, None for none; raise `FolderNotFound`."""
    folder = text.strip() or None
    if folder is not None and not is_id(folder):
        raise FolderNotFound
    return folder


def _uploaded(actor: Actor, upload_result: UploadResult) -> Response:
    twins = using(MediaService).twins(actor, upload_result.assets)
    body = uploaded_json(g.site, upload_result.assets, twins, upload_result.refusals, gettext)
    return answered(upload_result, body)


def _once() -> bool:
    return choice("duplicates", ["use"]) == "use"
