"""Stored files over HTTP: `/media/<id>/<token>/<variant>.<ext>` and `/media/<id>/<variant>`."""

from collections.abc import Callable

from flask import Blueprint, g, redirect, request
from werkzeug.wrappers import Response

from avenue.errors import NotFound, Unauthenticated
from avenue.identity import Actor, Site, is_id
from avenue.media.delivery import IMMUTABLE, PRIVATE, SHORT, deliver
from avenue.media.models import Asset, Visibility
from avenue.media.reading import DamagedFile, MediaReader, may_read
from avenue.media.urls import ORIGINAL, TOKEN_PATTERN, original_path, original_url
from avenue.web.auth import reading_actor
from avenue.web.services import using

blueprint = Blueprint("media", __name__, url_prefix="/media")


@blueprint.get("/<asset_id>/<token>/<file_name>")
def immutable(asset_id: str, token: str, file_name: str) -> Response:
    """Answer with the bytes the token stands for; an old token leads to the current one."""
    reader = using(MediaReader)
    asset = _readable(asset_id, reader.find)
    if request.path != original_path(asset):
        # The token of a file just replaced is newer than what is known: it must not lead back.
        asset = _readable(asset_id, reader.find_now)
    public = asset.visibility is Visibility.PUBLIC
    if request.path == original_path(asset):
        return _deliver(asset, immutable=True)
    known = file_name.partition(".")[0] == ORIGINAL and TOKEN_PATTERN.fullmatch(token)
    if not known or not public or _same_token(asset, token):
        raise NotFound
    moved = redirect(original_url(g.site, asset), code=308)
    moved.headers["Cache-Control"] = "public, max-age=60"
    moved.headers["Access-Control-Allow-Origin"] = "*"
    return moved


@blueprint.get("/<asset_id>/<variant>")
def stable(asset_id: str, variant: str) -> Response:
    """Answer with the current bytes, to be asked for again soon."""
    if variant != ORIGINAL:
        raise NotFound
    return _deliver(_readable(asset_id, using(MediaReader).find), immutable=False)


def _readable(asset_id: str, find: Callable[[Site, str], Asset | None]) -> Asset:
    """Return a live asset of the host's site that the caller may read, or raise `NotFound`."""
    if not is_id(asset_id):
        raise NotFound
    asset = find(g.site, asset_id)
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
