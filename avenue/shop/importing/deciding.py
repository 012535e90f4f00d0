"""Decides the outcome of each row, for a dry run and a real import, and for undoing.

Nothing here reads or writes the database; `store/imports.py` passes in what it found, inside the
transaction that then applies the decisions.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from avenue.errors import AvenueError, sentence
from avenue.identity import is_id
from avenue.shop import attributes
from avenue.shop.categories import MOST_CATEGORIES
from avenue.shop.errors import GroupNotFound, SkuTaken, TooManyCategories, TooManyImages
from avenue.shop.importing.errors import BadCell
from avenue.shop.importing.models import (
    Changes,
    Decision,
    Found,
    Import,
    NewRow,
    Outcome,
    Refusal,
    Reversal,
    Row,
    UndoDecision,
    Undone,
    Written,
)
from avenue.shop.importing.prices import check_currency
from avenue.shop.models import DEFAULT_CURRENCY, Entry, Group, Product, Status

# Default values of a product.
EMPTY: Mapping[str, Written] = {
    "description": "",
    "price": None,
    "group": None,
    "category": None,
    "attributes": None,
    "image_urls": [],
}


def written(product: Product) -> dict[str, Written]:
    """Return the fields of a product in the form stored with a row."""
    return {
        "name": product.name,
        "description": product.description,
        "price": f"{product.price:f}" if product.price is not None else None,
        "currency": product.currency,
        "status": product.status.value,
        "group": product.group,
        "category": product.category,
        "attributes": attributes.written(product.attributes, " | ") or None,
        "image_urls": [each.key for each in product.images],
    }


def _with(product: Product, values: Mapping[str, Written]) -> Product:
    """Return `product` with some fields replaced by stored values."""
    return replace(product, **{READ_AS[name][0]: READ_AS[name][1](values[name]) for name in values})


def _is_same(field: str, one: Written, other: Written) -> bool:
    if field == "price" and isinstance(one, str) and isinstance(other, str):
        return Decimal(one) == Decimal(other)
    return one == other


def _as_it_is(value: Any) -> Any:
    return value


READ_AS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "name": ("name", _as_it_is),
    "description": ("description", _as_it_is),
    "price": ("price", lambda digits: None if digits is None else Decimal(digits)),
    "currency": ("currency", _as_it_is),
    "status": ("status", Status),
    "group": ("group", _as_it_is),
    "category": ("category", _as_it_is),
    "attributes": ("attributes", lambda text: attributes.cleaned(attributes.read(text or ""))),
    "image_urls": ("images", lambda urls: tuple(Entry(url=each) for each in urls)),
}


class Decider:
    """Decides about rows of one import; `most_images` is how many pictures a product may have."""

    def __init__(self, run: Import, found: Found, *, most_images: int, now: datetime) -> None:
        self._run = run
        self._found = found
        self._most_images = most_images
        self._now = now
        self._groups = {each.id: each for each in found.groups}
        self._made: dict[str, Group] = {}
        self._categories = set(found.categories)

    def decide(self, rows: Sequence[NewRow]) -> list[Decision]:
        """Return the decision for each row."""
        return [self._decided(each) for each in rows]

    def _decided(self, row: NewRow) -> Decision:
        if row.error is not None:
            return Decision(row=row, outcome=Outcome.REFUSED, error=row.error)
        try:
            before = self._found.products.get(row.sku or "")
            return self._change(row, before) if before else self._creation(row)
        except AvenueError as error:
            return Decision(row=row, outcome=Outcome.REFUSED, error=Refusal.of(error))

    def _change(self, row: NewRow, before: Product) -> Decision:
        if not self._run.may_change(before.owner):
            raise SkuTaken(sku=before.sku or "")
        check_currency(str(row.values.get("currency", before.currency)), has_cents=row.has_cents)
        values, now_is = dict(row.values), written(before)
        if before.images:
            values.pop("image_urls", None)
        self._check_images(values)
        self._check_category(values)
        new_group = self._put_group(values, before, row)
        changes = {
            name: (now_is[name], value)
            for name, value in values.items()
            if not _is_same(name, now_is[name], value)
        }
        if not changes:
            return Decision(row=row, outcome=Outcome.UNCHANGED, before=before, after=before)
        after = _with(before, {name: value for name, (_, value) in changes.items()})
        return self._decision(row, Outcome.UPDATED, before, after, changes, new_group)

    def _creation(self, row: NewRow) -> Decision:
        if not row.values.get("name"):
            raise BadCell(sentence("A new product needs a name."), field="name")
        values = dict(row.values)
        check_currency(str(values.get("currency", DEFAULT_CURRENCY)), has_cents=row.has_cents)
        self._check_images(values)
        self._check_category(values)
        new_group = self._put_group(values, None, row)
        blank = Product(
            id=self._id_of(f"product/{row.number}"),
            owner=self._run.by,
            sku=row.sku,
            name="",
            description="",
            price=None,
            currency=DEFAULT_CURRENCY,
            status=Status.DRAFT,
            group=None,
            images=(),
            revision=1,
            created_at=self._now,
            updated_at=self._now,
        )
        after = _with(blank, values)
        changes: Changes = {
            name: (None, value)
            for name, value in written(after).items()
            if name not in EMPTY or value != EMPTY[name]
        }
        return self._decision(row, Outcome.CREATED, None, after, changes, new_group)

    def _decision(
        self,
        row: NewRow,
        outcome: Outcome,
        before: Product | None,
        after: Product,
        changes: Changes,
        new_group: Group | None,
    ) -> Decision:
        ids = {each for each in changes.get("group", ()) if isinstance(each, str)}
        return Decision(
            row=row,
            outcome=outcome,
            before=before,
            after=after,
            fields=tuple(READ_AS[name][0] for name in changes),
            changes=changes,
            group_names={each: self._groups[each].model for each in ids if each in self._groups},
            new_group=new_group,
        )

    def _check_images(self, values: Mapping[str, Written]) -> None:
        if len(values.get("image_urls") or ()) > self._most_images:
            raise TooManyImages(limit=self._most_images)

    def _check_category(self, values: Mapping[str, Written]) -> None:
        category = values.get("category")
        if not isinstance(category, str) or category in self._categories:
            return
        if len(self._categories) >= MOST_CATEGORIES:
            raise TooManyCategories(limit=MOST_CATEGORIES, field="category")
        self._categories.add(category)

    def _put_group(
        self, values: dict[str, Written], before: Product | None, row: NewRow
    ) -> Group | None:
        """Replace a group's model in `values` by its id; return the group when it is a new one."""
        name = values.get("group")
        if not isinstance(name, str):
            return None
        present = self._groups.get(before.group or "") if before else None
        if present is not None and name in {present.id, present.model}:
            values["group"] = present.id
            return None
        group = self._group(name, row)
        values["group"] = group.id
        return group if group.id in self._made else None

    def _group(self, name: str, row: NewRow) -> Group:
        """Return the group with this model or id, a new one if there is none."""
        own = [each for each in self._groups.values() if self._run.may_change(each.owner)]
        found = next((each for each in own if name == each.model), None)
        found = found or next((each for each in own if name == each.id), None)
        if found is None and is_id(name):
            raise GroupNotFound(field="group")
        return found or self._new_group(name, row)

    def _new_group(self, model: str, row: NewRow) -> Group:
        group = Group(
            id=self._id_of(f"group/{row.number}"),
            owner=self._run.by,
            model=model,
            name=model,
            options=(),
            images=(),
            revision=1,
            created_at=self._now,
            updated_at=self._now,
        )
        self._made[group.id] = self._groups[group.id] = group
        return group

    def _id_of(self, what: str) -> str:
        """Return the id of an object created by this import: the same one in each attempt."""
        digest = hashlib.sha256(f"{self._run.id}/{what}".encode()).digest()
        return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def decide_undo(row: Row, product: Product | None, group_ids: frozenset[str]) -> UndoDecision:
    """Return how a row is undone: fields that were changed since are kept.

    `product` is the one the row created or changed, if it still exists; `group_ids` are the groups
    that still exist.
    """
    if product is None:
        return UndoDecision(row=row, undone=Undone(reversal=Reversal.GONE))
    now_is = {"sku": product.sku, **written(product)}
    imported = {name: after for name, (_, after) in row.changes.items()}
    if row.outcome is Outcome.CREATED:
        imported = {**EMPTY, **imported, "sku": row.sku}
    changed = {name for name in imported if not _is_same(name, now_is[name], imported[name])}
    if row.outcome is Outcome.CREATED:
        return _undo_creation(row, product, changed)
    gone = {
        name
        for name, (before, _) in row.changes.items()
        if name == "group" and isinstance(before, str) and before not in group_ids
    }
    back = {name: before for name, (before, _) in row.changes.items() if name not in changed | gone}
    kept = tuple(sorted(changed | gone))
    if not back:
        return UndoDecision(row=row, undone=Undone(reversal=Reversal.KEPT, kept=kept))
    return UndoDecision(
        row=row,
        undone=Undone(reversal=Reversal.RESTORED, kept=kept),
        before=product,
        after=_with(product, back),
        fields=tuple(READ_AS[name][0] for name in back),
    )


def _undo_creation(row: Row, product: Product, changed: set[str]) -> UndoDecision:
    if changed:
        kept = Undone(reversal=Reversal.KEPT, kept=tuple(sorted(changed)))
        return UndoDecision(row=row, undone=kept)
    return UndoDecision(row=row, undone=Undone(reversal=Reversal.DELETED), before=product)
