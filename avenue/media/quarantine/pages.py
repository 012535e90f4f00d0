"""`/admin/quarantine`: findings of the scanner, and their release."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import LazyString

from avenue.errors import Conflict, NotFound
from avenue.identity import Role, is_id
from avenue.media.models import Asset
from avenue.media.quarantine.bodies import LONGEST_REASON
from avenue.media.quarantine.service import QuarantineService, is_held
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import MOST_SHOWN, Entry, Group, page, see
from avenue.web.parsing import page_asked_for
from avenue.web.services import using

PATH = "/admin/quarantine"
NAVIGATION = (
    Entry(
        path=PATH,
        title=_("Quarantine"),
        icon="unused",
        group=Group.SYSTEM,
        roles=(Role.ADMIN,),
        count=lambda actor: using(QuarantineService).count(actor, MOST_SHOWN),
    ),
)
SAID = {
    "released": _("File released: it can be read again."),
    "gone": _("That file is no longer in quarantine."),
}
NO_REASON = _("Enter the reason why the file may be read.")
PLACES: Mapping[str, tuple[str, LazyString]] = {
    "product": ("/admin/products/{owner}", _("Photo of a product")),
    "group": ("/admin/groups/{owner}", _("Photo of a group")),
    "library": ("/admin/library/{asset}", _("Media library")),
    "upload": ("/admin/uploads/{asset}", _("Files")),
}
"""By the owner of a file: the page to see and delete it, and its title."""

blueprint = Blueprint("quarantine_pages", __name__, url_prefix=PATH, template_folder="../templates")


@blueprint.get("")
@require(Role.ADMIN)
def show_quarantine() -> Response:
    """Show the files in quarantine: `?after=`."""
    return _shown()


@blueprint.post("/<asset_id>/release")
@require(Role.ADMIN)
@audited("quarantine.released", "asset_id")
def release_file(asset_id: str) -> Response:
    """Release a file, with a reason."""
    reason = request.form.get("reason", "").strip()[:LONGEST_REASON]
    if not reason:
        return _shown(asset_id)
    try:
        using(QuarantineService).release(current_actor(), asset_id, reason)
    except (NotFound, Conflict):
        return see(f"{PATH}?said=gone")
    note(reason=reason)
    return see(f"{PATH}?said=released")


def _shown(unsaid: str | None = None) -> Response:
    """Show the list; a form without a reason, that of `unsaid`, shows an error."""
    asked = page_asked_for()
    after = asked.after if asked.after and is_id(asked.after) else ""
    found = using(QuarantineService).find(current_actor(), after=after, limit=asked.limit)
    return page(
        "quarantine/quarantine.html",
        status=422 if unsaid else 200,
        rows=[_row(each) for each in found.items],
        next=found.next,
        total=found.total,
        after=after,
        path=PATH,
        unsaid=unsaid,
        no_reason=NO_REASON,
        longest=LONGEST_REASON,
        said=SAID.get(request.args.get("said", "")),
    )


def _row(asset: Asset) -> dict[str, Any]:
    held = next(each for each in asset.versions if is_held(each))
    kind, owner = (asset.claim.kind, asset.claim.id) if asset.claim else ("", "")
    link, place = PLACES.get(kind, ("", ""))
    return {
        "file": asset,
        "version": held,
        "scan": held.scan,
        "place": place,
        "link": link.format(owner=owner, asset=asset.id) if link else "",
        "in_trash": asset.trashed_at is not None,
    }
