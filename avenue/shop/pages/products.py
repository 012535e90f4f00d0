"""`/admin/products`: the list of products, and actions on many of them at once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from flask import Blueprint, Response, request

from avenue.config import Settings
from avenue.identity import Actor, Role
from avenue.media.presenting import picture_json
from avenue.media.replies import ExternalImage, Image
from avenue.shop.errors import GroupNotFound
from avenue.shop.models import (
    PRODUCT,
    Group,
    PicturedProduct,
    Pictures,
    Product,
    ProductQuery,
    Sort,
    Status,
)
from avenue.shop.paging import cursor_place, cursor_text
from avenue.shop.routes.lists import (
    choice,
    filter_asked_for,
    list_asked_for,
    trash_asked_for,
)
from avenue.shop.service.bulk import BulkService, Done, lacks_alt
from avenue.shop.service.groups import GroupService
from avenue.shop.service.products import ProductService
from avenue.web.audit import audited, note_each, nothing_changed
from avenue.web.auth import current_actor, require, safe_next
from avenue.web.language import gettext, lazy_gettext as _, ngettext
from avenue.web.listing import back_with, checked_ids, here_with, listed, undoable
from avenue.web.pages import page, see
from avenue.web.services import using

PATH = "/admin/products"
MOST_AT_ONCE = 100
NOTHING_CHECKED = "nothing_checked"

VIEWS = (
    ("", "", _("All")),
    ("status", Status.PUBLISHED, _("Published products")),
    ("status", Status.DRAFT, _("Drafts")),
    ("pictures", Pictures.NONE, _("Without photos")),
    ("pictures", Pictures.NO_ALT, _("Missing alt text")),
    ("pictures", Pictures.PROBLEMS, _("With problems")),
    ("state", "trash", _("Trash")),
)
SORTS = {
    "-created_at": _("Newest first"),
    "created_at": _("Oldest first"),
    "-updated_at": _("Recently updated"),
    "updated_at": _("Least recently updated"),
    "name": _("Name, A to Z"),
    "-name": _("Name, Z to A"),
    "price": _("Price, low to high"),
    "-price": _("Price, high to low"),
    "sku": _("SKU, A to Z"),
    "-sku": _("SKU, Z to A"),
}

TEXTS = {
    "one": _("{count} product selected"),
    "many": _("{count} products selected"),
    "none": _("No product selected"),
    "surely_one": _("Delete this product?"),
    "surely_many": _("Delete these {count} products?"),
    "more": _("and {count} more"),
}
"""The texts of `js/lists/selection.js`."""

blueprint = Blueprint("product_pages", __name__, url_prefix=PATH, template_folder="../templates")


@blueprint.get("")
@require(Role.SELLER)
def show_products() -> Response:
    """Show your own products, for staff and administrators all, filtered by the URL."""
    actor, query = current_actor(), _query(current_actor())
    found = listed(
        query,
        partial(using(ProductService).find, actor),
        partial(cursor_text, query.sort),
        partial(cursor_place, query.sort),
    )
    said, problem = _messages()
    gone = undoable(MOST_AT_ONCE)
    return page(
        "shop/products.html",
        products=_rows(actor, found.items),
        found=found,
        query=query,
        search=request.args.get("search", ""),
        sort=request.args.get("sort") or "-created_at",
        is_narrowed=bool(query.words or query.status or query.pictures or query.group),
        views=VIEWS,
        sorts=SORTS,
        groups=_groups(actor, query.group),
        at=here_with,
        undoable=gone,
        said="" if gone else said,
        done=said,
        problem=problem,
        days=using(Settings).trash_days,
        texts={name: str(each) for name, each in TEXTS.items()},
    )


@blueprint.post("/bulk")
@require(Role.SELLER)
@audited("products.changed")
def change_many() -> Response:
    """Apply one action to all selected products; deleting asks for confirmation on a page."""
    actor, ids = current_actor(), checked_ids(MOST_AT_ONCE)
    action = choice("action", request.form.get("action", ""), [*ACTIONS])
    if not ids:
        nothing_changed()
        return see(back_with(PATH, NOTHING_CHECKED, 0))
    if action == "delete" and "sure" not in request.values:
        nothing_changed()
        return _ask_first(actor, ids)
    done = ACTIONS[action](using(BulkService), actor, ids)
    what, fields = AUDITED[action]
    note_each(what, done.changed, fields=fields)
    if done.failed:
        return page(
            "shop/products_failed.html",
            failed=[(each, " ".join(each.error.said(gettext))) for each in done.failed],
            in_trash=action == "restore",
            said=_sentence(action, len(done.changed)) if done.changed else "",
            back=_back(),
        )
    undo = ".".join(done.changed) if action == "delete" else ""
    return see(back_with(PATH, action, len(done.changed), undo=undo))


Action = Callable[[BulkService, Actor, list[str]], Done]
ACTIONS: Mapping[str, Action] = {
    "publish": lambda bulk, actor, ids: bulk.set_status(actor, ids, Status.PUBLISHED),
    "draft": lambda bulk, actor, ids: bulk.set_status(actor, ids, Status.DRAFT),
    "delete": lambda bulk, actor, ids: bulk.delete(actor, ids),
    "restore": lambda bulk, actor, ids: bulk.restore(actor, ids),
    "alt": lambda bulk, actor, ids: bulk.set_alt(actor, ids, request.form.get("alt", "")),
}
AUDITED: Mapping[str, tuple[str, Sequence[str]]] = {
    "publish": ("product.changed", ("status",)),
    "draft": ("product.changed", ("status",)),
    "delete": ("product.deleted", ()),
    "restore": ("product.restored", ()),
    "alt": ("product.image_described", ("alt",)),
}


@dataclass(frozen=True, slots=True)
class KnownProblems:
    """Returns problems of the pictures of products or groups, by their ids; provided by `app`.

    Its arguments are the actor, the kind and the ids.
    """

    of: Callable[[Actor, str, Sequence[str]], Mapping[str, Sequence[object]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the list; `lacking` is the number of pictures without a text.

    `problems` are findings. A product in the trash can be restored `until` then.
    """

    product: Product
    cover: Image | ExternalImage | None
    pictures: int
    lacking: int
    problems: int
    until: datetime | None


def _query(actor: Actor) -> ProductQuery:
    """Return the query in the URL; raise `Invalid`, `BadCursor`."""
    return ProductQuery(
        owner=None if actor.runs_shop else actor.id,
        status=filter_asked_for("status", Status),
        group=request.args.get("group") or None,
        pictures=filter_asked_for("pictures", Pictures),
        in_trash=trash_asked_for(),
        **list_asked_for([*Sort]),
    )


def _rows(actor: Actor, products: Sequence[PicturedProduct]) -> list[Row]:
    kept = timedelta(days=using(Settings).trash_days)
    problems = using(KnownProblems).of(actor, PRODUCT, [each.product.id for each in products])
    return [
        Row(
            product=each.product,
            cover=picture_json(actor.site, each.images[0]) if each.images else None,
            pictures=len(each.images),
            lacking=sum(lacks_alt(image, actor.site.language) for image in each.images),
            problems=len(problems.get(each.product.id, ())),
            until=each.product.trashed_at and each.product.trashed_at + kept,
        )
        for each in products
    ]


def _groups(actor: Actor, chosen: str | None) -> list[Group]:
    """Return the groups of the filter, including the selected one."""
    service = using(GroupService)
    found = service.names(actor)
    if chosen and chosen not in {each.id for each in found}:
        with suppress(GroupNotFound):
            found = [service.get(actor, chosen).group, *found]
    return found


def _ask_first(actor: Actor, ids: list[str]) -> Response:
    products = using(ProductService).own_among(actor, ids)
    return page(
        "shop/products_delete.html",
        products=[each.product for each in products],
        days=using(Settings).trash_days,
        back=_back(),
    )


def _back() -> str:
    """Return the page of the list that the form came from."""
    back = safe_next(request.form.get("back"), PATH)
    return back if back.partition("?")[0] == PATH else PATH


def _messages() -> tuple[str, str]:
    """Return the messages about success and failure in the URL, as sentences."""
    said, count = request.args.get("said", ""), request.args.get("count", "0")
    if said == NOTHING_CHECKED:
        return "", gettext("Select products first.")
    if said in ACTIONS and count.isdecimal() and len(count) <= len(str(MOST_AT_ONCE)):
        return _sentence(said, int(count)), ""
    return "", ""


def _sentence(action: str, num: int) -> str:
    """Return a sentence about an action on `num` products."""
    if not num:
        same = gettext("No changes were needed.")
        return gettext("It is no longer in the trash.") if action == "restore" else same
    said = {
        "publish": ngettext("%(num)s product published.", "%(num)s products published.", num),
        "draft": ngettext(
            "%(num)s product is now a draft.", "%(num)s products are now drafts.", num
        ),
        "alt": ngettext(
            "The photos of %(num)s product now have alt text.",
            "The photos of %(num)s products now have alt text.",
            num,
        ),
        "restore": ngettext(
            "%(num)s product was restored.", "%(num)s products were restored.", num
        ),
        "delete": ngettext(
            "%(num)s product was deleted. It stays in the trash for %(days)s days.",
            "%(num)s products were deleted. They stay in the trash for %(days)s days.",
            num,
            days=using(Settings).trash_days,
        ),
    }
    return said[action]
