"""The form of a product: its values, its errors, and the changes of two people at once.

A form contains what each field showed (`was.name`), so that only changed fields are written, and
only fields that both people changed are asked about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from avenue.errors import AvenueError
from avenue.shop import attributes
from avenue.shop.errors import (
    GroupNotFound,
    SkuTaken,
    TempImageExpired,
    TooManyCategories,
    TooManyImages,
)
from avenue.shop.models import DEFAULT_CURRENCY, Product, Status
from avenue.shop.routes.bodies import ProductChanges
from avenue.shop.typed_prices import (
    AmbiguousPrice,
    HasCents,
    UnreadablePrice,
    read_price,
    typed_price,
)
from avenue.web.language import LANGUAGES, LOCALES, gettext as _, language

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
Texts = dict[str, str]


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

    def contest(self, product: Product) -> bool:
        """Compare with the current `product`: fields that only someone else changed are taken over.

        Return whether the person has to choose.
        """
        now = texts_of(product, self.tongue)
        changed = [each for each in FIELDS if self.typed[each] != self.was[each]]
        self.contested = {
            each: now[each]
            for each in changed
            if now[each] != self.was[each] and now[each] != self.typed[each]
        }
        self.typed = {each: self.typed[each] if each in changed else now[each] for each in FIELDS}
        self.was, self.revision = now, product.revision
        return bool(self.contested)

    def changes(self) -> dict[str, Any]:
        """Return the changed fields with their values; add errors to the form."""
        changed = self.changed
        body = self.validated(ProductChanges, self.read(changed))
        if body is None or self.errors:
            return {}
        changes: dict[str, Any] = body.model_dump(exclude_unset=True)
        if "status" in changes:
            changes["status"] = Status(changes["status"])
        return changes

    def read(self, fields: Sequence[str]) -> dict[str, Any]:
        """Return some fields in the form of the API; add an error for an invalid price."""
        values: dict[str, Any] = {each: self.typed[each] for each in fields}
        for each in {"sku", "group", "category"} & values.keys():
            values[each] = values[each].strip() or None
        if "attributes" in values:
            try:
                values["attributes"] = attributes.read(values["attributes"])
            except attributes.NoAttributes:
                self.errors["attributes"] = _problem("attributes", "", {})
                values["attributes"] = {}
        if "price" in values:
            try:
                price = read_price(values["price"], self.typed["currency"], LOCALES[self.tongue])
            except UnreadablePrice as error:
                self.errors["price"] = _price_problem(error, self.tongue)
                price = None
            values["price"] = None if price is None else f"{price:f}"
        return values

    def validated(self, model: type[BaseModel], values: Mapping[str, Any]) -> Any:
        """Return `values` as a `model`, or None with the errors added to the form."""
        try:
            return model.model_validate(values)
        except ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                where = str(each["loc"][0])
                self.errors.setdefault(where, _problem(where, each["type"], each.get("ctx", {})))
            return None

    def explain(self, error: AvenueError) -> None:
        """Add the sentence for a refused save; raise `error` if there is none."""
        match error:
            case SkuTaken():
                self.errors["sku"] = _("Another product already has this SKU.")
            case TooManyCategories():
                self.errors["category"] = " ".join(error.said(_))
            case GroupNotFound():
                self.errors["group"] = _("This group no longer exists or is not yours.")
            case TempImageExpired():
                self.errors["temp_images"] = _(
                    "A photo has expired or already belongs to another product, so nothing was "
                    "saved. The remaining photos are shown: upload what is missing and save "
                    "again."
                )
            case TooManyImages():
                self.errors["temp_images"] = _(
                    "The limit is %(limit)s photos: uncheck the others.",
                    limit=error.facts["limit"],
                )
            case _other:
                raise error


def blank() -> Texts:
    """Return the values of an empty form."""
    return dict.fromkeys(FIELDS, "") | {"currency": DEFAULT_CURRENCY, "status": Status.DRAFT.value}


def texts_of(product: Product, tongue: str) -> Texts:
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


def sent_form(sent: MultiDict[str, str]) -> Form:
    """Return the submitted form; fields where the person chose the saved value are unchanged."""
    tongue = sent.get("tongue", "")
    empty = blank()
    was = {each: _lines(sent.get(f"was.{each}", empty[each])) for each in FIELDS}
    typed = {each: _lines(sent.get(each, was[each])) for each in FIELDS}
    theirs = [each for each in FIELDS if sent.get(f"choose.{each}") == "theirs"]
    return Form(
        typed=typed | {each: was[each] for each in theirs},
        was=was,
        tongue=tongue if tongue in LANGUAGES else language(),
        revision=sent.get("revision", default=0, type=int),
    )


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
