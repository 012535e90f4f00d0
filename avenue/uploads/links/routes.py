"""`/api/uploads/…/sign` and `…/revoke`: links to private uploads."""

from flask import Blueprint, Response, jsonify

from avenue.clock import iso
from avenue.errors import AvenueError
from avenue.identity import Role, Scope
from avenue.media.errors import UnknownVariant
from avenue.uploads.errors import UploadNotFound
from avenue.uploads.links import replies
from avenue.uploads.links.bodies import LinkOfMany, LinksWanted, LinkWanted
from avenue.uploads.links.errors import LinkTooLong
from avenue.uploads.links.service import Link, LinkOrder, LinkService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.hosts import current_site
from avenue.web.language import gettext
from avenue.web.parsing import body_as
from avenue.web.services import using

blueprint = Blueprint("upload_links", __name__, url_prefix="/api/uploads")


@blueprint.post("/<upload_id>/sign")
@require(scope=Scope.READ)
@described(
    body=LinkWanted,
    replies={200: replies.Link},
    refuses=(UploadNotFound, UnknownVariant, LinkTooLong),
)
@audited("upload.link_made", "upload_id")
def sign(upload_id: str) -> Response:
    """Create a link with which anyone can open a private upload for a limited time."""
    order = _order(upload_id, body_as(LinkWanted))
    link = using(LinkService).sign(current_actor(), order)
    note(variant=order.variant, until=iso(link.expires_at) if link.expires_at else None)
    return jsonify(_shown(order, link))


@blueprint.post("/sign")
@require(scope=Scope.READ)
@described(body=LinksWanted, replies={200: replies.Links})
@audited("upload.links_made")
def sign_many() -> Response:
    """Create links to up to 100 uploads; an entry without a link has the error."""
    wanted = body_as(LinksWanted)
    orders = [_order(each.id, each) for each in wanted.items]
    made = using(LinkService).sign_many(current_actor(), orders)
    pairs = list(zip(orders, made, strict=True))
    note(assets=sorted({order.id for order, link in pairs if isinstance(link, Link)}))
    links: replies.Links = {"items": [_shown_or_refused(*each) for each in pairs]}
    return jsonify(links)


@blueprint.post("/<upload_id>/revoke")
@require()
@described(replies={204: None}, refuses=(UploadNotFound,))
@audited("upload.links_revoked", "upload_id")
def revoke(upload_id: str) -> tuple[str, int]:
    """Revoke all links to an upload."""
    using(LinkService).revoke(current_actor(), upload_id)
    return "", 204


@blueprint.post("/revoke")
@require(Role.ADMIN)
@described(replies={204: None})
@audited("site.links_revoked")
def revoke_all() -> tuple[str, int]:
    """Revoke all links to all uploads of the site."""
    using(LinkService).revoke_all(current_actor())
    note(object_id=current_site().id)
    return "", 204


def _order(upload_id: str, wanted: LinkWanted | LinkOfMany) -> LinkOrder:
    return LinkOrder(
        id=upload_id,
        variant=wanted.variant,
        download=wanted.download,
        seconds=wanted.expires_in,
    )


def _shown_or_refused(
    order: LinkOrder, made: Link | AvenueError
) -> replies.Link | replies.RefusedLink:
    if isinstance(made, Link):
        return _shown(order, made)
    return {
        "id": order.id,
        "variant": order.variant,
        "download": order.download,
        "url": None,
        "code": made.code,
        "message": made.said(gettext)[0],
    }


def _shown(order: LinkOrder, link: Link) -> replies.Link:
    return {
        "id": order.id,
        "variant": order.variant,
        "download": order.download,
        "url": current_site().base_url + link.path,
        "expires_at": iso(link.expires_at) if link.expires_at else None,
    }
