"""The forms of the picture editor of a product or a group, for browsers without JavaScript."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from avenue.bodies import LONGEST_ALT
from avenue.errors import AvenueError
from avenue.identity import Role
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.receiving import note_upload, received
from avenue.media.models import Asset, Claim
from avenue.shop.errors import GroupNotFound, ProductNotFound
from avenue.shop.models import Picture
from avenue.shop.pages.picture_screen import (
    FRAGMENT,
    alt_languages,
    back_to,
    screen_of,
)
from avenue.shop.routes.owners import OWNER_PATHS, of_both
from avenue.shop.service.pictures import PictureService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.language import LANGUAGES
from avenue.web.limits import upload_route
from avenue.web.pages import page
from avenue.web.services import using

PERCENT = 100.0

blueprint = Blueprint(
    "picture_pages", __name__, url_prefix="/admin", template_folder="../templates"
)


@of_both(blueprint, "GET", "pictures")
@require(Role.SELLER)
def show_pictures(claim: Claim) -> Response:
    """Show the editor as a fragment of its page."""
    return page(FRAGMENT, screen=screen_of(claim), refused=())


@of_both(blueprint, "POST", "pictures")
@require(Role.SELLER)
@upload_route
@audited("{kind}.images_added", "owner_id")
def add_pictures(claim: Claim) -> Response:
    """Add the files of a form."""
    actor = current_actor()
    path = _page_path(claim)
    using(PictureService).gallery(actor, claim)  # check the owner before anything is read
    try:
        files = received(using(UploadPolicy))
        upload_result = using(PictureService).add(actor, claim, files, key=None)
    except (ProductNotFound, GroupNotFound):
        raise
    except AvenueError as error:
        return back_to(path, refused=[(error.code, "")])
    note_upload(upload_result)
    said = "mended" if upload_result.mended and not upload_result.created else "added"
    return back_to(path, said, [(each.code, each.name) for each in upload_result.refusals])


@of_both(blueprint, "POST", "pictures/move")
@require(Role.SELLER)
@audited("{kind}.images_ordered", "owner_id")
def move_picture(claim: Claim) -> Response:
    """Move the picture `key` to be `first`, or one place `up` or `down`; `revision` as it was."""
    gallery = using(PictureService).gallery(current_actor(), claim)
    order = _moved([_key(each) for each in gallery.pictures], request.form)
    revision = request.form.get("revision", type=int) or 0
    return _done(
        claim,
        "ordered",
        lambda: using(PictureService).order(current_actor(), claim, order, revision),
    )


@of_both(blueprint, "POST", "pictures/remove")
@require(Role.SELLER)
@audited("{kind}.image_removed", "owner_id")
def remove_picture(claim: Claim) -> Response:
    """Move the picture `key` to the trash; an external one is deleted."""
    key = request.form.get("key", "")
    return _done(
        claim,
        "removed",
        lambda: note(asset_id=using(PictureService).remove_by_url(current_actor(), claim, key)),
    )


@of_both(blueprint, "POST", "pictures/<asset_id>/restore")
@require(Role.SELLER)
@audited("{kind}.image_restored", "owner_id")
def restore_picture(claim: Claim, asset_id: str) -> Response:
    """Restore a picture from the trash."""
    return _done(
        claim,
        "restored",
        lambda: using(PictureService).restore(current_actor(), claim, asset_id),
    )


@of_both(blueprint, "POST", "pictures/<asset_id>/alt")
@require(Role.SELLER)
@audited("{kind}.image_described", "owner_id")
def describe_picture(claim: Claim, asset_id: str) -> Response:
    """Set the alternative texts (`alt.es`, `alt.en`) and the `decorative` mark.

    `suggest` sets its value as the text in the site's own language instead.
    """
    using(PictureService).gallery(current_actor(), claim)
    alt = _alt_sent()
    if "suggest" in request.form:
        alt[alt_languages()[0]] = request.form["suggest"].strip()
    if any(len(text) > LONGEST_ALT for text in alt.values()):
        return back_to(_page_path(claim), refused=[("bad_alt", "")])
    changes: dict[str, Any] = {f"alt.{tongue}": text for tongue, text in alt.items()}
    changes["decorative"] = "decorative" in request.form
    return _describe(claim, asset_id, changes, "described")


@of_both(blueprint, "POST", "pictures/<asset_id>/focal")
@require(Role.SELLER)
@audited("{kind}.image_described", "owner_id")
def set_focal_point(claim: Claim, asset_id: str) -> Response:
    """Set the focal point (`x` and `y` in percent), or reset it with `automatic`."""
    using(PictureService).gallery(current_actor(), claim)
    if "automatic" in request.form:
        return _describe(claim, asset_id, {"focal": None}, "focal")
    parts = [request.form.get(name, type=_percent) for name in ("x", "y")]
    if None in parts:
        return back_to(_page_path(claim), refused=[("bad_focal", "")])
    return _describe(claim, asset_id, {"focal": parts}, "focal")


@of_both(blueprint, "POST", "pictures/<asset_id>/file")
@require(Role.SELLER)
@upload_route
@audited("{kind}.image_replaced", "owner_id")
def replace_picture(claim: Claim, asset_id: str) -> Response:
    """Replace the file of a picture by that of a form; its id and position stay."""
    using(PictureService).gallery(current_actor(), claim)

    def work() -> None:
        files = received(using(UploadPolicy))
        note_upload(
            using(PictureService).replace(current_actor(), claim, asset_id, files, key=None)
        )

    return _done(claim, "replaced", work)


@of_both(blueprint, "POST", "pictures/<asset_id>/versions/<version>/restore")
@require(Role.SELLER)
@audited("{kind}.image_version_restored", "owner_id")
def restore_picture_version(claim: Claim, asset_id: str, version: str) -> Response:
    """Make an older version of a picture the current one again."""
    return _done(
        claim,
        "version",
        lambda: using(PictureService).bring_back(current_actor(), claim, asset_id, version),
    )


def _describe(claim: Claim, asset_id: str, changes: Mapping[str, Any], said: str) -> Response:
    return _done(
        claim,
        said,
        lambda: using(PictureService).describe(current_actor(), claim, asset_id, changes),
    )


def _done(claim: Claim, said: str, work: Callable[[], object]) -> Response:
    """Run the `work` of a form and redirect to the editor, with the reason if it was refused.

    A missing owner, or one of someone else, remains an error.
    """
    path = _page_path(claim)
    try:
        work()
    except (ProductNotFound, GroupNotFound):
        raise
    except AvenueError as error:
        return back_to(path, refused=[(error.code, "")])
    return back_to(path, said)


def _page_path(claim: Claim) -> str:
    return f"/admin/{OWNER_PATHS[claim.kind]}/{claim.id}"


def _moved(order: list[str], sent: Mapping[str, str]) -> list[str]:
    """Return `order` with the moved picture in its new position."""
    key, to = sent.get("key", ""), sent.get("to", "")
    if key not in order:
        return order
    at = order.index(key)
    place = {"first": 0, "up": max(0, at - 1), "down": at + 1}.get(to, at)
    rest = [each for each in order if each != key]
    return [*rest[:place], key, *rest[place:]]


def _alt_sent() -> dict[str, str]:
    return {
        name.removeprefix("alt."): text.strip()
        for name, text in request.form.items()
        if name.startswith("alt.") and name.removeprefix("alt.") in LANGUAGES
    }


def _percent(text: str) -> float:
    share = float(text) / PERCENT
    if not 0 <= share <= 1:
        raise ValueError(text)
    return share


def _key(picture: Picture) -> str:
    return picture.id if isinstance(picture, Asset) else picture.url
