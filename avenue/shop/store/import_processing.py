"""Processing and undoing imports, some rows at a time, in MongoDB.

Some rows, their changes to products and groups, and the progress of the import are written in one
transaction. So a process may be killed anywhere: what is not recorded has not been done.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from avenue.errors import Unavailable
from avenue.media.announcing.store import purge_paths
from avenue.shop.addresses import LISTS, paths_of_group
from avenue.shop.importing.errors import ImportNotFound
from avenue.shop.importing.models import (
    Decision,
    Found,
    Import,
    NewRow,
    Outcome,
    Reversal,
    Row,
    Stage,
    UndoDecision,
)
from avenue.shop.models import Product
from avenue.shop.store import products as product_store
from avenue.shop.store.documents import GROUPS, PRODUCTS, touch
from avenue.shop.store.groups import from_document as group_in, to_document as group_out
from avenue.shop.store.import_documents import (
    IMPORTS,
    ROWS,
    import_in,
    outcome_of,
    row_id_of,
    row_in,
    rows_after,
)
from avenue.shop.store.product_queries import categories_of, with_ids, with_skus
from avenue.shop.store.purges import purge_products
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Document
from avenue.storage.indexes import IS_TEXT
from avenue.storage.scope import SiteRecords

T = TypeVar("T")

# Small enough for a transaction to stay far below MongoDB's limit (60 s), large enough that waiting
# for the majority costs little per row.
ROWS_AT_ONCE = 100
MOST_TRIES = 5

Decide = Callable[[Import, Sequence[NewRow], Found], Sequence[Decision]]
DecideUndo = Callable[[Row, Product | None, frozenset[str]], UndoDecision]


class ImportProcessing(SiteRecords):
    """Applies and undoes the imports of one site at a time; every method takes the site first."""

    def apply_some(self, site_id: str, import_id: str, decide: Decide) -> Import:
        """Process the next rows of an import, all of them or none; return its new state.

        If there are no more, it is done. Raise `ImportNotFound`.
        """

        def work(imports: Collection) -> Import:
            scene = _Scene(imports, import_id)
            run = scene.run()
            if run.stage is not Stage.APPLYING:
                return run
            rows = scene.rows(scene.cursor("cursor"), {})
            if not rows:
                return scene.finish(Stage.DONE, "finished_at")
            decisions = decide(run, rows, scene.found(rows))
            if not run.dry_run:
                scene.write(decisions)
            scene.note_outcomes(decisions, has_products=not run.dry_run)
            counts = [f"counts.{each.outcome}" for each in decisions]
            return scene.move_on(rows, "cursor", [*counts, *("done" for _ in rows)])

        return self._together(site_id, work)

    def undo_some(self, site_id: str, import_id: str, decide: DecideUndo) -> Import:
        """Undo the next rows of an import; return its new state.

        If there are no more, the unused groups it created are deleted, and it is undone.
        """

        def work(imports: Collection) -> Import:
            scene = _Scene(imports, import_id)
            run = scene.run()
            if run.stage is not Stage.UNDOING:
                return run
            changed = {"outcome": {"$in": [Outcome.CREATED, Outcome.UPDATED]}}
            rows = scene.rows(scene.cursor("undo"), changed)
            if not rows:
                return scene.finish(Stage.UNDONE, "undo.finished_at")
            decisions = scene.decide_undo(rows, decide)
            scene.write_undo(decisions)
            counts = [f"undo.counts.{each.undone.reversal}" for each in decisions]
            return scene.move_on(rows, "undo.cursor", [*counts, *("undo.done" for _ in rows)])

        return self._together(site_id, work)

    def remove_empty_groups(self, site_id: str, import_id: str) -> None:
        """Delete the groups an import created that are unused and unchanged; repeatable."""
        made = self._records(site_id, ROWS).find(
            {**rows_after(import_id, ""), "new_group": {"$type": "string"}}, {"new_group": 1}
        )
        ids = iter(sorted({each["new_group"] for each in made}))
        while some := list(islice(ids, ROWS_AT_ONCE)):
            self._together(site_id, partial(_remove_unused, ids=some))

    def set_images_job(self, site_id: str, import_id: str, job_id: str) -> None:
        """Store the job that imports the pictures of an import."""
        self._records(site_id, IMPORTS).update({"_id": import_id}, {"$set": {"images_job": job_id}})

    def _together(self, site_id: str, work: Callable[[Collection], T]) -> T:
        """Run `work` with the imports, in a transaction.

        Again if someone else took a SKU at the same moment.
        """
        for _ in range(MOST_TRIES):
            try:
                return self._records(site_id, IMPORTS).transaction(work)
            except AlreadyThere:
                continue
        raise Unavailable


def _remove_unused(imports: Collection, ids: Sequence[str]) -> None:
    """Delete the groups of `ids` that are unused and unchanged, in the transaction of `imports`."""
    groups, products = imports.beside(GROUPS), imports.beside(PRODUCTS)
    used = {
        each["group"] for each in products.find({"group": {"$in": ids, **IS_TEXT}}, {"group": 1})
    }
    unused = [each for each in ids if each not in used]
    bare = {"images": [], "options": [], "$expr": {"$eq": ["$model", "$name"]}}
    groups.delete_all({"_id": {"$in": unused}, **bare})
    purge_paths(groups, [*LISTS, *(path for each in unused for path in paths_of_group(each))])


class _Scene:
    """The state of one transaction: an import, its rows, and the shop."""

    def __init__(self, imports: Collection, import_id: str) -> None:
        self._import_id = import_id
        self._imports = imports
        self._rows = imports.beside(ROWS)
        self._products = imports.beside(PRODUCTS)
        self._groups = imports.beside(GROUPS)
        self._document = self._imports.find_one({"_id": import_id})

    def run(self) -> Import:
        if self._document is None:
            raise ImportNotFound
        return import_in(self._document)

    def cursor(self, field: str) -> str:
        document = self._document or {}
        return str(document["undo"]["cursor"] if field == "undo" else document["cursor"])

    def rows(self, after: str, condition: Document) -> list[Row]:
        wanted = {**rows_after(self._import_id, after), **condition}
        return self._rows.values(row_in, wanted, sort=[("_id", 1)], limit=ROWS_AT_ONCE)

    def found(self, rows: Sequence[NewRow]) -> Found:
        """Return the objects that the rows refer to."""
        good = [each for each in rows if each.error is None]
        products = with_skus(self._products, [str(each.sku) for each in good])
        named = {str(each.values["group"]) for each in good if each.values.get("group")}
        present = {each.group for each in products.values() if each.group}
        query = {
            "$or": [{"model": {"$in": sorted(named)}}, {"_id": {"$in": sorted(named | present)}}]
        }
        asked = any("group" in each.values for each in good)
        order = [("created_at", 1), ("_id", 1)]
        groups = self._groups.values(group_in, query, sort=order) if asked else []
        with_category = any(each.values.get("category") for each in good)
        categories = categories_of(self._products) if with_category else ()
        return Found(products=products, groups=groups, categories=frozenset(categories))

    def write(self, decisions: Sequence[Decision]) -> None:
        """Apply decisions to products and groups."""
        created = [each.after for each in decisions if each.outcome is Outcome.CREATED]
        changed = [each for each in decisions if each.outcome is Outcome.UPDATED]
        new = {each.new_group.id: each.new_group for each in decisions if each.new_group}
        if new:
            self._groups.insert_all([group_out(each) for each in new.values()])
        product_store.insert_all(self._products, [each for each in created if each])
        product_store.set_all(
            self._products, [(each.after, each.fields) for each in changed if each.after]
        )
        self._touch_groups(
            (each for each in decisions if "group" in each.fields), besides=new.keys()
        )
        self._purge(decisions)

    def _purge(self, decisions: Sequence[Decision] | Sequence[UndoDecision]) -> None:
        """Purge the old and new pages of the products of an import."""
        seen = [product for each in decisions for product in (each.before, each.after)]
        purge_products(self._products, *seen)

    def decide_undo(self, rows: Sequence[Row], decide: DecideUndo) -> list[UndoDecision]:
        products = with_ids(self._products, [each.product for each in rows if each.product])
        groups = sorted({str(each.changes["group"][0]) for each in rows if "group" in each.changes})
        there = self._groups.find({"_id": {"$in": groups}}, {"_id": 1}) if groups else []
        group_ids = frozenset(each["_id"] for each in there)
        return [decide(each, products.get(each.product or ""), group_ids) for each in rows]

    def write_undo(self, decisions: Sequence[UndoDecision]) -> None:
        gone = [each for each in decisions if each.undone.reversal is Reversal.DELETED]
        product_store.delete_all(self._products, [each.before.id for each in gone if each.before])
        product_store.set_all(
            self._products, [(each.after, each.fields) for each in decisions if each.after]
        )
        moved = (each for each in decisions if each in gone or "group" in each.fields)
        self._touch_groups(moved, besides=())
        self._purge(decisions)
        self._rows.update_all(
            [
                (
                    {"_id": row_id_of(self._import_id, each.row.number)},
                    {"$set": {"undone": asdict(each.undone)}},
                )
                for each in decisions
            ]
        )

    def note_outcomes(self, decisions: Sequence[Decision], *, has_products: bool) -> None:
        """Store the outcome of each row."""
        self._rows.update_all(
            [
                (
                    {"_id": row_id_of(self._import_id, each.row.number)},
                    {"$set": outcome_of(each, has_product=has_products or each.before is not None)},
                )
                for each in decisions
            ]
        )

    def move_on(self, rows: Sequence[Row], cursor: str, counted: Sequence[str]) -> Import:
        """Record that these rows are done, one more of each name in `counted`."""
        last = row_id_of(self._import_id, rows[-1].number)
        return self._changed({"$set": {cursor: last}, "$inc": dict(Counter(counted))})

    def finish(self, stage: Stage, time_field: str) -> Import:
        return self._changed(
            [{"$set": {"stage": stage.value, time_field: "$$NOW"}}, {"$unset": "open_key"}]
        )

    def _changed(self, change: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Import:
        found = self._imports.find_and_update({"_id": self._import_id}, change)
        if found is None:
            raise ImportNotFound
        return import_in(found)

    def _touch_groups(
        self, moved: Iterable[Decision | UndoDecision], *, besides: Iterable[str]
    ) -> None:
        """Write to the groups that products join or leave, so that none is deleted meanwhile."""
        ids = {
            product.group
            for each in moved
            for product in (each.before, each.after)
            if product and product.group
        }
        touches = [({"_id": each}, touch({})) for each in sorted(ids - set(besides))]
        if touches:
            self._groups.update_all(touches)
