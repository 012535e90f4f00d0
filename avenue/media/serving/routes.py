"""Stored files over HTTP: `/media/<id>/<token>/<variant>.<ext>` and `/media/<id>/<variant>`.

Every other path may be an old address, if it has no other route.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote

from flask import Blueprint, g, redirect, request
from pydantic import Field
from typing_extensions import TypedDict
from werkzeug.wrappers import Response

from avenue.config import Settings
from avenue.errors import AvenueError, MalformedRecord, NotFound, Unauthenticated
from avenue.identity import Actor, Site, is_id
from avenue.media.access import filed_in, may_read
from avenue.media.errors import DamagedFile, InQuarantine, LinkExpired, NotScanned
from avenue.media.models import Asset, Visibility
from avenue.media.old_urls import can_answer, legacy_path, width_in
from avenue.media.pictures.variants import (
    DEFAULT_EXTENSION,
    FORMATS,
    ORIGINAL,
    fallback_extension,
    form_as_wide_as,
    form_on,
)
from avenue.media.renditions.service import RenditionBusy, Renditions
from avenue.media.scans import check_scanned
from avenue.media.serving.cache import Place
from avenue.media.serving.conditional import FIELDS
from avenue.media.serving.delivery import (
    IMMUTABLE,
    PRIVATE,
    SHORT,
    STAND_IN,
    Freshness,
    KnownFile,
    OpenFile,
    PreconditionFailed,
    deliver,
    facts_of,
    freshness_of,
    not_modified,
    withheld,
)
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.response_cache import CANDIDATE, Candidate
from avenue.media.signing.service import SignedLinks
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.media.urls import is_own_path, original_path, variant_path
from avenue.web.auth import reading_actor
from avenue.web.describing import LOCATION, Reply, described
from avenue.web.errors import RangeNotSatisfiable
from avenue.web.request_kinds import is_file
from avenue.web.services import using

blueprint = Blueprint("media", __name__)

FILE_HEADERS = ("ETag", "Last-Modified", "Accept-Ranges", "Content-Disposition", "Repr-Digest")
FILE_REPLIES = {
    200: Reply({"*/*": bytes}, "The whole file.", FILE_HEADERS),
    206: Reply({"*/*": bytes}, "The bytes Range asks for.", (*FILE_HEADERS, "Content-Range")),
    304: Reply(about="It is still the one of If-None-Match or If-Modified-Since."),
}
MOVED = Reply({"text/html": str}, "The current address of this file.", (LOCATION,))
CHOSEN = Reply({"text/html": str}, "The variant in the format that suits best.", (LOCATION,))
FILE_REFUSALS = (
    *(PreconditionFailed, RangeNotSatisfiable, DamagedFile, RenditionBusy),
    *(NotFound, NotScanned, InQuarantine),
)


MISSING = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.METHOD_NOT_ALLOWED})
"""Statuses of addresses without a route, or without a GET."""
THUMB = "thumb"
"""The size of private pictures that some categories make public."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A file that the caller may read, and why.

    `is_open`: it is public. `link_seconds`: a signed link is valid for so long. Otherwise by their
    role.
    """

    asset: Asset
    is_open: bool = False
    link_seconds: int = 0

    def freshness(self, wanted: Freshness) -> Freshness:
        """Return `wanted`, which is that of a public file, restricted for this one."""
        category = filed_in(g.site, self.asset) if self.link_seconds else None
        return freshness_of(
            wanted,
            is_public=self.asset.visibility is Visibility.PUBLIC,
            is_open=self.is_open,
            link_seconds=self.link_seconds,
            edge_seconds=using(Settings).cache_seconds if category and category.edge else None,
        )


class FileQuery(TypedDict, total=False):
    """Query parameters of a file."""

    download: Annotated[Literal["1"], Field(description="The browser saves it.")]


class LinkQuery(FileQuery, total=False):
    """Query parameters of a file.

    `e`, `k` and `s` are those of a signed link, to be used unchanged.
    """

    e: Annotated[int, Field(description="When a signed link ends, in unix seconds.")]
    k: Annotated[str, Field(description="The key it is signed with.")]
    s: Annotated[str, Field(description="Its signature.")]


@blueprint.get("/media/<asset_id>/<token>/<file_name>")
@described(
    query=LinkQuery,
    replies={**FILE_REPLIES, 308: MOVED},
    refuses=(*FILE_REFUSALS, LinkExpired),
    personal=True,
)
def immutable(asset_id: str, token: str, file_name: str) -> Response:
    """Return the bytes of the token; an outdated token redirects to the current one."""
    if not is_own_path(request.path):
        return legacy()
    reader = using(MediaReader)
    variant, _, extension = file_name.partition(".")
    admission = _admission(asset_id, variant, reader.find)
    if request.path != _path(admission.asset, variant, extension):
        # The token of a file just replaced is newer than the cached asset: it must not redirect
        # back.
        admission = _admission(asset_id, variant, reader.find_now)
    asset = admission.asset
    path = _path(asset, variant, extension)
    if path is None:
        raise NotFound
    if request.path == path:
        return _deliver(admission, variant, extension)
    if asset.visibility is not Visibility.PUBLIC or f"/{token}/" in path:
        raise NotFound
    return _moved(asset, path)


@blueprint.get("/media/<asset_id>/<variant>")
@described(
    query=FileQuery,
    replies={**FILE_REPLIES, 302: CHOSEN, 308: MOVED},
    refuses=FILE_REFUSALS,
    personal=True,
)
def stable(asset_id: str, variant: str) -> Response:
    """Return the current bytes, or redirect to the current address of a variant."""
    if not is_own_path(request.path):
        return legacy()
    admission = _admission(asset_id, variant, using(MediaReader).find)
    if variant == ORIGINAL:
        return _deliver_original(admission, SHORT)
    path = _path(admission.asset, variant, _suitable_extension(admission.asset))
    if path is None:
        raise NotFound
    return _chosen(admission, path)


@blueprint.get("/media/<path:path>")
@blueprint.get("/uploads/<path:path>")
@described(query=FileQuery, replies={302: CHOSEN, 308: MOVED}, personal=True)
def legacy(path: str = "") -> Response:
    """Redirect from an old address to the current one of the file.

    One with a width redirects to the nearest size (302).
    """
    # Not `path`, which loses bytes that are not UTF-8.
    sent = request.environ["PATH_INFO"].encode("latin-1")
    found = legacy_path(quote(sent))
    if found is None:
        raise NotFound
    asset_id, find = using(LegacyUrls).find(g.site.id, found), using(MediaReader).find
    named = _admission(asset_id, ORIGINAL, find) if asset_id else _admitted(None, ORIGINAL)
    shown = named.asset
    width = width_in(found, request.query_string.decode("latin-1"))
    if width and shown.current.width and g.site.shows_variants:
        form = form_as_wide_as(width)
        sized = _path(shown, form, _suitable_extension(shown)) if form != ORIGINAL else None
        if sized:
            return _chosen(named, sized)
    return _moved(shown, original_path(shown))


@blueprint.after_app_request
def answer_old_addresses(response: Response) -> Response:
    """Redirect old addresses that have no other route.

    A miss costs one query by `_id`, and was counted as any other request before.
    """
    is_missing = response.status_code in MISSING and request.method in {"GET", "HEAD"}
    is_elsewhere = not is_file() and can_answer(request.path)
    if not is_missing or not is_elsewhere or g.get("site") is None:
        return response
    try:
        return legacy()
    except AvenueError:
        return response


def _path(asset: Asset, variant: str, extension: str) -> str | None:
    """Return the current path of a variant, None if there is none with this name and extension."""
    if variant == ORIGINAL:
        return original_path(asset)
    variant = form_on(g.site.sizes, variant)
    if variant == ORIGINAL:  # a deleted own size of the site, without a similar one
        return original_path(asset)
    known = using(Renditions).offers(asset, variant, extension)
    return variant_path(asset, variant, extension) if known else None


def _chosen(admission: Admission, path: str) -> Response:
    """Redirect to the format that suits the client; only the client may cache which."""
    found = redirect(g.site.base_url + path, code=302)
    if admission.is_open:
        found.headers["Cache-Control"] = "private, max-age=60"
        found.headers["Access-Control-Allow-Origin"] = "*"
    else:
        found.headers.update(PRIVATE.headers)
    found.vary.add("Accept")
    return found


def _moved(asset: Asset, path: str) -> Response:
    """Redirect to the current address of `asset`; caches may store that for a minute."""
    download = "?download=1" if request.args.get("download") == "1" else ""
    moved = redirect(g.site.base_url + path + download, code=308)
    if asset.visibility is Visibility.PUBLIC:
        moved.headers["Cache-Control"] = "public, max-age=60"
        moved.headers["Access-Control-Allow-Origin"] = "*"
    else:
        moved.headers.update(PRIVATE.headers)
    return moved


def _admission(asset_id: str, variant: str, find: Callable[[Site, str], Asset | None]) -> Admission:
    """Return the permission for a live asset of the host's site; see `_admitted`.

    An unreadable record is reported to administrators only.
    """
    if not is_id(asset_id):
        raise NotFound
    try:
        found = find(g.site, asset_id)
    except MalformedRecord:
        if _reader().is_admin:
            raise
        found = None
    admission = _admitted(found, variant)
    check_scanned(admission.asset.current)  # for every caller and permission
    return admission


def _admitted(asset: Asset | None, variant: str) -> Admission:
    """Return the permission for `asset` as `variant`; raise `NotFound` or `LinkExpired`."""
    if asset is not None and _is_open(asset, variant):
        if asset.visibility is not Visibility.PUBLIC:  # the thumb is public, its name is not
            asset = replace(asset, name="")
        return Admission(asset=asset, is_open=True)
    query = request.query_string.decode("latin-1")
    link_seconds = using(SignedLinks).seconds_left(g.site.id, asset, request.path, query)
    if asset is not None and link_seconds:
        return Admission(asset=asset, link_seconds=link_seconds)
    # Checked also if there is no asset: the two must not differ, in their Vary header for example.
    reader = _reader()
    if asset is None or not may_read(reader, asset):
        raise NotFound if link_seconds is None else LinkExpired
    return Admission(asset=asset)


def _is_open(asset: Asset, variant: str) -> bool:
    """Return whether `asset` as `variant` is public."""
    if asset.visibility is Visibility.PUBLIC:
        return True
    category = filed_in(g.site, asset) if variant == THUMB else None
    return category is not None and category.public_thumbs


def _reader() -> Actor:
    """Return the caller.

    A bad token counts as not signed in: a 401 would reveal that a file exists.
    """
    try:
        return reading_actor()
    except Unauthenticated:
        return Actor(site=g.site)


def _deliver(admission: Admission, variant: str, extension: str) -> Response:
    if variant == ORIGINAL:
        return _deliver_original(admission, IMMUTABLE)
    asset = admission.asset
    if not request.environ.keys().isdisjoint(FIELDS):
        known = using(Renditions).known(asset, variant, extension)
        if known:
            fresh = admission.freshness(IMMUTABLE)
            response = not_modified(request.environ, known.about, fresh)
            if response:
                _may_be_given_again(asset, known.about, known.place)
                return response
    try:
        found = using(Renditions).find_or_make(asset, variant, extension)
    except DamagedFile:
        raise _of_today(asset, variant) from None
    freshness = STAND_IN if found.stands_in else IMMUTABLE
    return _given(admission, found.file, freshness, found.place)


def _deliver_original(admission: Admission, freshness: Freshness) -> Response:
    file = using(MediaReader).open(admission.asset)
    if file.is_spoiled:  # a HEAD reads nothing, and a 304 would keep what may be wrong
        raise _of_today(admission.asset, ORIGINAL)
    try:
        return _given(admission, file, freshness, file.place)
    except DamagedFile:
        raise _of_today(admission.asset, ORIGINAL) from None


def _given(
    admission: Admission, file: OpenFile, freshness: Freshness, place: Place | None
) -> Response:
    """Deliver `file`, and mark the answer as cacheable if it is."""
    response = deliver(request.environ, file, admission.freshness(freshness), download=_download())
    if freshness is IMMUTABLE:
        _may_be_given_again(admission.asset, file, place)
    return response


def _may_be_given_again(asset: Asset, file: KnownFile, place: Place | None) -> None:
    """Mark the answer at the URL of these bytes as cacheable, with its bytes in `place`."""
    if place:
        request.environ[CANDIDATE] = Candidate(
            asset=asset,
            facts=facts_of(file, IMMUTABLE),
            place=place,
            route=str(request.url_rule),
            withheld=withheld(file, download=_download()),
        )


def _of_today(asset: Asset, variant: str) -> AvenueError:
    """Return the error for a damaged file, which may have been purged since it was cached."""
    now = _admission(asset.id, variant, using(MediaReader).find_now).asset
    return DamagedFile() if now.current == asset.current else NotFound()


def _download() -> bool:
    return request.args.get("download") == "1"


def _suitable_extension(asset: Asset) -> str:
    """Return the format for the client: WebP unless it only accepts others by name.

    WebP comes before AVIF because it is generated during the upload. A client that names image
    types, but neither of the two, is an old browser, whatever else it accepts with `*/*`.
    """
    named = {kind for kind, quality in request.accept_mimetypes if quality > 0}
    for extension in (DEFAULT_EXTENSION, "avif"):
        if FORMATS[extension].media_type.name in named:
            return extension
    takes_anything = not named or "*/*" in named
    if takes_anything and not any(kind.startswith("image/") for kind in named):
        return DEFAULT_EXTENSION
    return fallback_extension(asset.current.has_alpha)
