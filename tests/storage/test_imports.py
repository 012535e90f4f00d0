"""Imports on a real MongoDB: what they change, what a kill leaves, and what undoing gives back."""

import hashlib
import io
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128

from avenue.audit.service import AuditService
from avenue.audit.store import MongoAuditStore
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.identity import Actor, Role, Site, new_id
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.shop.importing.errors import ImportUnfinished, NotTheLastImport
from avenue.shop.importing.models import ImportStanding, RowQuery, State
from avenue.shop.importing.presenting import import_json, row_json
from avenue.shop.models import Entry, Group, Product, Status
from avenue.shop.service.import_worker import ImportWorker
from avenue.shop.service.imports import IMPORT, UNDO, ImportService
from avenue.shop.store.groups import GroupStore
from avenue.shop.store.import_processing import ImportProcessing
from avenue.shop.store.imports import ImportStore
from avenue.shop.store.products import ProductStore
from avenue.storage.connection import Database
from tests.threads import at_once
from tests.waiting import DEADLINE_SECONDS, wait_until

ROOT = Path(__file__).parents[2]
ROWS_AT_ONCE = 20
"""What a batch has here: several are one import in a fifth of the time."""
SITE = Site(id="shop", hosts=(), base_url="https://shop.example", name="Shop")
ADMIN = Actor(site=SITE, id=new_id(), role=Role.ADMIN)
SELLER = Actor(site=SITE, id=new_id(), role=Role.SELLER)
SETTINGS = Settings(local=True)


def worker_of(database: Database) -> ImportWorker:
    audit = AuditService(MongoAuditStore(database), keep_days=1)
    return ImportWorker(
        ImportProcessing(database), JobService(MongoJobStore(database)), audit, SETTINGS
    )


class Shop:
    """A shop that products are brought into."""

    def __init__(self, database: Database) -> None:
        self.raw = database.raw
        self.database = database
        self.products = ProductStore(database)
        self.groups = GroupStore(database)
        self.jobs = JobService(MongoJobStore(database))
        store = ImportStore(database)
        self.imports = ImportService(store, self.jobs, SETTINGS)
        worker = worker_of(database)
        self.runner = JobRunner(self.jobs, {IMPORT: worker.apply, UNDO: worker.undo})

    def begin(
        self, table: Any, *, actor: Actor = ADMIN, dry_run: bool = False, key: str | None = None
    ) -> ImportStanding:
        data = (table if isinstance(table, str) else json.dumps(table)).encode()
        return self.imports.start(
            actor,
            io.BytesIO(data),
            name="precios.csv",
            sha256=hashlib.sha256(data).hexdigest(),
            dry_run=dry_run,
            key=key,
        )[0]

    def work(self) -> None:
        while self.runner.run_one():
            pass

    def bring(self, table: Any, *, actor: Actor = ADMIN, dry_run: bool = False) -> ImportStanding:
        standing = self.begin(table, actor=actor, dry_run=dry_run)
        self.work()
        standing = self.imports.get(actor, standing.run.id)
        assert standing.state is State.DONE
        return standing

    def undo(self, standing: ImportStanding, *, actor: Actor = ADMIN) -> ImportStanding:
        self.imports.undo(actor, standing.run.id)
        self.work()
        standing = self.imports.get(actor, standing.run.id)
        assert standing.state is State.UNDONE
        return standing

    def counts(self, standing: ImportStanding) -> dict[str, int]:
        return {name: count for name, count in import_json(standing)["counts"].items() if count}

    def undo_counts(self, standing: ImportStanding) -> dict[str, int]:
        undo = import_json(standing)["undo"]
        return {name: count for name, count in undo["counts"].items() if count}

    def rows(self, standing: ImportStanding, *, actor: Actor = ADMIN) -> list[dict[str, Any]]:
        query = RowQuery(outcome=None, after=0, limit=100_000)
        page = self.imports.rows(actor, standing.run.id, query)
        return [row_json(each, "es") for each in page.items]

    def product(self, sku: str) -> Product:
        found = self.raw["shop_products"].find_one({"sku": sku})
        assert found is not None, sku
        product = self.products.get(SITE.id, found["_id"])
        assert product is not None
        return product

    def change(self, sku: str, **changes: Any) -> Product:
        changed = self.products.change(SITE.id, self.product(sku), changes)
        assert changed is not None
        return changed

    def a_product(self, sku: str, **fields: Any) -> Product:
        now = utc_now()
        known: dict[str, Any] = {
            "owner": ADMIN.id,
            "name": "Zapato",
            "description": "",
            "price": None,
            "currency": "PYG",
            "status": Status.DRAFT,
            "group": None,
            "images": (),
        }
        product = Product(
            id=new_id(), sku=sku, revision=1, created_at=now, updated_at=now, **{**known, **fields}
        )
        self.products.insert(SITE.id, product)
        return product

    def a_group(self, model: str, *, owner: str | None = ADMIN.id) -> Group:
        now = utc_now()
        group = Group(
            id=new_id(),
            owner=owner,
            model=model,
            name=model,
            options=(),
            images=(),
            revision=1,
            created_at=now,
            updated_at=now,
        )
        self.groups.insert(SITE.id, group, (), owner=None)
        return group

    def everything(self) -> dict[str, list[Any]]:
        """All products and groups, without what each change counts anew."""
        fresh = {"revision": 0, "updated_at": 0, "created_at": 0, "_id": 0}
        return {
            "products": list(self.raw["shop_products"].find({}, fresh).sort("sku")),
            "groups": list(self.raw["shop_products_grouped"].find({}, fresh).sort("model")),
        }


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avenue.shop.store.import_processing.ROWS_AT_ONCE", ROWS_AT_ONCE)


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


def test_rows_create_change_and_leave_products(shop: Shop) -> None:
    shop.a_product("Z1", name="Zapato", price=Decimal(150_000))
    shop.a_product("Z2", name="Bota", price=Decimal("90000.00"))
    done = shop.bring("sku,nombre,precio\nZ1,,165000\nZ2,Bota,90000.0\nZ3,Ojota,1\nZ4,,2\n")
    assert shop.counts(done) == {"created": 1, "updated": 1, "unchanged": 1, "refused": 1}
    z1, z2, z3, z4 = shop.rows(done)
    assert z1["outcome"] == "updated"
    assert z1["changes"] == {"price": ["150000", "165000"]}
    assert z1["difference"] == ["precio: 150000 → 165000"]
    assert (z2["outcome"], z2["changes"], z2["error"]) == ("unchanged", {}, None)
    assert z3["outcome"] == "created"
    assert "nombre: – → Ojota" in z3["difference"]
    assert (z4["outcome"], z4["error"]["field"]) == ("refused", "name")
    assert shop.product("Z1").price == 165_000
    assert shop.product("Z2").revision == 1
    created = shop.product("Z3")
    assert (created.id, created.owner, created.status) == (z3["product"], ADMIN.id, "draft")
    assert shop.raw["shop_products"].find_one({"sku": "Z3"})["words"] == ["ojota", "z3"]


def test_a_second_time_nothing_changes(shop: Shop) -> None:
    table = "sku,name,price,group,image_urls\nZ1,a,1.00,M,https://a.example/1.jpg\nZ2,b,,M,\n"
    shop.bring(table)
    before = list(shop.raw["shop_products"].find())
    assert shop.counts(shop.bring(table)) == {"unchanged": 2}
    assert list(shop.raw["shop_products"].find()) == before


def test_null_takes_away_and_an_empty_cell_does_not(shop: Shop) -> None:
    group = shop.a_group("Runner")
    shop.a_product("Z1", description="De cuero", price=Decimal(1), group=group.id)
    shop.bring("sku,description,price,group\nZ1,,,\n")
    assert (shop.product("Z1").description, shop.product("Z1").group) == ("De cuero", group.id)
    done = shop.bring([{"sku": "Z1", "description": None, "price": None, "group": None}])
    assert "grupo: Runner → –" in shop.rows(done)[0]["difference"]
    product = shop.product("Z1")
    assert (product.description, product.price, product.group) == ("", None, None)


def test_a_dry_run_says_the_same_and_changes_nothing(shop: Shop) -> None:
    shop.a_product("Z1", price=Decimal(1))
    table = "sku,name,price,group\nZ1,,2,Runner\nZ2,Bota,3,Runner\nZ3,,,\nZ1,,9,\n"
    before = shop.everything()
    dry = shop.bring(table, dry_run=True)
    assert shop.everything() == before
    real = shop.bring(table)
    assert shop.counts(dry) == shop.counts(real)
    for told, done in zip(shop.rows(dry), shop.rows(real), strict=True):
        assert told["difference"] == done["difference"]
        assert (told["outcome"], told["error"]) == (done["outcome"], done["error"])
    assert shop.everything() != before


def test_groups_are_found_by_model_or_id_and_made_once(shop: Shop) -> None:
    known = shop.a_group("Runner")
    table = [
        {"sku": "Z1", "name": "a", "group": "Runner"},
        {"sku": "Z2", "name": "b", "group": known.id},
        *({"sku": f"N{n}", "name": "c", "group": "Nuevo"} for n in range(ROWS_AT_ONCE + 20)),
        {"sku": "Z3", "name": "d", "group": new_id()},
        {"sku": "Z4", "group": "Nobody needs it"},
    ]
    done = shop.bring(table)
    assert shop.counts(done) == {"created": ROWS_AT_ONCE + 22, "refused": 2}
    assert shop.rows(done)[-2]["error"]["code"] == "group_not_found"
    assert shop.product("Z1").group == shop.product("Z2").group == known.id
    assert sorted(each["model"] for each in shop.raw["shop_products_grouped"].find()) == [
        "Nuevo",
        "Runner",
    ]
    assert shop.product("N0").group == shop.product(f"N{ROWS_AT_ONCE + 19}").group


def test_external_pictures_come_only_to_a_product_without_any(shop: Shop) -> None:
    mine = Entry(url="https://a.example/mine.jpg")
    for sku in ("Z1", "Z2"):
        shop.a_product(sku)
    shop.change("Z1", images=(mine,))
    url = "https://a.example/1.jpg"
    many = " ".join(f"https://a.example/{n}.jpg" for n in range(6))
    done = shop.bring(
        f"sku,name,imágenes\nZ1,,{url}\nZ2,,{url}|/old/2.jpg\nZ3,c,{url}\nZ4,d,{many}\n"
    )
    assert [each["outcome"] for each in shop.rows(done)] == [
        "unchanged",
        "updated",
        "created",
        "refused",
    ]
    assert shop.rows(done)[3]["error"]["code"] == "too_many_images"
    assert shop.product("Z1").images == (mine,)
    assert shop.product("Z2").images == (Entry(url=url), Entry(url="/old/2.jpg"))
    assert shop.product("Z3").images == (Entry(url=url),)


def test_a_seller_changes_only_what_is_theirs_and_learns_nothing_else(shop: Shop) -> None:
    shop.a_product("A1", name="Secreto", price=Decimal(7))
    shop.a_product("S1", owner=SELLER.id)
    theirs = shop.a_group("Runner")
    done = shop.bring("sku,name,price,group\nA1,x,1,\nS1,x,2,Runner\nS2,y,3,Runner\n", actor=SELLER)
    refused = shop.rows(done, actor=SELLER)[0]
    assert refused["error"]["code"] == "sku_taken"
    assert (refused["product"], refused["changes"]) == (None, {})
    assert "Secreto" not in repr(refused)
    assert shop.product("A1").price == 7
    assert shop.product("S2").owner == SELLER.id
    assert shop.product("S1").group == shop.product("S2").group != theirs.id


def test_undoing_gives_back_what_was(shop: Shop) -> None:
    group = shop.a_group("Runner")
    shop.a_product("Z1", name="Zapato", price=Decimal("1.50"), group=group.id)
    shop.a_product("Z2", description="x")
    before = shop.everything()
    table = [
        {"sku": "Z1", "name": "Otro", "price": "2", "group": "Nuevo", "status": "published"},
        {"sku": "Z2", "description": None, "image_urls": ["https://a.example/1.jpg"]},
        {"sku": "Z3", "name": "c", "group": "Nuevo", "image_urls": "https://a.example/2.jpg"},
        {"sku": "Z4"},
    ]
    done = shop.bring(table)
    assert shop.everything() != before
    undone = shop.undo(done)
    assert shop.everything() == before
    assert shop.undo_counts(undone) == {"restored": 2, "deleted": 1}
    rows = shop.rows(undone)
    assert [each["undo"] and each["undo"]["outcome"] for each in rows] == [
        "restored",
        "restored",
        "deleted",
        None,
    ]


def test_undoing_keeps_what_was_changed_since(shop: Shop) -> None:
    for sku in ("Z1", "Z2"):
        shop.a_product(sku, name="Zapato", price=Decimal(1))
    done = shop.bring(
        "sku,name,price,group\nZ1,Nuevo,2,\nZ2,,3,\n"
        "N1,a,,\nN2,b,,\nN3,c,,Grupo\nN4,d,,Otro\nN5,e,,\n"
    )
    shop.change("Z1", price=Decimal(9))
    shop.change("Z2", price=Decimal(9))
    shop.change("N1", description="by hand")
    shop.change("N2", images=(Entry(url="https://a.example/1.jpg"),))
    shop.change("N3", name="by hand")
    shop.products.trash(SITE.id, shop.product("N5"), by=None)
    undone = shop.undo(done)
    assert shop.undo_counts(undone) == {"restored": 1, "deleted": 1, "kept": 4, "gone": 1}
    kept = {each["sku"]: each["undo"]["kept"] for each in shop.rows(undone)}
    assert kept == {
        "Z1": ["price"],
        "Z2": ["price"],
        "N1": ["description"],
        "N2": ["image_urls"],
        "N3": ["name"],
        "N4": [],
        "N5": [],
    }
    assert (shop.product("Z1").name, shop.product("Z1").price) == ("Zapato", 9)
    assert [each["model"] for each in shop.raw["shop_products_grouped"].find()] == ["Grupo"]


def test_a_group_that_is_gone_is_not_given_back(shop: Shop) -> None:
    group = shop.a_group("Runner")
    shop.a_product("Z1", name="a", group=group.id)
    done = shop.bring([{"sku": "Z1", "name": "b", "group": None}])
    shop.groups.delete(SITE.id, group, by=None)
    undone = shop.undo(done)
    assert shop.rows(undone)[0]["undo"] == {"outcome": "restored", "kept": ["group"]}
    assert (shop.product("Z1").name, shop.product("Z1").group) == ("a", None)


def test_imports_are_undone_one_after_the_other(shop: Shop) -> None:
    empty = shop.everything()
    first = shop.bring("sku,name,price\nZ1,a,1\n")
    middle = shop.everything()
    second = shop.bring("sku,price\nZ1,2\n")
    shop.bring("sku,price\nZ1,3\n", dry_run=True)
    with pytest.raises(NotTheLastImport):
        shop.imports.undo(ADMIN, first.run.id)
    shop.undo(second)
    assert shop.everything() == middle
    with pytest.raises(NotTheLastImport):
        shop.imports.undo(ADMIN, second.run.id)
    shop.undo(first)
    assert shop.everything() == empty
    with pytest.raises(NotTheLastImport):
        shop.imports.undo_last(ADMIN)


def test_everybody_has_a_last_import_of_their_own(shop: Shop) -> None:
    mine = shop.bring("sku,name\nS1,a\n", actor=SELLER)
    other = shop.bring("sku,name\nZ1,a\n")
    shop.undo(mine, actor=SELLER)
    assert [each["sku"] for each in shop.raw["shop_products"].find()] == ["Z1"]
    shop.undo(other)


def test_an_import_at_work_cannot_be_undone(shop: Shop) -> None:
    standing = shop.begin("sku,name\nZ1,a\n")
    assert standing.state is State.QUEUED
    with pytest.raises(ImportUnfinished):
        shop.imports.undo(ADMIN, standing.run.id)


def test_the_same_table_does_not_begin_twice_while_the_first_is_unfinished(shop: Shop) -> None:
    table = "sku,name\nZ1,a\n"
    first = shop.begin(table)
    assert shop.begin(table).run.id == first.run.id
    assert shop.begin(table, dry_run=True).run.id != first.run.id
    assert shop.begin(table, actor=SELLER).run.id != first.run.id
    shop.work()
    assert shop.begin(table).run.id != first.run.id


def test_an_import_that_was_given_up_goes_on_when_the_table_comes_again(shop: Shop) -> None:
    table = [{"sku": f"Z{n}", "name": "a"} for n in range(ROWS_AT_ONCE + 1)]
    standing = shop.begin(table)
    give_up(shop, standing)
    assert shop.imports.get(ADMIN, standing.run.id).state is State.FAILED
    assert shop.begin(table).run.id == standing.run.id
    shop.work()
    standing = shop.imports.get(ADMIN, standing.run.id)
    assert (standing.state, shop.counts(standing)) == (State.DONE, {"created": ROWS_AT_ONCE + 1})


def test_an_import_that_was_given_up_can_be_undone(shop: Shop) -> None:
    table = [{"sku": f"Z{n}", "name": "a"} for n in range(ROWS_AT_ONCE + 1)]
    standing = shop.begin(table)
    ImportProcessing(shop.database).apply_some(
        SITE.id, standing.run.id, worker_of(shop.database)._decide
    )
    give_up(shop, standing)
    assert shop.raw["shop_products"].count_documents({}) == ROWS_AT_ONCE
    shop.undo(standing)
    assert shop.raw["shop_products"].count_documents({}) == 0
    assert shop.begin(table).run.id != standing.run.id


def give_up(shop: Shop, standing: ImportStanding) -> None:
    job = shop.jobs.claim({IMPORT})
    assert job is not None
    assert job.id == standing.run.job
    for _ in range(5):
        shop.jobs.fail(job, RuntimeError())
        shop.raw["jobs"].update_one({"_id": job.id}, [{"$set": {"run_at": "$$NOW"}}])
        job = shop.jobs.claim({IMPORT}) or job


def test_a_table_whose_rows_were_not_all_stored_is_taken_when_it_comes_again(shop: Shop) -> None:
    table = [{"sku": f"Z{n}", "name": "a"} for n in range(200)]
    standing = shop.begin(table)
    everything = {"_id": {"$gt": f"{standing.run.id}/000000100"}}
    shop.raw["shop_import_rows"].delete_many(everything)  # as a process killed in between leaves it
    receiving = {"stage": "receiving", "job": None}
    shop.raw["shop_imports"].update_one({"_id": standing.run.id}, {"$set": receiving})
    shop.raw["jobs"].delete_many({})
    assert shop.begin(table).run.id == standing.run.id
    shop.work()
    assert shop.raw["shop_products"].count_documents({}) == 200


def test_the_same_table_sent_at_once_is_one_import(shop: Shop) -> None:
    rows = ROWS_AT_ONCE + 1
    table = [{"sku": f"Z{n}", "name": "a"} for n in range(rows)]
    started = at_once(4, lambda _: shop.begin(table))
    assert len({each.run.id for each in started}) == 1
    shop.work()
    standing = shop.imports.get(ADMIN, started[0].run.id)
    assert (shop.counts(standing), standing.run.total) == ({"created": rows}, rows)


def test_imports_that_meet_at_the_same_products_lose_nothing(shop: Shop) -> None:
    rows = ROWS_AT_ONCE + 20
    runs = [
        shop.begin([{"sku": f"Z{n}", "name": "a", "group": "M", field: value} for n in range(rows)])
        for field, value in (("price", "5"), ("description", "b"), ("status", "published"))
    ]
    at_once(3, lambda _: Shop(shop.database).work())
    counted = [shop.counts(shop.imports.get(ADMIN, each.run.id)) for each in runs]
    assert sum(each.get("created", 0) for each in counted) == rows
    assert sum(sum(each.values()) for each in counted) == 3 * rows
    told = {"price": Decimal128("5"), "description": "b", "status": "published"}
    assert shop.raw["shop_products"].count_documents(told) == rows


def test_a_change_between_two_batches_is_seen(shop: Shop) -> None:
    shop.bring([{"sku": f"Z{n:03}", "name": "a"} for n in range(ROWS_AT_ONCE + 1)])
    last = f"Z{ROWS_AT_ONCE:03}"
    standing = shop.begin([{"sku": f"Z{n:03}", "name": "b"} for n in range(ROWS_AT_ONCE + 1)])
    store = ImportProcessing(shop.database)
    store.apply_some(SITE.id, standing.run.id, worker_of(shop.database)._decide)
    shop.change(last, name="by hand")
    shop.work()
    assert shop.rows(standing)[-1]["changes"] == {"name": ["by hand", "b"]}


def a_table(rows: int, *, seed: int) -> str:
    """Products of which many are known already, in groups, some rows with mistakes."""
    chance = random.Random(seed)
    lines = ["sku;nombre;precio;grupo;imágenes"]
    for number in range(rows):
        price = chance.choice(["150000", "150000,50", "150.000", ""])
        picture = chance.choice(["", f"https://a.example/{number}.jpg"])
        lines.append(f"Z{number};Zapato {chance.random():.3f};{price};M{number % 40};{picture}")
    return "\n".join(lines)


def test_an_import_killed_within_a_batch_goes_on_and_ends_the_same(
    shop: Shop, shared_uri: str
) -> None:
    """The process has done one batch and kills itself when the second is half done."""

    def kill(standing: ImportStanding) -> None:
        with killed_import(shared_uri, str(ROWS_AT_ONCE)) as process:
            assert process.wait(DEADLINE_SECONDS) == -signal.SIGKILL
        assert shop.imports.get(ADMIN, standing.run.id).run.done == ROWS_AT_ONCE

    ends_the_same(shop, rows=3 * ROWS_AT_ONCE, kills=[kill])


@pytest.mark.long
def test_an_import_killed_at_any_time_goes_on_and_ends_the_same(
    shop: Shop, shared_uri: str
) -> None:
    def kill(standing: ImportStanding) -> None:
        done = shop.imports.get(ADMIN, standing.run.id).run.done
        with killed_import(shared_uri):
            wait_until(
                lambda: shop.imports.get(ADMIN, standing.run.id).run.done > done,
                "some rows are done",
            )

    ends_the_same(shop, rows=2_000, kills=[kill, kill])


def ends_the_same(shop: Shop, *, rows: int, kills: list[Callable[[ImportStanding], None]]) -> None:
    """Bring a table that is killed in the middle; undone and brought again it is the same."""
    before, table = a_table(rows, seed=1), a_table(rows, seed=2)
    shop.bring(before)
    wanted = shop.counts(shop.bring(table, dry_run=True))
    standing = shop.begin(table)
    for kill in kills:
        kill(standing)
        # What the server does by itself once a transaction is too old (60 s, or 20 s, see
        # operations).
        shop.database.client.admin.command("killAllSessions", [])
        assert shop.imports.get(ADMIN, standing.run.id).state is not State.DONE
        long_ago = {"$dateSubtract": {"startDate": "$$NOW", "unit": "day", "amount": 1}}
        shop.raw["jobs"].update_many({}, [{"$set": {"run_at": long_ago}}])
    shop.work()
    standing = shop.imports.get(ADMIN, standing.run.id)
    assert (standing.state, shop.counts(standing)) == (State.DONE, wanted)
    assert standing.run.done == rows
    after = shop.everything()
    shop.undo(standing)
    shop.bring(table)
    assert without_words(shop.everything()) == without_words(after)


def without_words(everything: dict[str, list[Any]]) -> list[Any]:
    return [
        (each["sku"], each["name"], each.get("price"), each["images"])
        for each in everything["products"]
    ]


@contextmanager
def killed_import(uri: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Let another process work on imports, and kill it at the end."""
    command = [sys.executable, "-m", "tests.storage.killed_import", uri, *more]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize(
    "rows",
    [
        2 * ROWS_AT_ONCE + 1,
        *(pytest.param(each, marks=pytest.mark.long) for each in (1_000, 5_000, 50_000)),
    ],
)
def test_many_rows_there_and_back(shop: Shop, rows: int) -> None:
    first = shop.bring(a_table(rows, seed=1))
    middle = shop.everything()
    second = shop.bring(a_table(rows, seed=2))
    assert sum(shop.counts(second).values()) == rows
    assert shop.counts(second)["updated"] > 0
    shop.undo(second)
    assert shop.everything() == middle
    shop.undo(first)
    assert shop.everything() == {"products": [], "groups": []}


def test_each_run_is_written_down_once_with_its_counts(shop: Shop) -> None:
    table = "sku,name\nZ1,a\nZ2,\n"
    shop.bring(table, dry_run=True)
    done = shop.bring(table)
    shop.undo(done)
    # As if they had been killed after that.
    shop.raw["jobs"].update_many({}, [{"$set": {"state": "queued", "run_at": "$$NOW"}}])
    shop.work()
    entries = [
        (each["action"], each["object"]["id"], each["details"])
        for each in shop.raw["audit_logs"].find({}, sort=[("at", 1)])
    ]
    assert entries == [
        ("import.finished", done.run.id, {"by": ADMIN.id, "created": 1, "refused": 1}),
        ("import.undone", done.run.id, {"by": ADMIN.id, "deleted": 1}),
    ]


def test_rows_are_forgotten_with_their_import(shop: Shop) -> None:
    shop.bring("sku,name\nZ1,a\n")
    run, row = shop.raw["shop_imports"].find_one(), shop.raw["shop_import_rows"].find_one()
    assert run["forget_at"] == row["forget_at"]
    assert (run["forget_at"] - run["created_at"]).days == 30
