"""Imports and their rows, in MongoDB.

Some rows, their changes to products and groups, and the progress of the import are written in one
transaction. So a process may be killed anywhere: what is not recorded has not been done.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from avenue.errors import Unavailable
from avenue.media.announcing.store import purge_paths
from avenue.media.models import Claim
from avenue.shop.addresses import LISTS, paths_of_group
from avenue.shop.importing.columns import OwnColumn, key_of
from avenue.shop.importing.errors import ImportNotFound
from avenue.shop.importing.models import (
    Decision,
    Format,
    Found,
    Import,
    Layout,
    NewImport,
    NewRow,
    Outcome,
    Refusal,
    Reversal,
    Row,
    RowPage,
    RowQuery,
    Stage,
    UndoDecision,
    Undone,
    UndoRun,
)
from avenue.shop.models import ListQuery, Product
from avenue.shop.store import products as product_store
from avenue.shop.store.documents import GROUPS, PRODUCTS, page_of, touch
from avenue.shop.store.groups import from_document as group_in
from avenue.shop.store.groups import to_document as group_out
from avenue.shop.store.purges import purge_products
from avenue.storage.collection import AlreadyThere
from avenue.storage.connection import Database, Document
from avenue.storage.indexes import IS_TEXT
from avenue.storage.records import sound
from avenue.storage.scope import SiteRecords, site
from avenue.storage.sites import PROFILES, profiles_of

T = TypeVar("T")

IMPORTS = "shop_imports"
ROWS = "shop_import_rows"
KEEP_DAYS = 30
STORED_AT_ONCE = 500
# Small enough for a transaction to stay far below MongoDB's limit (60 s), large enough that waiting
# for the majority costs little per row.
ROWS_AT_ONCE = 100
MOST_TRIES = 5

Decide = Callable[[Import, Sequence[NewRow], Found], Sequence[Decision]]
DecideUndo = Callable[[Row, Product | None, frozenset[str]], UndoDecision]


class ImportStore(SiteRecords):
    """The imports of one site at a time; every method takes the site first."""

    # The site's own column names

    def columns(self, site_id: str) -> tuple[OwnColumn, ...]:
        """Return the site's own column names, sorted."""
        found = profiles_of(self._database, site_id).find_as_it_is({"_id": site_id}) or {}
        told = sound(PROFILES, found).get("import_columns", ())
        return tuple(OwnColumn(each["name"], each["field"]) for each in told)

    def put_columns(self, site_id: str, columns: Sequence[OwnColumn]) -> None:
        """Replace the site's own column names."""
        told = [asdict(each) for each in sorted(columns, key=lambda each: key_of(each.name))]
        profiles = profiles_of(self._database, site_id)
        profiles.update({"_id": site_id}, {"$set": {"import_columns": told}}, upsert=True)

    # Starting

    def begin(self, site_id: str, new: NewImport) -> Import:
        """Store a new import, or return the one that this request or table started before.

        That is the one of the same person with the same `key`, or an unfinished one with the same
        bytes.
        """
        imports = self._records(site_id, IMPORTS)
        document = _fresh(new)
        month = {"$add": ["$$NOW", KEEP_DAYS * 86_400_000]}
        keys: list[Document] = [
            {name: document[name]} for name in ("request_key", "open_key") if name in document
        ]
        while True:
            try:
                imports.insert_at_server_time(document, {"created_at": "$$NOW", "forget_at": month})
            except AlreadyThere:
                there = next(filter(None, (imports.find_one(each) for each in keys)), None)
                if there is None:  # it finished in between
                    continue
                return _import(there)
            return self.get(site_id, new.id)

    def put_rows(self, site_id: str, import_id: str, rows: Iterable[NewRow]) -> None:
        """Store the rows of an import and open it for processing; repeatable."""
        imports, stored = self._records(site_id, IMPORTS), self._records(site_id, ROWS)
        forget_at = (imports.find_one({"_id": import_id}) or {}).get("forget_at")
        waiting = iter(rows)
        while some := list(islice(waiting, STORED_AT_ONCE)):
            stored.insert_all([_new_row(import_id, each, forget_at) for each in some])
        imports.update(
            {"_id": import_id, "stage": Stage.RECEIVING}, {"$set": {"stage": Stage.APPLYING}}
        )

    def set_job(self, site_id: str, import_id: str, job_id: str, *, undoes: bool) -> None:
        """Store the job that processes an import, or undoes it."""
        field = "undo.job" if undoes else "job"
        self._records(site_id, IMPORTS).update({"_id": import_id}, {"$set": {field: job_id}})

    def set_images_job(self, site_id: str, import_id: str, job_id: str) -> None:
        """Store the job that imports the pictures of an import."""
        self._records(site_id, IMPORTS).update({"_id": import_id}, {"$set": {"images_job": job_id}})

    # Reading

    def get(self, site_id: str, import_id: str) -> Import:
        """Return one import or raise `ImportNotFound`."""
        found = self._records(site_id, IMPORTS).find_one({"_id": import_id})
        if found is None:
            raise ImportNotFound
        return _import(found)

    def find(
        self, site_id: str, query: ListQuery, *, by: str | None
    ) -> tuple[list[Import], int | None]:
        """Return imports of one person, or of all if it is None; see `page_of`."""
        conditions: list[Document] = [{"stage": {"$ne": Stage.RECEIVING}}]
        if by is not None:
            conditions.append({"by": by})
        return page_of(self._records(site_id, IMPORTS), _import, query, conditions)

    def last_that_changed(self, site_id: str, by: str) -> Import | None:
        """Return the newest import of a person that is neither a dry run nor undone, or None."""
        stages = [Stage.APPLYING, Stage.DONE, Stage.UNDOING]
        found = self._records(site_id, IMPORTS).values(
            _import,
            {"by": by, "dry_run": False, "stage": {"$in": stages}},
            sort=[("created_at", -1), ("_id", -1)],
            limit=1,
        )
        return found[0] if found else None

    def rows(self, site_id: str, import_id: str, query: RowQuery) -> RowPage:
        """Return some rows of an import in their order."""
        outcome = {"outcome": query.outcome} if query.outcome else {}
        rows = self._records(site_id, ROWS)
        found = rows.values(
            _row,
            {**_after(import_id, _row_id(import_id, query.after)), **outcome},
            sort=[("_id", 1)],
            limit=query.limit + 1,
        )
        total = rows.total({**_after(import_id, ""), **outcome})
        return RowPage.of(found, query.limit, lambda last: last.number, total=total)

    def all_rows(self, site_id: str, import_id: str) -> Iterator[Row]:
        """Yield every row of an import in order."""
        rows, last = self._records(site_id, ROWS), ""
        while found := rows.values(
            lambda each: (each["_id"], _row(each)),
            _after(import_id, last),
            sort=[("_id", 1)],
            limit=STORED_AT_ONCE,
        ):
            yield from (row for _, row in found)
            last = found[-1][0]

    def images_after(
        self, site_id: str, import_id: str, cursor: str | None
    ) -> tuple[list[tuple[Claim, str]], str | None]:
        """Return the products of some rows with each URL that both they and their rows have.

        `cursor` is the one an earlier call returned; None is the end.
        """
        rows = self._records(site_id, ROWS).values(
            lambda each: (each["_id"], _row(each)),
            _after(import_id, cursor or ""),
            sort=[("_id", 1)],
            limit=ROWS_AT_ONCE,
        )
        ids = [row.product for _, row in rows if row.product and row.values.get("image_urls")]
        products = product_store.with_ids(self._records(site_id, PRODUCTS), ids)
        named = [
            (product.claim, image.url)
            for _, row in rows
            if (product := products.get(row.product or ""))
            for image in product.images
            if image.url and image.url in (row.values.get("image_urls") or ())
        ]
        return named, rows[-1][0] if rows else None

    # Processing

    def apply_some(self, site_id: str, import_id: str, decide: Decide) -> Import:
        """Process the next rows of an import, all of them or none; return its new state.

        If there are no more, it is done. Raise `ImportNotFound`.
        """

        def work(session: ClientSession) -> Import:
            scene = _Scene(self._database, site_id, session, import_id)
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

    def begin_undo(self, site_id: str, run: Import) -> None:
        """Start undoing an import; repeatable."""
        total = run.counts.get(Outcome.CREATED, 0) + run.counts.get(Outcome.UPDATED, 0)
        fresh: Document = {"job": None, "done": 0, "total": total, "cursor": "", "counts": {}}
        self._records(site_id, IMPORTS).update(
            {"_id": run.id, "stage": {"$in": [Stage.APPLYING, Stage.DONE]}},
            {"$set": {"stage": Stage.UNDOING, "undo": fresh}, "$unset": {"open_key": ""}},
        )

    def undo_some(self, site_id: str, import_id: str, decide: DecideUndo) -> Import:
        """Undo the next rows of an import; return its new state.

        If there are no more, the unused groups it created are deleted, and it is undone.
        """

        def work(session: ClientSession) -> Import:
            scene = _Scene(self._database, site_id, session, import_id)
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
            {**_after(import_id, ""), "new_group": {"$type": "string"}}, {"new_group": 1}
        )
        ids = iter(sorted({each["new_group"] for each in made}))
        while some := list(islice(ids, ROWS_AT_ONCE)):
            self._together(site_id, self._removal_of_groups(site_id, some))

    def _removal_of_groups(
        self, site_id: str, ids: Sequence[str]
    ) -> Callable[[ClientSession], None]:
        scope = site(self._database, site_id)

        def work(session: ClientSession) -> None:
            groups = scope.collection(GROUPS).within(session)
            products = scope.collection(PRODUCTS).within(session)
            used = {
                each["group"]
                for each in products.find({"group": {"$in": ids, **IS_TEXT}}, {"group": 1})
            }
            unused = [each for each in ids if each not in used]
            bare = {"images": [], "options": [], "$expr": {"$eq": ["$model", "$name"]}}
            groups.delete_all({"_id": {"$in": unused}, **bare})
            purge_paths(
                groups, [*LISTS, *(path for each in unused for path in paths_of_group(each))]
            )

        return work

    def _together(self, site_id: str, work: Callable[[ClientSession], T]) -> T:
        """Run `work` in a transaction, again if someone else took a SKU at the same moment."""
        for _ in range(MOST_TRIES):
            try:
                return site(self._database, site_id).transaction(work)
            except AlreadyThere:
                continue
        raise Unavailable


class _Scene:
    """The state of one transaction: an import, its rows, and the shop."""

    def __init__(
        self, database: Database, site_id: str, session: ClientSession, import_id: str
    ) -> None:
        scope = site(database, site_id)
        self._import_id = import_id
        self._imports = scope.collection(IMPORTS).within(session)
        self._rows = scope.collection(ROWS).within(session)
        self._products = scope.collection(PRODUCTS).within(session)
        self._groups = scope.collection(GROUPS).within(session)
        self._document = self._imports.find_one({"_id": import_id})

    def run(self) -> Import:
        if self._document is None:
            raise ImportNotFound
        return _import(self._document)

    def cursor(self, field: str) -> str:
        document = self._document or {}
        return str(document["undo"]["cursor"] if field == "undo" else document["cursor"])

    def rows(self, after: str, condition: Document) -> list[Row]:
        wanted = {**_after(self._import_id, after), **condition}
        return self._rows.values(_row, wanted, sort=[("_id", 1)], limit=ROWS_AT_ONCE)

    def found(self, rows: Sequence[NewRow]) -> Found:
        """Return the objects that the rows refer to."""
        good = [each for each in rows if each.error is None]
        products = product_store.with_skus(self._products, [str(each.sku) for each in good])
        named = {str(each.values["group"]) for each in good if each.values.get("group")}
        present = {each.group for each in products.values() if each.group}
        query = {
            "$or": [{"model": {"$in": sorted(named)}}, {"_id": {"$in": sorted(named | present)}}]
        }
        asked = any("group" in each.values for each in good)
        order = [("created_at", 1), ("_id", 1)]
        groups = self._groups.values(group_in, query, sort=order) if asked else []
        with_category = any(each.values.get("category") for each in good)
        categories = product_store.categories_of(self._products) if with_category else ()
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
        products = product_store.with_ids(
            self._products, [each.product for each in rows if each.product]
        )
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
                    {"_id": _row_id(self._import_id, each.row.number)},
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
                    {"_id": _row_id(self._import_id, each.row.number)},
                    {"$set": _outcome(each, has_product=has_products or each.before is not None)},
                )
                for each in decisions
            ]
        )

    def move_on(self, rows: Sequence[Row], cursor: str, counted: Sequence[str]) -> Import:
        """Record that these rows are done, one more of each name in `counted`."""
        last = _row_id(self._import_id, rows[-1].number)
        increments: dict[str, int] = {}
        for name in counted:
            increments[name] = increments.get(name, 0) + 1
        return self._changed({"$set": {cursor: last}, "$inc": increments})

    def finish(self, stage: Stage, time_field: str) -> Import:
        return self._changed(
            [{"$set": {"stage": stage.value, time_field: "$$NOW"}}, {"$unset": "open_key"}]
        )

    def _changed(self, change: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Import:
        found = self._imports.find_and_update({"_id": self._import_id}, change)
        if found is None:
            raise ImportNotFound
        return _import(found)

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


def _row_id(import_id: str, number: int) -> str:
    return f"{import_id}/{number:09}"


def _after(import_id: str, row_id: str) -> Document:
    """Return the condition for the rows of an import after `row_id` ("" for all)."""
    return {"_id": {"$gt": row_id or f"{import_id}/", "$lt": f"{import_id}/:"}}


def _fresh(new: NewImport) -> Document:
    document: Document = {
        "_id": new.id,
        "by": new.by,
        "is_admin": new.runs_shop,
        "name": new.name,
        "layout": {**asdict(new.layout), "unknown": list(new.layout.unknown)},
        "sha256": new.sha256,
        "dry_run": new.dry_run,
        "key": new.key,
        "total": new.total,
        "stage": Stage.RECEIVING.value,
        "job": None,
        "done": 0,
        "cursor": "",
        "counts": {},
        "undo": None,
        "finished_at": None,
        "open_key": f"{new.by}/{new.sha256}/{new.dry_run}/{new.fetch_images}",
        "fetch_images": new.fetch_images,
    }
    if new.key is not None:
        document["request_key"] = f"{new.by}/{new.key}"
    return document


def _import(document: Document) -> Import:
    undo = document["undo"]
    layout = document["layout"]
    return Import(
        id=document["_id"],
        by=document["by"],
        runs_shop=document["is_admin"],
        name=document["name"],
        layout=Layout(
            format=Format(layout["format"]),
            encoding=layout["encoding"],
            delimiter=layout["delimiter"],
            unknown=tuple(layout["unknown"]),
        ),
        sha256=document["sha256"],
        dry_run=document["dry_run"],
        key=document["key"],
        total=document["total"],
        stage=Stage(document["stage"]),
        fetch_images=document.get("fetch_images", False),
        job=document["job"],
        images_job=document.get("images_job"),
        done=document["done"],
        counts=document["counts"],
        undo=UndoRun(
            job=undo["job"],
            done=undo["done"],
            total=undo["total"],
            counts=undo["counts"],
            finished_at=undo.get("finished_at"),
        )
        if undo
        else None,
        created_at=document["created_at"],
        finished_at=document["finished_at"],
    )


def _new_row(import_id: str, row: NewRow, forget_at: object) -> Document:
    return {
        "_id": _row_id(import_id, row.number),
        "number": row.number,
        "sku": row.sku,
        "values": dict(row.values),
        "error": asdict(row.error) if row.error else None,
        "has_cents": row.has_cents,
        "outcome": None,
        "forget_at": forget_at,
    }


def _outcome(decision: Decision, *, has_product: bool) -> Document:
    return {
        "outcome": decision.outcome.value,
        "error": asdict(decision.error) if decision.error else None,
        "product": decision.after.id if decision.after and has_product else None,
        "changes": {name: list(pair) for name, pair in decision.changes.items()},
        "group_names": dict(decision.group_names),
        "new_group": decision.new_group.id if decision.new_group else None,
    }


def _row(document: Document) -> Row:
    error, outcome, undone = document["error"], document["outcome"], document.get("undone")
    return Row(
        number=document["number"],
        sku=document["sku"],
        values=document["values"],
        error=Refusal(**error) if error else None,
        has_cents=document.get("has_cents"),
        outcome=Outcome(outcome) if outcome else None,
        product=document.get("product"),
        changes={
            name: (before, after) for name, (before, after) in document.get("changes", {}).items()
        },
        group_names=document.get("group_names", {}),
        new_group=document.get("new_group"),
        undone=Undone(reversal=Reversal(undone["reversal"]), kept=tuple(undone["kept"]))
        if undone
        else None,
    )
