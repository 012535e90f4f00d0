"""`/admin`: what needs doing, and where work begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from flask import Blueprint, Response

from avenue.identity import Actor, Role
from avenue.media.presenting import picture_json
from avenue.shop.models import PicturedProduct, Pictures, ProductQuery, Sort, Status
from avenue.shop.pages import products
from avenue.shop.service.bulk import lacks_alt
from avenue.shop.service.products import ProductService
from avenue.totals import MOST_COUNTED
from avenue.web.auth import current_actor, require
from avenue.web.language import ngettext
from avenue.web.pages import navigation, page, see
from avenue.web.services import using

ACCOUNT = "/admin/account"
"""Everybody has that one."""
HAVE_TASKS = (Role.SELLER, Role.EDITOR)
LATEST = 6
MOST_RECENT = 100
"""How many of the products changed last are asked for alt texts: of all, that takes too long."""

blueprint = Blueprint("panel", __name__, template_folder="../templates")


class Task(StrEnum):
    """What may need doing, each where it is done."""

    PROBLEMS = f"{products.PATH}?pictures={Pictures.PROBLEMS}"
    NO_PHOTO = f"{products.PATH}?pictures={Pictures.NONE}"
    NO_ALT = f"{products.PATH}?pictures={Pictures.NO_ALT}"
    SHOP_ALT = "/admin/alt-texts?of=shop"
    DRAFTS = f"{products.PATH}?status={Status.DRAFT}"
    LIBRARY_ALT = "/admin/alt-texts?of=library"
    CHANGED_PAGES = "/admin/website?status=changed"
    QUARANTINE = "/admin/quarantine"


WEBSITE = (Task.LIBRARY_ALT, Task.CHANGED_PAGES)


@dataclass(frozen=True, slots=True)
class Storage:
    """How much of what a site may store is used, in bytes."""

    used: int
    quota: int


@dataclass(frozen=True, slots=True)
class OtherTasks:
    """What needs doing outside the shop, from `app`.

    `editing` gives how many of the pictures uploaded last have no alt text, and how many pages have
    changes that visitors do not see; `quarantined` how many files are in quarantine, None for more
    than are counted; `storage` is None where there is no quota.
    """

    editing: Callable[[Actor], tuple[int | None, int | None]]
    quarantined: Callable[[Actor], int | None]
    storage: Callable[[Actor], Storage | None]


@blueprint.get("/admin")
@require()
def begin() -> Response:
    """Show what needs doing; send whoever has nothing of that kind to their first page."""
    actor = current_actor()
    if not actor.has_role(*HAVE_TASKS):
        entries = navigation()
        return see(entries[0].path if entries else ACCOUNT)
    sells, edits = actor.has_role(Role.SELLER), actor.has_role(Role.EDITOR)
    latest = _latest(actor) if sells else ()
    totals: dict[Task, int | None] = {
        **(_of_shop(actor, latest) if sells else {}),
        **(_of_website(actor) if edits else {}),
        **({Task.QUARANTINE: using(OtherTasks).quarantined(actor)} if actor.is_admin else {}),
    }
    return page(
        "shop/home.html",
        sells=sells,
        edits=edits,
        tasks=[(task, total, _text(task, total)) for task, total in totals.items() if total != 0],
        most=MOST_COUNTED,
        latest=[
            (each.product, picture_json(actor.site, each.images[0]) if each.images else None)
            for each in latest[:LATEST]
        ],
        storage=using(OtherTasks).storage(actor) if actor.is_admin else None,
    )


def _latest(actor: Actor) -> Sequence[PicturedProduct]:
    """Return the products that were changed last."""
    owner = None if actor.runs_shop else actor.id
    query = ProductQuery(owner=owner, sort=Sort.UPDATED, limit=MOST_RECENT)
    return tuple(using(ProductService).find(actor, query).items)


def _of_shop(actor: Actor, latest: Sequence[PicturedProduct]) -> dict[Task, int | None]:
    """Return how many there are of each; None are more than are counted."""
    shop = using(ProductService)
    own = ProductQuery(owner=None if actor.runs_shop else actor.id, limit=1)
    lacking = [
        each
        for each in latest
        if any(lacks_alt(image, actor.site.language) for image in each.images)
    ]
    return {
        Task.PROBLEMS: shop.find(actor, replace(own, pictures=Pictures.PROBLEMS)).total,
        Task.NO_PHOTO: shop.find(actor, replace(own, pictures=Pictures.NONE)).total,
        Task.SHOP_ALT if actor.runs_shop else Task.NO_ALT: len(lacking),
        Task.DRAFTS: shop.find(actor, replace(own, status=Status.DRAFT)).total,
    }


def _of_website(actor: Actor) -> dict[Task, int | None]:
    return dict(zip(WEBSITE, using(OtherTasks).editing(actor), strict=True))


def _text(task: Task, total: int | None) -> str:
    """Return what stands behind the number."""
    num = MOST_COUNTED if total is None else total
    return {
        Task.PROBLEMS: ngettext("product has a lost photo", "products have lost photos", num),
        Task.NO_PHOTO: ngettext("product has no photo", "products have no photos", num),
        **dict.fromkeys(
            (Task.NO_ALT, Task.SHOP_ALT),
            ngettext(
                "of the recently changed products needs alt text",
                "of the recently changed products need alt text",
                num,
            ),
        ),
        Task.DRAFTS: ngettext("product is a draft", "products are drafts", num),
        Task.LIBRARY_ALT: ngettext(
            "of the recently uploaded images has no alt text",
            "of the recently uploaded images have no alt text",
            num,
        ),
        Task.CHANGED_PAGES: ngettext(
            "page has unpublished changes",
            "pages have unpublished changes",
            num,
        ),
        Task.QUARANTINE: ngettext("file is in quarantine", "files are in quarantine", num),
    }[task]
