"""`/admin/products/new` and `/admin/products/<id>`: one product, its fields and its pictures.

Two people may edit the same product. A form contains what each field showed (`was.name`), so that
only changed fields are written, and only fields that both changed are asked about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_name
from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.identity import Role
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.receiving import note_upload, received
from avenue.shop import attributes
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
from avenue.shop.pages.pictures import FRAGMENT, new_screen, screen_of, screen_page
from avenue.shop.pages.products import PATH
from avenue.shop.pages.texts import LABELS, SAID, STATUSES
from avenue.shop.routes.bodies import NewProduct, ProductChanges
from avenue.shop.service.groups import GroupService
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.shop.typed_prices import (
    AmbiguousPrice,
    HasCents,
    UnreadablePrice,
    read_price,
    typed_price,
)
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.hosts import current_site
from avenue.web.language import LANGUAGES, LOCALES, language
from avenue.web.language import gettext as _
from avenue.web.limits import upload_route
from avenue.web.pages import page, see
from avenue.web.services import using

FIELDS = (
    "name",
    "sku",
    "description",
    "price",
    "currency",
    "status",
    "group",
    "category",
    "attributes",
)
CURRENCIES = (DEFAULT_CURRENCY, "USD", "EUR", "BRL", "ARS")
LONGEST_NAME = 200
TRIES = 5
UNPROCESSABLE = 422
TEMPORARY = "temp_images"
FIXED_FIELDS = 3
"""Further fields in the form of a new product: the CSRF token, the revision and the price format.
"""
Texts = dict[str, str]

blueprint = Blueprint("product_page", __name__, url_prefix=PATH, template_folder="../templates")


@dataclass(slots=True, kw_only=True)
class Form:
    """The form: `typed` values of its fields, and `was`, what they showed before.

    `errors` are sentences by field, `contested` someone else's values of fields that this person
    changed as well. `tongue` is the language of the price format.
    """

    typed: Texts
    was: Texts
    tongue: str
    revision: int = 0
    errors: dict[str, str] = field(default_factory=dict)
    contested: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> list[str]:
        """The changed fields; price and currency count as one."""
        found = {each for each in FIELDS if self.typed[each] != self.was[each]}
        if found & {"price", "currency"}:
            found |= {"price", "currency"}
        return [each for each in FIELDS if each in found]


@blueprint.get("/new")
@require(Role.SELLER)
def show_new() -> Response:
    """Show an empty form; `?temp_images=` are the pictures for the product."""
    form = Form(typed=_blank(), was=_blank(), tongue=language())
    return _new_page(form, chosen=request.args.getlist(TEMPORARY) or None)


@blueprint.post("/new")
@require(Role.SELLER)
@audited("product.created")
def create() -> Response:
    """Create the product with the temporary pictures `temp_images`, or show the errors."""
    form, temp_images = _sent(request.form), request.form.getlist(TEMPORARY)
    values = _read(form, FIELDS)
    body = _validated(NewProduct, {**values, "temp_images": temp_images}, form)
    if body is None or form.errors:
        return _new_page(form, status=UNPROCESSABLE, chosen=temp_images)
    fields = body.model_dump(exclude={"temp_images"}) | {"status": Status(body.status)}
    try:
        created = using(ProductService).create(
            current_actor(), ProductFields(**fields), body.temp_images
        )
    except (SkuTaken, GroupNotFound, TempImageExpired, TooManyImages) as error:
        _explain(form, error)
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
    texts = _texts(product, language())
    form = Form(typed=texts, was=dict(texts), tongue=language(), revision=product.revision)
    return _edit_page(product, form)


@blueprint.post("/<product_id>")
@require(Role.SELLER)
@audited("product.changed", "product_id")
def change(product_id: str) -> Response:
    """Save the changes; ask about fields that someone else changed as well."""
    actor, form = current_actor(), _sent(request.form)
    for _try in range(TRIES):
        product = using(ProductService).own(actor, product_id)
        if product.revision != form.revision and _contest(form, product):
            return _edit_page(product, form, status=RevisionConflict.status)
        changes = _changes(form)
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
            _explain(form, error)
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
    return _new_page(_sent(sent), chosen=sent.getlist(TEMPORARY), **facts)


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


def _blank() -> Texts:
    return dict.fromkeys(FIELDS, "") | {"currency": DEFAULT_CURRENCY, "status": Status.DRAFT.value}


def _texts(product: Product, tongue: str) -> Texts:
    """Return the fields of `product` as form values."""
    return {
        "name": product.name,
        "sku": product.sku or "",
        "description": _lines(product.description),
        "price": typed_price(product.price, LOCALES[tongue]),
        "currency": product.currency,
        "status": product.status.value,
        "group": product.group or "",
        "category": product.category or "",
        "attributes": attributes.written(product.attributes, "\n"),
    }


def _lines(text: str) -> str:
    """Return `text` with the line ends of a form."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _sent(sent: MultiDict[str, str]) -> Form:
    """Return the submitted form; fields where the person chose the saved value are unchanged."""
    tongue = sent.get("tongue", "")
    blank = _blank()
    was = {each: _lines(sent.get(f"was.{each}", blank[each])) for each in FIELDS}
    typed = {each: _lines(sent.get(each, was[each])) for each in FIELDS}
    theirs = [each for each in FIELDS if sent.get(f"choose.{each}") == "theirs"]
    return Form(
        typed=typed | {each: was[each] for each in theirs},
        was=was,
        tongue=tongue if tongue in LANGUAGES else language(),
        revision=sent.get("revision", default=0, type=int),
    )


def _contest(form: Form, product: Product) -> bool:
    """Compare with the current `product`: fields that only someone else changed are taken over.

    Return whether the person has to choose.
    """
    now = _texts(product, form.tongue)
    changed = [each for each in FIELDS if form.typed[each] != form.was[each]]
    form.contested = {
        each: now[each]
        for each in changed
        if now[each] != form.was[each] and now[each] != form.typed[each]
    }
    form.typed = {each: form.typed[each] if each in changed else now[each] for each in FIELDS}
    form.was, form.revision = now, product.revision
    return bool(form.contested)


def _changes(form: Form) -> dict[str, Any]:
    """Return the changed fields with their values; add errors to the form."""
    changed = form.changed
    body = _validated(ProductChanges, _read(form, changed), form)
    if body is None or form.errors:
        return {}
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    if "status" in changes:
        changes["status"] = Status(changes["status"])
    return changes


def _read(form: Form, fields: Sequence[str]) -> dict[str, Any]:
    """Return some fields in the form of the API; add an error for an invalid price."""
    values: dict[str, Any] = {each: form.typed[each] for each in fields}
    for each in {"sku", "group", "category"} & values.keys():
        values[each] = values[each].strip() or None
    if "attributes" in values:
        try:
            values["attributes"] = attributes.read(values["attributes"])
        except attributes.NoAttributes:
            form.errors["attributes"] = _problem("attributes", "", {})
            values["attributes"] = {}
    if "price" in values:
        try:
            price = read_price(values["price"], form.typed["currency"], LOCALES[form.tongue])
        except UnreadablePrice as error:
            form.errors["price"] = _price_problem(error, form.tongue)
            price = None
        values["price"] = None if price is None else f"{price:f}"
    return values


def _price_problem(error: UnreadablePrice, tongue: str) -> str:
    whole = typed_price(Decimal(150_000), LOCALES[tongue])
    cents = typed_price(Decimal("150000.5"), LOCALES[tongue])
    match error:
        case HasCents():
            return _(
                "Prices in guaraníes have no decimals: enter it as %(example)s.", example=whole
            )
        case AmbiguousPrice():
            return _("This can mean two prices: enter it as %(example)s.", example=whole)
        case _other:
            return _("Enter the price as %(whole)s or %(cents)s.", whole=whole, cents=cents)


def _validated(model: type[BaseModel], values: Mapping[str, Any], form: Form) -> Any:
    """Return `values` as a `model`, or None with the errors added to the form."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            where = str(each["loc"][0])
            form.errors.setdefault(where, _problem(where, each["type"], each.get("ctx", {})))
        return None


def _problem(where: str, kind: str, facts: Mapping[str, Any]) -> str:
    match kind:
        case _any if where == "attributes":
            said = _(
                "Enter one per line, like Size: 38, 39. Up to %(names)s lines and "
                "%(values)s values.",
                names=attributes.MOST_ATTRIBUTES,
                values=attributes.MOST_VALUES,
            )
        case "string_too_short":
            said = _("Enter a name.")
        case "string_too_long":
            said = _("Too long: at most %(most)s characters.", most=facts["max_length"])
        case "category":
            said = _(
                "Enter the names from general to specific, separated by >, like Shoes > Boots."
            )
        case "price":
            said = _("This price is too long.")
        case _other if where == "temp_images":
            said = _("Some photos cannot be used: remove them and upload them again.")
        case _other:
            said = _("Choose one from the list.")
    return said


def _explain(form: Form, error: AvenueError) -> None:
    match error:
        case SkuTaken():
            form.errors["sku"] = _("Another product already has this SKU.")
        case TooManyCategories():
            form.errors["category"] = " ".join(error.said(_))
        case GroupNotFound():
            form.errors["group"] = _("This group no longer exists or is not yours.")
        case TempImageExpired():
            form.errors["temp_images"] = _(
                "A photo has expired or already belongs to another product, so nothing was "
                "saved. The remaining photos are shown: upload what is missing and save "
                "again."
            )
        case TooManyImages():
            form.errors["temp_images"] = _(
                "The limit is %(limit)s photos: uncheck the others.",
                limit=error.facts["limit"],
            )
        case _other:
            raise error
