"""Imports and their rows, in MongoDB; `import_processing` applies them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice

from avenue.media.models import Claim
from avenue.shop.importing.columns import OwnColumn, key_of
from avenue.shop.importing.errors import ImportNotFound
from avenue.shop.importing.models import (
    Import,
    NewImport,
    NewRow,
    Outcome,
    Row,
    RowPage,
    RowQuery,
    Stage,
)
from avenue.shop.models import ListQuery
from avenue.shop.store.documents import PRODUCTS, page_of
from avenue.shop.store.import_documents import (
    IMPORTS,
    ROWS,
    import_in,
    new_import_out,
    new_row_out,
    row_id_of,
    row_in,
    rows_after,
)
from avenue.shop.store.product_queries import with_ids
from avenue.storage.collection import AlreadyThere
from avenue.storage.connection import Document
from avenue.storage.records import sound
from avenue.storage.scope import SiteRecords
from avenue.storage.sites import PROFILES, profiles_of

KEEP_DAYS = 30
STORED_AT_ONCE = 500
IMAGE_ROWS_AT_ONCE = 100


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

    # Starting and undoing

    def begin(self, site_id: str, new: NewImport) -> Import:
        """Store a new import, or return the one that this request or table started before.

        That is the one of the same person with the same `key`, or an unfinished one with the same
        bytes.
        """
        imports = self._records(site_id, IMPORTS)
        document = new_import_out(new)
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
                return import_in(there)
            return self.get(site_id, new.id)

    def put_rows(self, site_id: str, import_id: str, rows: Iterable[NewRow]) -> None:
        """Store the rows of an import and open it for processing; repeatable."""
        imports, stored = self._records(site_id, IMPORTS), self._records(site_id, ROWS)
        forget_at = (imports.find_one({"_id": import_id}) or {}).get("forget_at")
        waiting = iter(rows)
        while some := list(islice(waiting, STORED_AT_ONCE)):
            stored.insert_all([new_row_out(import_id, each, forget_at) for each in some])
        imports.update(
            {"_id": import_id, "stage": Stage.RECEIVING}, {"$set": {"stage": Stage.APPLYING}}
        )

    def set_job(self, site_id: str, import_id: str, job_id: str, *, undoes: bool) -> None:
        """Store the job that processes an import, or undoes it."""
        field = "undo.job" if undoes else "job"
        self._records(site_id, IMPORTS).update({"_id": import_id}, {"$set": {field: job_id}})

    def begin_undo(self, site_id: str, run: Import) -> None:
        """Start undoing an import; repeatable."""
        total = run.counts.get(Outcome.CREATED, 0) + run.counts.get(Outcome.UPDATED, 0)
        fresh: Document = {"job": None, "done": 0, "total": total, "cursor": "", "counts": {}}
        self._records(site_id, IMPORTS).update(
            {"_id": run.id, "stage": {"$in": [Stage.APPLYING, Stage.DONE]}},
            {"$set": {"stage": Stage.UNDOING, "undo": fresh}, "$unset": {"open_key": ""}},
        )

    # Reading

    def get(self, site_id: str, import_id: str) -> Import:
        """Return one import or raise `ImportNotFound`."""
        found = self._records(site_id, IMPORTS).find_one({"_id": import_id})
        if found is None:
            raise ImportNotFound
        return import_in(found)

    def find(
        self, site_id: str, query: ListQuery, *, by: str | None
    ) -> tuple[list[Import], int | None]:
        """Return imports of one person, or of all if it is None; see `page_of`."""
        conditions: list[Document] = [{"stage": {"$ne": Stage.RECEIVING}}]
        if by is not None:
            conditions.append({"by": by})
        return page_of(self._records(site_id, IMPORTS), import_in, query, conditions)

    def last_that_changed(self, site_id: str, by: str) -> Import | None:
        """Return the newest import of a person that is neither a dry run nor undone, or None."""
        stages = [Stage.APPLYING, Stage.DONE, Stage.UNDOING]
        found = self._records(site_id, IMPORTS).values(
            import_in,
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
            row_in,
            {**rows_after(import_id, row_id_of(import_id, query.after)), **outcome},
            sort=[("_id", 1)],
            limit=query.limit + 1,
        )
        total = rows.total({**rows_after(import_id, ""), **outcome})
        return RowPage.of(found, query.limit, lambda last: last.number, total=total)

    def all_rows(self, site_id: str, import_id: str) -> Iterator[Row]:
        """Yield every row of an import in order."""
        rows, last = self._records(site_id, ROWS), ""
        while found := rows.values(
            lambda each: (each["_id"], row_in(each)),
            rows_after(import_id, last),
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
            lambda each: (each["_id"], row_in(each)),
            rows_after(import_id, cursor or ""),
            sort=[("_id", 1)],
            limit=IMAGE_ROWS_AT_ONCE,
        )
        ids = [row.product for _, row in rows if row.product and row.values.get("image_urls")]
        products = with_ids(self._records(site_id, PRODUCTS), ids)
        named = [
            (product.claim, image.url)
            for _, row in rows
            if (product := products.get(row.product or ""))
            for image in product.images
            if image.url and image.url in (row.values.get("image_urls") or ())
        ]
        return named, rows[-1][0] if rows else None

    # Processing
