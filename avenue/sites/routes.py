"""`/api/site`: the site of the request.

`/api/sites`: all sites of the deployment, for superusers.
"""

from flask import Blueprint, Response, jsonify, request

from avenue.identity import Actor, Role, Site
from avenue.media.intake.receiving import idempotency_key, received, upload_described, upload_reply
from avenue.media.presenting import upload_json
from avenue.sites import replies
from avenue.sites.bodies import LogoChoice, NewSite, SiteChanges
from avenue.sites.errors import (
    HostNotGiven,
    HostTaken,
    InvalidHost,
    LimitTooHigh,
    LogoNotFound,
    NoSuchCluster,
    NotInLibrary,
    OneLogoOnly,
    RevisionConflict,
    SiteExists,
    TooManyCategories,
)
from avenue.sites.presenting import full_site_json, site_json
from avenue.sites.service import LogoService, SiteService
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.language import gettext
from avenue.web.limits import upload_route
from avenue.web.parsing import body_as
from avenue.web.services import using

SHOWN = Reply({JSON: replies.Site | replies.FullSite}, "The site; superusers see more.")

blueprint = Blueprint("sites", __name__, url_prefix="/api")


@blueprint.get("/site")
@require()
@described(replies={200: SHOWN})
def show_site() -> Response:
    """Show the site with the limits in force; to superusers with its hosts."""
    actor = current_actor()
    return jsonify(_shown(actor, using(SiteService).get(actor)))


@blueprint.patch("/site")
@require(Role.ADMIN)
@described(
    body=SiteChanges,
    replies={200: SHOWN},
    refuses=(
        HostNotGiven,
        HostTaken,
        InvalidHost,
        LimitTooHigh,
        TooManyCategories,
        RevisionConflict,
    ),
)
@audited("site.changed")
def change_site() -> Response:
    """Change the fields that are given."""
    actor, body = current_actor(), body_as(SiteChanges)
    changes = body.model_dump(exclude_unset=True, exclude={"revision"})
    try:
        changed = using(SiteService).change(actor, changes, body.revision)
    except RevisionConflict:
        current = using(SiteService).get(actor)
        raise RevisionConflict(_shown(actor, current)) from None
    return jsonify(_shown(actor, changed))


@blueprint.put("/site/logo")
@require(Role.ADMIN)
@upload_route
@upload_described(OneLogoOnly, NotInLibrary, body=LogoChoice)
@audited("site.logo_changed")
def set_logo() -> Response:
    """Set the logo: a form with one file, or one raw body.

    JSON `{asset}` chooses a picture of the site's media library, where it stays.
    """
    actor, logos = current_actor(), using(LogoService)
    if request.is_json:
        return _chosen(actor, body_as(LogoChoice).asset)
    upload_result = logos.set(actor, received(logos.policy(actor)), key=idempotency_key())
    note(object_id=actor.site.id)
    return upload_reply(upload_result)


@blueprint.delete("/site/logo")
@require(Role.ADMIN)
@described(replies={204: None}, refuses=(LogoNotFound,))
@audited("site.logo_removed")
def remove_logo() -> tuple[str, int]:
    """Move the logo to the trash; a picture of the media library stays there."""
    actor = current_actor()
    using(LogoService).remove(actor)
    note(object_id=actor.site.id)
    return "", 204


@blueprint.get("/sites")
@require(superuser=True)
@described(replies={200: replies.SiteList})
def list_sites() -> Response:
    """List all sites of the deployment, without their logos."""
    sites = using(SiteService)
    found = sites.every(current_actor())
    items = [full_site_json(each, sites.limits(each), None) for each in found]
    listed: replies.SiteList = {"items": items, "next": None, "total": len(items)}
    return jsonify(listed)


@blueprint.post("/sites")
@require(superuser=True)
@described(
    body=NewSite,
    replies={201: replies.FullSite},
    refuses=(SiteExists, HostTaken, InvalidHost, NoSuchCluster),
)
@audited("site.added")
def add_site() -> tuple[Response, int]:
    """Add a site to the deployment."""
    sites, body = using(SiteService), body_as(NewSite)
    added = sites.add(current_actor(), body.id, body.model_dump(exclude={"id"}))
    return jsonify(full_site_json(added, sites.limits(added), None)), 201


def _chosen(actor: Actor, asset_id: str) -> Response:
    asset, is_new = using(LogoService).choose(actor, asset_id)
    note(object_id=actor.site.id, assets=[asset.id])
    if not is_new:
        nothing_changed()
    body = upload_json(actor.site, [asset], [], gettext)
    response = jsonify(body)
    response.headers["Location"] = body["location"]
    return response


def _shown(actor: Actor, site: Site) -> replies.Site | replies.FullSite:
    present = full_site_json if actor.superuser else site_json
    return present(site, using(SiteService).limits(site), using(LogoService).of(actor, site))
