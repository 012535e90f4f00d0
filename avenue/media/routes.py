"""Stored files over HTTP: `/media/<id>/<token>/<variant>.<ext>` and `/media/<id>/<variant>`.

Every other path under `/media/` and `/uploads/` may be an address from before Avenue.
"""

from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import quote

from flask import Blueprint, g, redirect, request
from pydantic import Field
from typing_extensions import TypedDict
from werkzeug.wrappers import Response

from avenue.errors import NotFound, Unauthenticated
from avenue.identity import Actor, Site, is_id
from avenue.media.delivery import IMMUTABLE, PRIVATE, SHORT, PreconditionFailed, deliver
from avenue.media.legacy import legacy_path
from avenue.media.models import Asset, Visibility
from avenue.media.reading import DamagedFile, MediaReader, may_read
from avenue.media.store import LegacyUrls
from avenue.media.urls import ORIGINAL, is_own_path, original_path, original_url
from avenue.web.auth import reading_actor
from avenue.web.describing import LOCATION, Reply, described
from avenue.web.errors import RangeNotSatisfiable
from avenue.web.services import using

blueprint = Blueprint("media", __name__)

FILE_HEADERS = ("ETag", "Last-Modified", "Accept-Ranges", "Content-Disposition")
FILE_REPLIES = {
    200: Reply({"*/*": bytes}, "The whole file.", FILE_HEADERS),
    206: Reply({"*/*": bytes}, "The bytes Range asks for.", (*FILE_HEADERS, "Content-Range")),
    304: Reply(about="It is still the one of If-None-Match or If-Modified-Since."),
}
MOVED = Reply({"text/html": str}, "The current address of this file.", (LOCATION,))
FILE_REFUSALS = (PreconditionFailed, RangeNotSatisfiable, DamagedFile)


class FileQuery(TypedDict, total=False):
    """How a file is wanted."""

    download: Annotated[Literal["1"], Field(description="The browser saves it.")]


@blueprint.get("/media/<asset_id>/<token>/<file_name>")
@described(
    query=FileQuery,
    replies={**FILE_REPLIES, 308: MOVED},
    refuses=FILE_REFUSALS,
    personal=True,
)
def immutable(asset_id: str, token: str, file_name: str) -> Response:
    """Answer with the bytes the token stands for; an old token leads to the current one."""
    if not is_own_path(request.path):
        return legacy()
    reader = using(MediaReader)
    asset = _readable(asset_id, reader.find)
    if request.path != original_path(asset):
        # The token of a file just replaced is newer than what is known: it must not lead back.
        asset = _readable(asset_id, reader.find_now)
    public = asset.visibility is Visibility.PUBLIC
    if request.path == original_path(asset):
        return _deliver(asset, immutable=True)
    known = file_name.partition(".")[0] == ORIGINAL
    if not known or not public or _same_token(asset, token):
        raise NotFound
    return _moved(asset)


@blueprint.get("/media/<asset_id>/<variant>")
@described(
    query=FileQuery,
    replies={**FILE_REPLIES, 308: MOVED},
    refuses=FILE_REFUSALS,
    personal=True,
)
def stable(asset_id: str, variant: str) -> Response:
    """Answer with the current bytes, to be asked for again soon."""
    if not is_own_path(request.path):
        return legacy()
    if variant != ORIGINAL:
        raise NotFound
    return _deliver(_readable(asset_id, using(MediaReader).find), immutable=False)


@blueprint.get("/media/<path:path>")
@blueprint.get("/uploads/<path:path>")
@described(query=FileQuery, replies={308: MOVED}, personal=True)
def legacy(path: str = "") -> Response:
    """Lead from an address before Avenue to the current one of the file."""
    # Not `path`: its bytes that are no UTF-8 are lost.
    sent = request.environ["PATH_INFO"].encode("latin-1")
    found = legacy_path(quote(sent))
    if found is None:
        raise NotFound
    asset_id = using(LegacyUrls).find(g.site.id, found)
    asset = using(MediaReader).find(g.site, asset_id) if asset_id else None
    return _moved(_shown(asset))


def _moved(asset: Asset) -> Response:
    """Lead to the current address of `asset`; caches may know that for a minute."""
    download = "?download=1" if request.args.get("download") == "1" else ""
    moved = redirect(original_url(g.site, asset) + download, code=308)
    if asset.visibility is Visibility.PUBLIC:
        moved.headers["Cache-Control"] = "public, max-age=60"
        moved.headers["Access-Control-Allow-Origin"] = "*"
    else:
        moved.headers.update(PRIVATE.headers)
    return moved


def _readable(asset_id: str, find: Callable[[Site, str], Asset | None]) -> Asset:
    """Return a live asset of the host's site that the caller may read, or raise `NotFound`."""
    if not is_id(asset_id):
        raise NotFound
    return _shown(find(g.site, asset_id))


def _shown(asset: Asset | None) -> Asset:
    """Return a live `asset` if the caller may read it, or raise `NotFound`."""
    if asset is not None and asset.visibility is Visibility.PUBLIC:
        return asset
    # Asked also when there is nothing: the two must not differ, in their Vary header for example.
    reader = _reader()
    if asset is None or not may_read(reader, asset):
        raise NotFound
    return asset


def _reader() -> Actor:
    """Return who asks. A bad token is nobody here: a 401 would say that something is there."""
    try:
        return reading_actor()
    except Unauthenticated:
        return Actor(site=g.site)


def _deliver(asset: Asset, *, immutable: bool) -> Response:
    freshness = IMMUTABLE if immutable else SHORT
    if asset.visibility is not Visibility.PUBLIC:
        freshness = PRIVATE
    download = request.args.get("download") == "1"
    file = using(MediaReader).open(asset)
    try:
        return deliver(request.environ, file, freshness, download=download)
    except DamagedFile:
        # Only if it is the file of today: one known for seconds may be purged since.
        if _readable(asset.id, using(MediaReader).find_now).current == asset.current:
            raise
        raise NotFound from None


def _same_token(asset: Asset, token: str) -> bool:
    return f"/{token}/" in original_path(asset)
