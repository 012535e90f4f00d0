"""`/admin/share`: photos that a phone shares with the installed panel, and their destination.

They are stored as temporary pictures: visible to their owner only, and deleted after a day. They
become part of the shop or the library when the person confirms that on this page (see `web/csrf.py`
about possible senders).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, request

from avenue.errors import AvenueError, NotFound
from avenue.identity import Actor, Role
from avenue.media.intake.models import Refusal
from avenue.media.intake.receiving import note_upload
from avenue.media.models import Asset, Claim
from avenue.shop.errors import TempImageNotFound
from avenue.shop.models import PRODUCT, ProductQuery, Sort
from avenue.shop.pages import products
from avenue.shop.pages.picture_screen import back_to, new_screen, screen_page
from avenue.shop.pages.product_choice import chosen_products
from avenue.shop.service.pictures import MOST_BYTES_TO_SHRINK, PictureService
from avenue.shop.service.products import ProductService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.csrf import shared_by_browser
from avenue.web.incoming import incoming_files
from avenue.web.limits import upload_route
from avenue.web.pages import see
from avenue.web.services import using

PATH = "/admin/share"
LIBRARY = "/admin/library"
LATEST = 4
UNPROCESSABLE = 422

blueprint = Blueprint("share_pages", __name__, url_prefix=PATH, template_folder="../templates")


@dataclass(frozen=True, slots=True)
class SharedToLibrary:
    """Moves temporary pictures to the library; from `app`; raises if one is refused."""

    take: Callable[[Actor, Asset], None]


@blueprint.get("")
@require(Role.SELLER, Role.EDITOR)
def show_shared() -> Response:
    """Show the received photos, and possible destinations."""
    return _shared()


@blueprint.post("")
@audited("temp_image.added")
@require(Role.SELLER, Role.EDITOR)
@upload_route
@shared_by_browser
def receive() -> Response:
    """Store the photos of a share for a day, and ask for their destination."""
    actor, pictures = current_actor(), using(PictureService)
    try:
        came = incoming_files(max_bytes=MOST_BYTES_TO_SHRINK)
        refused = [Refusal.of(each.name, each.error) for each in came.refused]
        with pictures.fitting(actor, [*came.files, *refused]) as fitting:
            upload_result = pictures.add_temporary(actor, fitting, key=None)
    except AvenueError as error:
        return back_to(PATH, refused=[(error.code, "")])
    note_upload(upload_result)
    return back_to(PATH, "added", [(each.code, each.name) for each in upload_result.refusals])


@blueprint.post("/product")
@audited("product.images_added")
@require(Role.SELLER)
def give_to_product() -> Response:
    """Add the photos to the selected product, or the one named in the field."""
    actor, asset_ids = current_actor(), _chosen()
    product_id = request.form.get("to", "")
    if not product_id:
        named, unclear = chosen_products(actor, {0: request.form.get("named", "").strip()})
        if unclear or not named[0]:
            return _shared(unclear.get(0), status=UNPROCESSABLE)
        product_id = named[0]
    claim = Claim(kind=PRODUCT, id=product_id)
    try:
        using(PictureService).take_temporary(actor, claim, asset_ids)
    except NotFound:
        raise
    except AvenueError as error:
        return back_to(PATH, refused=[(error.code, "")])
    note(object_id=product_id)
    return back_to(f"{products.PATH}/{product_id}", "added")


@blueprint.post("/library")
@audited("media.added")
@require(Role.EDITOR)
def give_to_library() -> Response:
    """Move the photos to the library."""
    actor, refused, count = current_actor(), [], 0
    for each in _own(_chosen()):
        try:
            using(SharedToLibrary).take(actor, each)
            count += 1
        except AvenueError as error:
            refused.append((error.code, each.name))
    if refused or not count:
        return back_to(PATH, "added" if count else "", refused)
    note(files=count)
    return see(f"{LIBRARY}?said=added&count={count}")


@blueprint.post("/remove")
@audited("temp_image.removed")
@require(Role.SELLER, Role.EDITOR)
def remove() -> Response:
    """Delete the photos."""
    gone = _chosen()
    for each in gone:
        try:
            using(PictureService).remove_temporary(current_actor(), each)
        except TempImageNotFound:
            continue
    note(files=len(gone))
    return back_to(PATH, "forgotten")


def _shared(unclear: object = None, *, status: int = 200) -> Response:
    actor = current_actor()
    sells = actor.has_role(Role.SELLER)
    owner = None if actor.runs_shop else actor.id
    query = ProductQuery(owner=owner, sort=Sort.UPDATED, limit=LATEST)
    return screen_page(
        "shop/share.html",
        screen=new_screen(),
        status=status,
        unclear=unclear,
        asks_again=status == UNPROCESSABLE,
        sells=sells,
        edits=actor.has_role(Role.EDITOR),
        is_own=not actor.runs_shop,
        latest=[each.product for each in using(ProductService).find(actor, query).items]
        if sells
        else (),
    )


def _chosen() -> list[str]:
    return list(dict.fromkeys(request.form.getlist("temp_images")))


def _own(asset_ids: Sequence[str]) -> list[Asset]:
    """Return those of `asset_ids` that are the person's temporary pictures, oldest first."""
    found = reversed(using(PictureService).temporary(current_actor()))
    return [each for each in found if each.id in asset_ids]
