"""`/admin/uploads/<id>/links`: creating and revoking links to an upload without JavaScript."""

from typing import Any

from flask import Blueprint, Response, request

from avenue.clock import iso
from avenue.config import Settings
from avenue.errors import AvenueError, NotFound
from avenue.media.models import Asset
from avenue.media.presenting import has_sizes
from avenue.media.signing.service import DAY_SECONDS
from avenue.uploads.links.service import Link, LinkOrder, LinkService
from avenue.uploads.pages.shown import rows
from avenue.uploads.pages.uploads import PATH
from avenue.uploads.pages.words import DURATIONS, HOUR_SECONDS, SHARING_TEXTS, SIZES
from avenue.uploads.service import UploadService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.hosts import current_site
from avenue.web.language import gettext as _
from avenue.web.pages import page, see, shown_again
from avenue.web.services import using

blueprint = Blueprint("sharing_pages", __name__, url_prefix=PATH, template_folder="../templates")


def _show(error: AvenueError | None, upload_id: str) -> Response:
    return _shown(using(UploadService).get(current_actor(), upload_id), error=error)


@blueprint.get("/<upload_id>/links")
@require()
def show_sharing(upload_id: str) -> Response:
    """Show the form that creates a link; revoking is on the page of the upload."""
    return _show(None, upload_id)


@blueprint.post("/<upload_id>/links")
@require()
@audited("upload.link_made", "upload_id")
@shown_again(_show, besides=NotFound)
def make_link(upload_id: str) -> Response:
    """Create a link and show it in this answer."""
    actor = current_actor()
    upload = using(UploadService).get(actor, upload_id)
    seconds = request.form.get("expires_in", "")
    order = LinkOrder(
        id=upload_id,
        variant=request.form.get("variant", "original"),
        download="download" in request.form,
        seconds=next((each for each in DURATIONS if str(each) == seconds), HOUR_SECONDS),
    )
    link = using(LinkService).sign(actor, order)
    note(variant=order.variant, until=iso(link.expires_at) if link.expires_at else None)
    return _shown(upload, link)


@blueprint.post("/<upload_id>/revoke")
@require()
@audited("upload.links_revoked", "upload_id")
def end_links(upload_id: str) -> Response:
    """Revoke all links to an upload."""
    using(LinkService).revoke(current_actor(), upload_id)
    return see(f"{PATH}/{upload_id}?said=revoked")


def sharing_facts(upload: Asset) -> dict[str, Any]:
    """Return the data for `uploads/_share.html` and its module."""
    longest = using(Settings).max_link_days * DAY_SECONDS
    sizes = SIZES if has_sizes(current_site(), upload) else {}
    return {
        "durations": {each: name for each, name in DURATIONS.items() if each <= longest},
        "sizes": sizes,
        "texts": {name: str(each) for name, each in SHARING_TEXTS.items()},
    }


def _shown(
    upload: Asset, link: Link | None = None, *, error: AvenueError | None = None
) -> Response:
    [row] = rows(current_actor(), [upload])
    response = page(
        "uploads/share.html",
        status=error.status if error else 200,
        row=row,
        upload=upload,
        link=link,
        url=current_site().base_url + link.path if link else "",
        chosen=request.form,
        problem=" ".join(error.said(_)) if error else "",
        **sharing_facts(upload),
    )
    response.headers["Cache-Control"] = "no-store"  # it may have a link
    return response
