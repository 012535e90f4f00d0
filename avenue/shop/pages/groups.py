"""`/admin/groups`: products of one model, with options and pictures of their own."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from avenue.bodies import LONGEST_NAME
from avenue.config import Settings
from avenue.errors import AvenueError, Invalid
from avenue.identity import Actor, Role, is_id
from avenue.media.presenting import picture_json
from avenue.shop.errors import ImageNotFound, ProductNotFound, RevisionConflict
from avenue.shop.models import GroupQuery, Option, PicturedGroup, Product, ProductQuery, Sort
from avenue.shop.pages.picture_screen import screen_of, screen_page
from avenue.shop.pages.texts import SAID as PICTURES_SAID
from avenue.shop.paging import cursor_place, cursor_text
from avenue.shop.presenting import group_json
from avenue.shop.routes.bodies import MOST_PRODUCTS_OF_A_GROUP
from avenue.shop.routes.lists import list_asked_for
from avenue.shop.service.groups import SORT_VALUES, GroupService
from avenue.shop.service.products import ProductService
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext, lazy_gettext as _
from avenue.web.listing import here_with, listed
from avenue.web.pages import page, see
from avenue.web.services import using
from avenue.words import wanted_words

PATH = "/admin/groups"
LONGEST_OPTION = 64
MOST_OPTIONS = 50
MOST_FOUND = 20

SORTS = {
    "-created_at": _("Newest first"),
    "created_at": _("Oldest first"),
    "-updated_at": _("Recently updated"),
    "updated_at": _("Least recently updated"),
    "name": _("Name, A to Z"),
    "-name": _("Name, Z to A"),
}
SAID = {
    "created": _("Group created. Now add photos."),
    "saved": _("Saved."),
    "deleted": _("Group deleted. Its products were kept."),
}
blueprint = Blueprint("group_pages", __name__, url_prefix=PATH, template_folder="../templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The values of the form; `skus` has one on each line, `find` is a search, not saved.

    `was` is a hash of the values stored when the page was created. The group's revision cannot be
    used, because it also counts changes of the pictures, which are made on the same page.
    """

    name: str = ""
    model: str = ""
    members: tuple[str, ...] = ()
    skus: str = ""
    find: str = ""
    options: tuple[Option, ...] = ()
    was: str = ""


class NotSaved(Exception):
    """The form cannot be saved; the text says why."""


@blueprint.get("")
@require(Role.SELLER)
def show_groups() -> Response:
    """Show your own groups, for staff and administrators all."""
    actor = current_actor()
    query = GroupQuery(
        owner=None if actor.runs_shop else actor.id, **list_asked_for([*SORT_VALUES])
    )
    found = listed(
        query,
        partial(using(GroupService).find, actor),
        partial(cursor_text, query.sort),
        partial(cursor_place, query.sort),
    )
    covers = [
        picture_json(actor.site, each.images[0]) if each.images else None for each in found.items
    ]
    return page(
        "shop/groups.html",
        rows=list(zip(found.items, covers, strict=True)),
        found=found,
        search=request.args.get("search", ""),
        sort=request.args.get("sort") or "-created_at",
        sorts=SORTS,
        at=here_with,
        said=SAID.get(request.args.get("said", "")),
    )


@blueprint.get("/new")
@require(Role.SELLER)
def show_new_group() -> Response:
    """Show the form of a group that is not there yet."""
    return _form_page(current_actor(), None, [], Form())


@blueprint.post("/new")
@require(Role.SELLER)
@audited("group.created")
def create_group() -> Response:
    """Create a group, or search for products for it."""
    actor, form = current_actor(), _sent()
    if _only_looks():
        nothing_changed()
        return _form_page(actor, None, [], form)
    try:
        members = _members(actor, form, [])
        created = using(GroupService).create(
            actor, model=form.model or form.name, name=form.name, product_ids=members
        )
    except (NotSaved, ProductNotFound) as error:
        return _form_page(actor, None, [], form, error)
    note(object_id=created.group.id)
    return see(f"{PATH}/{created.group.id}?said=created")


@blueprint.get("/<group_id>")
@require(Role.SELLER)
def show_group(group_id: str) -> Response:
    """Show a group of your own: its form and its pictures."""
    actor = current_actor()
    pictured, members = using(GroupService).get_own(actor, group_id)
    return _form_page(actor, pictured, members, _form_of(pictured, members))


@blueprint.post("/<group_id>")
@require(Role.SELLER)
@audited("group.changed", "group_id")
def save_group(group_id: str) -> Response:
    """Save the form of a group, or search for products for it."""
    actor, form = current_actor(), _sent()
    pictured, known = using(GroupService).get_own(actor, group_id)
    if _only_looks():
        nothing_changed()
        return _form_page(actor, pictured, known, form, was=form.was)
    try:
        members = _members(actor, form, known)
        _check_unchanged(form, pictured, known)
        changes = {
            "name": form.name,
            "model": form.model or form.name,
            "options": _still_shown(form.options, pictured),
        }
        using(GroupService).change(actor, group_id, changes, members, pictured.group.revision)
    except (NotSaved, ProductNotFound, ImageNotFound, RevisionConflict) as error:
        pictured, known = using(GroupService).get_own(actor, group_id)
        was = None if isinstance(error, RevisionConflict) else form.was
        return _form_page(actor, pictured, known, form, error, was=was)
    return see(f"{PATH}/{group_id}?said=saved")


@blueprint.get("/<group_id>/delete")
@require(Role.SELLER)
def ask_to_delete_group(group_id: str) -> Response:
    """Ask for confirmation before deleting a group."""
    pictured, members = using(GroupService).get_own(current_actor(), group_id)
    return page(
        "shop/group_delete.html",
        group=pictured.group,
        pictures=len(pictured.images),
        products=len(members),
        days=using(Settings).trash_days,
    )


@blueprint.post("/<group_id>/delete")
@require(Role.SELLER)
@audited("group.deleted", "group_id")
def delete_group(group_id: str) -> Response:
    """Delete a group; its products stay."""
    using(GroupService).delete(current_actor(), group_id)
    return see(f"{PATH}?said=deleted")


def _sent() -> Form:
    """Return the submitted form, cleaned."""
    fields = request.form
    return Form(
        name=fields.get("name", "").strip(),
        model=fields.get("model", "").strip(),
        members=tuple(filter(is_id, dict.fromkeys(fields.getlist("member")))),
        skus=fields.get("skus", ""),
        find=fields.get("find", "").strip()[:LONGEST_NAME],
        options=tuple(
            Option(name=name, images=tuple(fields.getlist(f"option-{number}-image")))
            for number in range(MOST_OPTIONS + 1)
            if (name := fields.get(f"option-{number}-name", "").strip())
        ),
        was=fields.get("was", ""),
    )


def _form_of(pictured: PicturedGroup, members: Sequence[Product]) -> Form:
    group = pictured.group
    return Form(
        name=group.name,
        model=group.model,
        members=tuple(each.id for each in members),
        options=group.options,
    )


def _only_looks() -> bool:
    """Return whether the form is a search, not to be saved."""
    return "find" in request.form.getlist("do")


def _mark_of(pictured: PicturedGroup, members: Sequence[Product]) -> str:
    """Return a hash of the stored values of everything in the form."""
    group = pictured.group
    values = [
        group.name,
        group.model,
        [(each.name, each.images) for each in _still_shown(group.options, pictured)],
        sorted(each.id for each in members),
    ]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _check_unchanged(form: Form, pictured: PicturedGroup, members: Sequence[Product]) -> None:
    if form.was != _mark_of(pictured, members):
        raise RevisionConflict


def _still_shown(options: Sequence[Option], pictured: PicturedGroup) -> tuple[Option, ...]:
    """Return `options` without pictures that the group no longer has."""
    keys = {each.key for each in pictured.group.images}
    return tuple(
        Option(name=each.name, images=tuple(key for key in each.images if key in keys))
        for each in options
    )


def _members(actor: Actor, form: Form, known: Sequence[Product]) -> list[str]:
    """Return the ids of the products named in the form; raise `NotSaved`."""
    _check(form)
    skus = [line.strip() for line in form.skus.splitlines() if line.strip()]
    if len(skus) > MOST_PRODUCTS_OF_A_GROUP:
        raise NotSaved(_too_many())
    by_sku = using(ProductService).own_by_sku(actor, skus)
    by_sku |= {each.sku: each for each in known if each.sku in skus}
    missing = [each for each in skus if each not in by_sku]
    if missing:
        named = ", ".join(missing[:MOST_FOUND])
        raise NotSaved(gettext("You have no product with this SKU: %(skus)s", skus=named))
    members = list(dict.fromkeys([*form.members, *(by_sku[each].id for each in skus)]))
    if len(members) > MOST_PRODUCTS_OF_A_GROUP:
        raise NotSaved(_too_many())
    return members


def _check(form: Form) -> None:
    names = [each.name for each in form.options]
    if not form.name:
        raise NotSaved(gettext("Enter a name for the group."))
    if max(len(form.name), len(form.model)) > LONGEST_NAME:
        raise NotSaved(
            gettext("The name is too long: at most %(num)s characters.", num=LONGEST_NAME)
        )
    if len(set(names)) < len(names):
        raise NotSaved(gettext("Two options have the same name."))
    if any(len(each) > LONGEST_OPTION for each in names):
        raise NotSaved(
            gettext("An option is too long: at most %(num)s characters.", num=LONGEST_OPTION)
        )
    if len(names) > MOST_OPTIONS:
        raise NotSaved(gettext("A group can have up to %(num)s options.", num=MOST_OPTIONS))


def _too_many() -> str:
    return gettext("A group can have up to %(num)s products.", num=MOST_PRODUCTS_OF_A_GROUP)


def _form_page(
    actor: Actor,
    pictured: PicturedGroup | None,
    known: Sequence[Product],
    form: Form,
    error: Exception | None = None,
    *,
    was: str | None = None,
) -> Response:
    """Return the page with `form` on it; `known` are the products stored in the group.

    `was` is the hash of what the form was based on; None: of what is stored now.
    """
    service = using(ProductService)
    products = {each.id: each for each in known}
    products |= {each.product.id: each.product for each in service.own_among(actor, form.members)}
    group = group_json(actor, pictured) if pictured else None
    said = request.args.get("said", "")
    facts: dict[str, Any] = {
        "group": group,
        "form": form,
        "was": (was or _mark_of(pictured, known)) if pictured else "",
        "members": [products[each] for each in form.members if each in products],
        "results": _found(actor, form),
        "options": [*form.options, Option(name="", images=())][:MOST_OPTIONS],
        "said": SAID.get(said) or PICTURES_SAID.get(said),
        "problem": _reason(error) if error else "",
    }
    if pictured is None:
        return page("shop/group.html", status=_status(error), **facts)
    screen = screen_of(pictured.group.claim)
    return screen_page("shop/group.html", screen=screen, status=_status(error), **facts)


def _found(actor: Actor, form: Form) -> list[Product] | None:
    """Return the products found by the form's search that are not in it; None without a search."""
    if not form.find:
        return None
    query = ProductQuery(
        words=wanted_words(form.find),
        owner=None if actor.runs_shop else actor.id,
        sort=Sort.NAME,
        descending=False,
        limit=MOST_FOUND,
    )
    found = using(ProductService).find(actor, query)
    return [each.product for each in found.items if each.product.id not in form.members]


def _status(error: Exception | None) -> int:
    if isinstance(error, AvenueError):
        return error.status
    return Invalid.status if error else 200


def _reason(error: Exception) -> str:
    match error:
        case RevisionConflict():
            return gettext(
                "Someone else changed this group. Nothing was saved: check that your "
                "changes still apply, then save again."
            )
        case ProductNotFound():
            return gettext("A product no longer exists. Nothing was saved.")
        case ImageNotFound():
            return gettext("A photo of an option no longer exists. Nothing was saved.")
        case _:
            return str(error)
