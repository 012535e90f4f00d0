"""`/admin/products/new` and `/admin/products/<id>`: one product, its fields and its pictures."""

from collections.abc import Sequence
from typing import Any

from babel.numbers import get_currency_name
from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from avenue.bodies import LONGEST_NAME
from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.identity import Role
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.receiving import note_upload, received
from avenue.shop.errors import (
    GroupNotFound,
    RevisionConflict,
    SkuTaken,
    TempImageExpired,
    TempImageNotFound,
    TooManyCategories,
    TooManyImages,
)
from avenue.shop.models import DEFAULT_CURRENCY, Product, ProductFields, Status
from avenue.shop.pages.picture_screen import FRAGMENT, new_screen, screen_of, screen_page
from avenue.shop.pages.product_form import FIELDS, Form, blank, sent_form, texts_of
from avenue.shop.pages.products import PATH
from avenue.shop.pages.texts import LABELS, SAID, STATUSES
from avenue.shop.routes.bodies import NewProduct
from avenue.shop.service.groups import GroupService
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.hosts import current_site
from avenue.web.language import LOCALES, gettext as _, language
from avenue.web.limits import upload_route
from avenue.web.pages import page, see
from avenue.web.services import using

CURRENCIES = (DEFAULT_CURRENCY, "USD", "EUR", "BRL", "ARS")
TRIES = 5
UNPROCESSABLE = 422
TEMPORARY = "temp_images"
FIXED_FIELDS = 3
"""Further fields in the form of a new product: the CSRF token, the revision and the price format.
"""

blueprint = Blueprint("product_page", __name__, url_prefix=PATH, template_folder="../templates")


@blueprint.get("/new")
@require(Role.SELLER)
def show_new() -> Response:
    """Show an empty form; `?temp_images=` are the pictures for the product."""
    form = Form(typed=blank(), was=blank(), tongue=language())
    return _new_page(form, chosen=request.args.getlist(TEMPORARY) or None)


@blueprint.post("/new")
@require(Role.SELLER)
@audited("product.created")
def create() -> Response:
    """Create the product with the temporary pictures `temp_images`, or show the errors."""
    form, temp_images = sent_form(request.form), request.form.getlist(TEMPORARY)
    values = form.read(FIELDS)
    body = form.validated(NewProduct, {**values, "temp_images": temp_images})
    if body is None or form.errors:
        return _new_page(form, status=UNPROCESSABLE, chosen=temp_images)
    fields = body.model_dump(exclude={"temp_images"}) | {"status": Status(body.status)}
    try:
        created = using(ProductService).create(
            current_actor(), ProductFields(**fields), body.temp_images
        )
    except (SkuTaken, GroupNotFound, TempImageExpired, TooManyImages) as error:
        form.explain(error)
        return _new_page(form, status=error.status, chosen=temp_images)
    note(object_id=created.product.id)
    return see(f"{PATH}/{created.product.id}?said=created")


@blueprint.get("/new/pictures")
@require(Role.SELLER)
def show_temporary_pictures() -> Response:
    """Show the pictures of a new product as a fragment of their page."""
    return page(FRAGMENT, screen=new_screen(), refused=())


@blueprint.post("/new/pictures")
@require(Role.SELLER)
@upload_route
@audited("temp_image.added")
def add_temporary_pictures() -> Response:
    """Store the files of the form for the new product, and show the typed values again."""
    sent: MultiDict[str, str] = MultiDict()
    most_pictures = using(PictureService).limit_on(current_actor().site)
    more_parts = FIXED_FIELDS + 2 * len(FIELDS) + most_pictures
    try:
        files = received(using(UploadPolicy), fields=sent, more_parts=more_parts)
        upload_result = using(PictureService).add_temporary(current_actor(), files, key=None)
    except AvenueError as error:
        return _typed_again(sent, status=error.status, refused=[(error.code, "")])
    note_upload(upload_result)
    for each in upload_result.assets:
        sent.add(TEMPORARY, each.id)
    refused = [(each.code, each.name) for each in upload_result.refusals]
    return _typed_again(sent, said=SAID["added"], refused=refused)


@blueprint.post("/new/pictures/remove")
@require(Role.SELLER)
@audited("temp_image.removed")
def remove_temporary_picture() -> Response:
    """Delete the temporary picture named in `key`, and show the typed values again."""
    asset_id = request.form.get("key", "")
    try:
        using(PictureService).remove_temporary(current_actor(), asset_id)
    except TempImageNotFound as error:
        return _typed_again(request.form, status=error.status, refused=[(error.code, "")])
    note(object_id=asset_id)
    return _typed_again(request.form, said=SAID["forgotten"])


@blueprint.get("/<product_id>")
@require(Role.SELLER)
def show(product_id: str) -> Response:
    """Show the form of a product."""
    product = using(ProductService).own(current_actor(), product_id)
    texts = texts_of(product, language())
    form = Form(typed=texts, was=dict(texts), tongue=language(), revision=product.revision)
    return _edit_page(product, form)


@blueprint.post("/<product_id>")
@require(Role.SELLER)
@audited("product.changed", "product_id")
def change(product_id: str) -> Response:
    """Save the changes; ask about fields that someone else changed as well."""
    actor, form = current_actor(), sent_form(request.form)
    for _try in range(TRIES):
        product = using(ProductService).own(actor, product_id)
        if product.revision != form.revision and form.contest(product):
            return _edit_page(product, form, status=RevisionConflict.status)
        changes = form.changes()
        if form.errors:
            return _edit_page(product, form, status=UNPROCESSABLE)
        if not changes:
            nothing_changed()
            break
        try:
            using(ProductService).change(actor, product_id, changes, product.revision)
        except RevisionConflict:
            continue
        except (SkuTaken, GroupNotFound, TooManyCategories) as error:
            form.explain(error)
            return _edit_page(product, form, status=error.status)
        note(fields=sorted(changes))
        break
    else:
        raise RevisionConflict
    return see(f"{PATH}/{product_id}?said=saved")


@blueprint.post("/<product_id>/delete")
@require(Role.SELLER)
@audited("product.deleted", "product_id")
def delete(product_id: str) -> Response:
    """Move the product to the trash with its pictures."""
    using(ProductService).delete(current_actor(), product_id)
    return see(f"{PATH}?said=delete&count=1&undo={product_id}")


@blueprint.post("/<product_id>/duplicate")
@require(Role.SELLER)
@audited("product.created")
def duplicate(product_id: str) -> Response:
    """Create a draft with the same fields, without SKU and photos, and show it."""
    actor, products = current_actor(), using(ProductService)
    product = products.own(actor, product_id)
    name = _("%(name)s (copy)", name=product.name)[:LONGEST_NAME]
    fields = {each: getattr(product, each) for each in FIELDS}
    fields |= {"name": name, "sku": None, "status": Status.DRAFT}
    created = products.create(actor, ProductFields(**fields)).product
    note(object_id=created.id)
    return see(f"{PATH}/{created.id}?said=duplicated")


def _new_page(form: Form, *, chosen: Sequence[str] | None = None, **facts: Any) -> Response:
    facts |= _facts(form, None)
    return screen_page("shop/product.html", screen=new_screen(), chosen=chosen, **facts)


def _typed_again(sent: MultiDict[str, str], **facts: Any) -> Response:
    return _new_page(sent_form(sent), chosen=sent.getlist(TEMPORARY), **facts)


def _edit_page(product: Product, form: Form, *, status: int = 200) -> Response:
    screen = screen_of(product.claim)
    before, after = using(ProductService).neighbours(current_actor(), product)
    facts = _facts(form, product) | {"before": before, "after": after}
    return screen_page("shop/product.html", screen=screen, status=status, **facts)


def _facts(form: Form, product: Product | None) -> dict[str, Any]:
    groups = {each.id: each.name for each in using(GroupService).choices(current_actor())}
    if product and product.group and product.group not in groups:
        groups[product.group] = _("the group it is in")
    locale = LOCALES[language()]
    currencies = {
        each: f"{each} · {get_currency_name(each, locale=locale)}"
        for each in (*CURRENCIES, form.typed["currency"])
    }
    return {
        "product": product,
        "form": form,
        "groups": groups,
        "categories": sorted(
            " > ".join(each.names)
            for each in using(ProductService).categories(current_site()).values()
        ),
        "currencies": currencies,
        "statuses": STATUSES,
        "labels": LABELS,
        "days": using(Settings).trash_days,
    }
