"""`/admin`: the start page, with open tasks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from flask import Blueprint, Response

from avenue.identity import Actor, Role
from avenue.media.presenting import picture_json
from avenue.shop.models import PicturedProduct, Pictures, ProductQuery, Sort, Status
from avenue.shop.pages import products
from avenue.shop.service.bulk import lacks_alt
from avenue.shop.service.products import ProductService
from avenue.web.auth import current_actor, require
from avenue.web.language import ngettext
from avenue.web.pages import navigation, page, see
from avenue.web.services import using

ACCOUNT = "/admin/account"
"""Everybody has that one."""
HAVE_TASKS = (Role.SELLER, Role.EDITOR)
LATEST = 6
MOST_TOLD = 1_000
"""So many things that need doing are counted."""
MOST_RECENT = 100
"""How many of the recently changed products are checked for alt texts: all would take too long."""

blueprint = Blueprint("panel", __name__, template_folder="../templates")


class Task(StrEnum):
    """The kinds of tasks, each with its page."""

    PROBLEMS = f"{products.PATH}?pictures={Pictures.PROBLEMS}"
    NO_PHOTO = f"{products.PATH}?pictures={Pictures.NONE}"
    NO_ALT = f"{products.PATH}?pictures={Pictures.NO_ALT}"
    SHOP_ALT = "/admin/alt-texts?of=shop"
    DRAFTS = f"{products.PATH}?status={Status.DRAFT}"
    LIBRARY_ALT = "/admin/alt-texts?of=library"
    CHANGED_PAGES = "/admin/website?status=changed"
    QUARANTINE = "/admin/quarantine"


Count = tuple[int, bool]
"""How many there are, and whether there are more."""
WEBSITE = (Task.LIBRARY_ALT, Task.CHANGED_PAGES)


@dataclass(frozen=True, slots=True)
class Storage:
    """How much of a site's quota is used, in bytes."""

    used: int
    quota: int


@dataclass(frozen=True, slots=True)
class OtherTasks:
    """The tasks outside the shop, provided by `app`.

    `editing` gives how many of the pictures uploaded last have no alt text, and how many pages have
    changes that visitors do not see; `quarantined` how many files are in quarantine. Both are given
    how many are counted, and say None for more. `storage` is None where there is no quota.
    """

    editing: Callable[[Actor, int], tuple[int | None, int | None]]
    quarantined: Callable[[Actor, int], int | None]
    storage: Callable[[Actor], Storage | None]


@blueprint.get("/admin")
@require()
def begin() -> Response:
    """Show the open tasks; redirect people without any tasks to their first page."""
    actor = current_actor()
    if not actor.has_role(*HAVE_TASKS):
        entries = navigation()
        return see(entries[0].path if entries else ACCOUNT)
    sells, edits = actor.has_role(Role.SELLER), actor.has_role(Role.EDITOR)
    latest = _latest(actor) if sells else ()
    totals: dict[Task, Count] = {
        **(_of_shop(actor, latest) if sells else {}),
        **(_of_website(actor) if edits else {}),
        **(_of_quarantine(actor) if actor.is_admin else {}),
    }
    return page(
        "shop/home.html",
        sells=sells,
        edits=edits,
        tasks=[
            (task, count, is_more, _text(task, count))
            for task, (count, is_more) in totals.items()
            if count or is_more
        ],
        latest=[
            (each.product, picture_json(actor.site, each.images[0]) if each.images else None)
            for each in latest[:LATEST]
        ],
        storage=using(OtherTasks).storage(actor) if actor.is_admin else None,
    )


def _latest(actor: Actor) -> Sequence[PicturedProduct]:
    """Return the recently changed products."""
    owner = None if actor.runs_shop else actor.id
    query = ProductQuery(owner=owner, sort=Sort.UPDATED, limit=MOST_RECENT, is_counted=False)
    return tuple(using(ProductService).find(actor, query).items)


def _of_shop(actor: Actor, latest: Sequence[PicturedProduct]) -> dict[Task, Count]:
    """Return how many there are of each."""
    own = ProductQuery(owner=None if actor.runs_shop else actor.id)

    def count(**wanted: Any) -> Count:
        return using(ProductService).count(actor, replace(own, **wanted), MOST_TOLD)

    lacking = [
        each
        for each in latest
        if any(lacks_alt(image, actor.site.language) for image in each.images)
    ]
    return {
        Task.PROBLEMS: count(pictures=Pictures.PROBLEMS),
        Task.NO_PHOTO: count(pictures=Pictures.NONE),
        Task.SHOP_ALT if actor.runs_shop else Task.NO_ALT: (len(lacking), False),
        Task.DRAFTS: count(status=Status.DRAFT),
    }


def _of_website(actor: Actor) -> dict[Task, Count]:
    totals = using(OtherTasks).editing(actor, MOST_TOLD)
    return {task: _counted(total) for task, total in zip(WEBSITE, totals, strict=True)}


def _of_quarantine(actor: Actor) -> dict[Task, Count]:
    return {Task.QUARANTINE: _counted(using(OtherTasks).quarantined(actor, MOST_TOLD))}


def _counted(total: int | None) -> Count:
    return (MOST_TOLD, True) if total is None else (total, False)


def _text(task: Task, num: int) -> str:
    """Return what stands behind the number."""
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
