"""Imports over HTTP: who may, what is refused, and what the answers hold."""

import json
from typing import Any

import pytest

from tests.http.application import GROUPS, PRODUCTS, Application, Caller, Part, unique
from tests.table import table

IMPORTS = f"{PRODUCTS}/import"
CSV = "text/csv; charset=utf-8"
IMPORT_KEYS = {
    *("id", "state", "error", "dry_run", "name", "format", "encoding", "delimiter"),
    *("unknown_columns", "warnings", "progress", "counts", "by", "created_at", "finished_at"),
    *("undo", "fetch_images", "images"),
}
ROW_KEYS = {"row", "sku", "outcome", "product", "changes", "difference", "error", "undo"}


def send(caller: Caller, table: str | bytes, query: str = "", **options: Any) -> Any:
    known = {"content_type": CSV, **options}
    return caller.post(f"{IMPORTS}{query}", data=table, **known)


def begun(caller: Caller, table: str | bytes, query: str = "", **options: Any) -> dict[str, Any]:
    answer = send(caller, table, query, **options)
    assert answer.status_code == 202, answer.text
    return answer.json


def work(application: Application, job_of: dict[str, Any]) -> None:
    """Do the background work of an import."""
    run = application.raw["shop_imports"].find_one({"_id": job_of["id"]})
    assert run is not None
    job = run["undo"]["job"] if run["undo"] else run["job"]
    application.work(job)


def brought(application: Application, caller: Caller, table: str, query: str = "") -> Any:
    standing = begun(caller, table, query)
    work(application, standing)
    return caller.get(f"{IMPORTS}/{standing['id']}").json


def rows_of(caller: Caller, standing: dict[str, Any], query: str = "") -> Any:
    return caller.get(f"{IMPORTS}/{standing['id']}/rows{query}").json


def test_a_table_comes_in_and_everything_is_told(
    application: Application, as_seller: Caller
) -> None:
    sku, other = unique("ERP-"), unique("ERP-")
    product = as_seller.a_product(sku=sku, price=150_000)
    answer = send(
        as_seller,
        f"código;nombre;precio;stock\n{sku};;165000;3\n{other};Bota;150,000;1\n",
        "?name=C:\\erp\\precios.csv",
    )
    standing = answer.json
    assert answer.status_code == 202
    assert set(standing) == IMPORT_KEYS
    assert answer.headers["Location"] == f"https://shop.example{IMPORTS}/{standing['id']}"
    assert standing["state"] == "queued"
    assert standing["name"] == "precios.csv"
    assert (standing["format"], standing["delimiter"], standing["by"]) == ("csv", ";", as_seller.id)
    assert standing["unknown_columns"] == ["stock"]
    assert standing["progress"] == {"done": 0, "total": 2}
    work(application, standing)
    shown = as_seller.get(f"{IMPORTS}/{standing['id']}").json
    assert shown["state"] == "done"
    assert shown["counts"] == {"created": 0, "updated": 1, "unchanged": 0, "refused": 1}
    assert shown["progress"] == {"done": 2, "total": 2}
    assert shown["finished_at"]
    rows = rows_of(as_seller, standing)
    assert set(rows["items"][0]) == ROW_KEYS
    assert rows["items"][0] == {
        "row": 2,
        "sku": sku,
        "outcome": "updated",
        "product": product["id"],
        "changes": {"price": ["150000", "165000"]},
        "difference": ["precio: 150000 → 165000"],
        "error": None,
        "undo": None,
    }
    error = rows["items"][1]["error"]
    assert (error["code"], error["field"]) == ("bad_cell", "price")
    url, english = f"{IMPORTS}/{standing['id']}/rows", {"Accept-Language": "en"}
    in_english = as_seller.get(url, headers=english).json["items"][1]["error"]["message"]
    assert in_english.startswith("The price ")
    assert error["message"].startswith("El precio ")
    assert as_seller.get(f"{PRODUCTS}/{product['id']}").json["price"] == "165000"


def test_a_table_says_attributes(application: Application) -> None:
    admin = application.caller("admin")
    sku, other, wrong = unique("ERP-"), unique("ERP-"), unique("ERP-")
    product = admin.a_product(sku=sku, attributes={"Color": ["Rojo"]})
    rows_there = (
        f"{sku};;Color: Azul | Talle: 38, 39",
        f"{other};Bota;Talle: 40",
        f"{wrong};X;solo texto",
    )
    standing = brought(application, admin, "\n".join(("sku;name;características", *rows_there)))
    assert standing["counts"] == {"created": 1, "updated": 1, "unchanged": 0, "refused": 1}
    rows = rows_of(admin, standing)["items"]
    assert rows[0]["difference"] == ["características: Color: Rojo → Color: Azul | Talle: 38, 39"]
    assert rows[2]["error"]["field"] == "attributes"
    now = admin.get(f"{PRODUCTS}/{product['id']}").json["attributes"]
    assert now == {"Color": ["Azul"], "Talle": ["38", "39"]}
    assert admin.post(f"{IMPORTS}/{standing['id']}/undo").status_code == 202
    work(application, standing)
    assert admin.get(f"{PRODUCTS}/{product['id']}").json["attributes"] == {"Color": ["Rojo"]}
    as_json = [{"sku": sku, "attributes": {"Talle": ["1"]}}]
    assert brought(application, admin, json.dumps(as_json))["counts"]["updated"] == 1
    assert admin.get(f"{PRODUCTS}/{product['id']}").json["attributes"] == {"Talle": ["1"]}


def test_a_table_puts_products_into_categories(application: Application) -> None:
    admin = application.caller("admin")
    sku, other, wrong = unique("ERP-"), unique("ERP-"), unique("ERP-")
    product = admin.a_product(sku=sku, category="Bolsos")
    table = f"sku,name,categoría\n{sku},,Calzado> Botas\n{other},Bota,Calzado\n{wrong},X,>\n"
    standing = brought(application, admin, table)
    assert standing["counts"] == {"created": 1, "updated": 1, "unchanged": 0, "refused": 1}
    rows = rows_of(admin, standing)["items"]
    assert rows[0]["changes"] == {"category": ["Bolsos", "Calzado > Botas"]}
    assert rows[0]["difference"] == ["categoría: Bolsos → Calzado > Botas"]
    assert rows[2]["error"]["field"] == "category"
    listed = admin.get(f"{PRODUCTS}?category=calzado/botas").json["items"]
    assert [each["id"] for each in listed] == [product["id"]]
    undone = admin.post(f"{IMPORTS}/{standing['id']}/undo")
    assert undone.status_code == 202
    work(application, standing)
    assert admin.get(f"{PRODUCTS}/{product['id']}").json["category"] == "Bolsos"
    assert admin.get(f"{PRODUCTS}?category=calzado").json["items"] == []


@table("how", ["csv", "typeless", "json", "form", "form without type"])
def test_a_table_may_be_sent_in_many_ways(as_seller: Caller, how: str) -> None:
    table = f"sku,name\n{unique('ERP-')},Zapato\n"
    products = json.dumps([{"sku": unique("ERP-"), "name": "Zapato"}])
    if how.startswith("form"):
        kind = "text/csv" if how == "form" else ""
        part = Part(table.encode(), name="precios.csv", media_type=kind)
        answer = as_seller.upload(IMPORTS, part)
        assert answer.json["name"] == "precios.csv"
    elif how == "json":
        answer = send(as_seller, products, content_type="application/json")
    else:
        answer = send(as_seller, table, content_type=CSV if how == "csv" else "")
    assert answer.status_code == 202
    assert answer.json["format"] == ("json" if how == "json" else "csv")


def test_a_dry_run_changes_nothing(application: Application, as_seller: Caller) -> None:
    sku = unique("ERP-")
    shown = brought(application, as_seller, f"sku,name,group\n{sku},Zapato,{sku}\n", "?dry_run=1")
    assert (shown["state"], shown["dry_run"], shown["counts"]["created"]) == ("done", True, 1)
    assert rows_of(as_seller, shown)["items"][0]["product"] is None
    assert as_seller.get(f"{PRODUCTS}?search={sku}").json["total"] == 0
    assert as_seller.get(f"{GROUPS}?search={sku}").json["total"] == 0


def test_undo_takes_the_last_one_back(application: Application) -> None:
    seller = application.new_person(unique("erp"))
    sku = unique("ERP-")
    standing = brought(application, seller, f"sku,name,precio\n{sku},Zapato,1\n")
    answer = seller.post(f"{IMPORTS}/{standing['id']}/undo")
    assert (answer.status_code, answer.json["state"]) == (202, "undoing")
    work(application, answer.json)
    shown = seller.get(f"{IMPORTS}/{standing['id']}").json
    assert shown["state"] == "undone"
    assert shown["undo"]["counts"] == {"deleted": 1, "restored": 0, "kept": 0, "gone": 0}
    assert shown["undo"]["progress"] == {"done": 1, "total": 1}
    assert seller.get(f"{PRODUCTS}?search={sku}").json["total"] == 0
    again = seller.post(f"{IMPORTS}/{standing['id']}/undo")
    assert (again.status_code, again.json["code"]) == (409, "not_the_last_import")


def test_a_dry_run_and_one_at_work_cannot_be_undone(application: Application) -> None:
    seller = application.new_person(unique("erp"))
    dry = brought(application, seller, f"sku,name\n{unique('ERP-')},a\n", "?dry_run=1")
    answer = seller.post(f"{IMPORTS}/{dry['id']}/undo")
    assert (answer.status_code, answer.json["code"]) == (409, "not_the_last_import")
    waiting = begun(seller, f"sku,name\n{unique('ERP-')},a\n")
    answer = seller.post(f"{IMPORTS}/{waiting['id']}/undo")
    assert (answer.status_code, answer.json["code"]) == (409, "import_unfinished")


WHO = {"nobody": 401, "client": 403, "editor": 403, "ops": 403, "seller": 202, "admin": 202}


@pytest.mark.long
@pytest.mark.parametrize(("who", "status"), WHO.items())
def test_who_may_bring_products_in(application: Application, who: str, status: int) -> None:
    answer = send(application.caller(who), f"sku,name\n{unique('ERP-')},a\n")
    assert answer.status_code == status


@pytest.mark.long
@pytest.mark.parametrize(("who", "status"), {**WHO, "seller": 200, "admin": 200}.items())
def test_who_may_list_imports(application: Application, who: str, status: int) -> None:
    assert application.caller(who).get(IMPORTS).status_code == status


@pytest.fixture
def own_import(application: Application) -> tuple[Caller, dict[str, Any]]:
    """Somebody and what they have brought in."""
    seller = application.new_person(unique("erp"))
    return seller, brought(application, seller, f"sku,name\n{unique('ERP-')},a\n")


@table("method, rest, status", [("GET", "", 200), ("GET", "/rows", 200), ("POST", "/undo", 202)])
def test_an_import_is_for_its_person_and_administrators(
    application: Application,
    own_import: tuple[Caller, dict[str, Any]],
    method: str,
    rest: str,
    status: int,
) -> None:
    seller, standing = own_import
    url = f"{IMPORTS}/{standing['id']}{rest}"
    strangers = {
        "nobody": 401,
        "client": 403,
        "other_seller": 404,
        "seller_on_other_site": 404,
        "admin_on_other_site": 404,
    }
    for who, refused in strangers.items():
        assert application.caller(who).ask(method, url).status_code == refused, who
    reading = application.with_scopes(seller, "read")
    assert reading.ask(method, url).status_code == (403 if method == "POST" else 200)
    assert application.caller("admin").ask(method, url).status_code == status
    assert seller.ask(method, url).status_code == status


@table("rest", ["", "/rows"])
@table("import_id", ["A" * 22, "x", "images", "ñ"])
def test_an_import_that_is_not_there(as_seller: Caller, import_id: str, rest: str) -> None:
    answer = as_seller.get(f"{IMPORTS}/{import_id}{rest}")
    assert (answer.status_code, answer.json["code"]) == (404, "import_not_found")


@table(
    "table, options, status, code",
    [
        (b"", {}, 400, "no_file"),
        (b"  \n", {}, 400, "unreadable_table"),
        (b"PK\x03\x04", {}, 400, "unreadable_table"),
        (b"name\nZapato\n", {}, 400, "no_sku_column"),
        (b'sku,name\nZ1,"open', {}, 400, "unreadable_table"),
        (b"[" * 50, {}, 400, "invalid_body"),
        (b'[{"sku": "a", "sku": "b"}]', {}, 400, "invalid_body"),
        (b"sku=Z1", {"content_type": "application/x-www-form-urlencoded"}, 400, "no_file"),
        (b"--x", {"content_type": "multipart/form-data"}, 400, "bad_multipart"),
        (b"sku\nZ1\n", {"query": "?dry_run=yes"}, 400, "invalid_request"),
        (
            b"sku\nZ1\n",
            {"headers": {"Idempotency-Key": "x" * 256}},
            400,
            "bad_idempotency_key",
        ),
    ],
)
def test_bad_input_leaves_nothing_behind(
    application: Application,
    as_seller: Caller,
    table: bytes,
    options: dict[str, Any],
    status: int,
    code: str,
) -> None:
    before = application.counts()
    answer = send(as_seller, table, **options)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert application.counts() == before


def test_several_files_are_not_one_table(application: Application, as_seller: Caller) -> None:
    before = application.counts()
    answer = as_seller.upload(IMPORTS, b"sku\na\n", b"sku\nb\n")
    assert (answer.status_code, answer.json["code"]) == (400, "one_file_only")
    assert application.counts() == before


def test_limits_of_a_table(application: Application, as_seller: Caller) -> None:
    app = application.with_settings(max_import_mb=1, max_import_rows=3)
    seller = Caller(application, app, as_seller.host, as_seller.token, as_seller.id)
    before = application.counts()
    answer = send(seller, b"sku\n" + b"a\n" * 4)
    assert (answer.status_code, answer.json["code"], answer.json["limit"]) == (
        413,
        "too_many_rows",
        3,
    )
    large = b"sku\n" + b" " * 1024 * 1024
    answer = send(seller, large)
    assert (answer.status_code, answer.json["code"]) == (413, "file_too_large")
    answer = seller.upload(IMPORTS, Part(large, name="a.csv", media_type="text/csv"))
    assert (answer.status_code, answer.json["code"]) == (413, "file_too_large")
    assert application.counts() == before
    assert send(seller, b"sku\na\nb\nc\n").status_code == 202


def test_sent_again_it_is_the_same_import(application: Application, as_seller: Caller) -> None:
    sku = unique("ERP-")
    table = f"sku,name\n{sku},a\n"
    key = {"Idempotency-Key": unique("key")}
    first = begun(as_seller, table, headers=key)
    again = send(as_seller, table)
    assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (first["id"], "true")
    work(application, first)
    again = send(as_seller, table, headers=key)
    assert (again.status_code, again.json["id"]) == (202, first["id"])
    assert again.json["state"] == "done"
    other = send(as_seller, table + "\n", headers=key)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    other = send(as_seller, table, "?dry_run=1", headers=key)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    fresh = send(as_seller, table)
    assert "Idempotent-Replayed" not in fresh.headers
    assert fresh.json["id"] != first["id"]


def test_lists_of_imports_and_rows_have_pages(application: Application) -> None:
    seller = application.new_person(unique("erp"))
    ids = [brought(application, seller, f"sku,name\n{unique('ERP-')},a\n")["id"] for _ in range(3)]
    first = seller.get(f"{IMPORTS}?limit=2").json
    assert [each["id"] for each in first["items"]] == [ids[2], ids[1]]
    rest = seller.get(f"{IMPORTS}?limit=2&after={first['next']}").json
    assert ([each["id"] for each in rest["items"]], rest["next"]) == ([ids[0]], None)
    assert first["total"] == rest["total"] == 3

    lines = "".join(f"{unique('ERP-')},{'' if n % 2 else 'a'}\n" for n in range(5))
    standing = brought(application, seller, f"sku,name\n{lines}")
    page = rows_of(seller, standing, "?limit=2")
    assert ([each["row"] for each in page["items"]], page["next"], page["total"]) == (
        [2, 3],
        "3",
        5,
    )
    page = rows_of(seller, standing, f"?limit=9&after={page['next']}")
    assert ([each["row"] for each in page["items"]], page["next"]) == ([4, 5, 6], None)
    page = rows_of(seller, standing, "?outcome=refused")
    assert ([each["row"] for each in page["items"]], page["total"]) == ([3, 5], 2)


@pytest.fixture(scope="module")
def waiting(as_seller: Caller) -> dict[str, Any]:
    """An import that nobody does."""
    return begun(as_seller, f"sku,name\n{unique('ERP-')},a\n")


@table(
    "query, code",
    [
        ("?limit=0", "invalid_query"),
        ("?limit=101", "invalid_query"),
        ("?after=x", "bad_cursor"),
        ("?after=-1", "bad_cursor"),
        ("?after=٣", "invalid_query"),
        ("?outcome=deleted", "invalid_request"),
    ],
)
def test_bad_questions_about_rows(
    as_seller: Caller, waiting: dict[str, Any], query: str, code: str
) -> None:
    answer = as_seller.get(f"{IMPORTS}/{waiting['id']}/rows{query}")
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_a_bad_cursor_of_imports(as_seller: Caller) -> None:
    answer = as_seller.get(f"{IMPORTS}?after=x")
    assert (answer.status_code, answer.json["code"]) == (400, "bad_cursor")


def test_an_import_with_other_letters_warns(as_seller: Caller) -> None:
    table = f"código;nombre\n{unique('ERP-')};Ñandutí\n".encode("cp1252")
    shown = begun(as_seller, table)
    assert shown["encoding"] == "windows-1252"
    assert "windows-1252" in shown["warnings"][0]


def test_what_changes_something_is_in_the_log_with_who_did_it(
    application: Application, as_admin: Caller
) -> None:
    seller = application.new_person(unique("erp"))
    table = f"sku,name\n{unique('ERP-')},a\n"
    dry = brought(application, seller, table, "?dry_run=1")
    standing = brought(application, seller, table)
    work(application, seller.post(f"{IMPORTS}/{standing['id']}/undo").json)
    assert as_admin.get(f"/api/audit?object={dry['id']}").json["items"] == []
    entries = as_admin.get(f"/api/audit?object={standing['id']}").json["items"]
    assert [(each["action"], each["actor"]["kind"]) for each in reversed(entries)] == [
        ("import.begun", "person"),
        ("import.finished", "job"),
        ("import.undo_begun", "person"),
        ("import.undone", "job"),
    ]
    assert entries[3]["actor"]["id"] == entries[2]["details"]["by"] == seller.id
    assert entries[2]["details"]["created"] == 1


def test_importing_counts_as_an_upload(application: Application, as_seller: Caller) -> None:
    app = application.with_settings(max_uploads_per_minute=1)
    person = application.new_person(unique("erp"), app=app)
    table = f"sku,name\n{unique('ERP-')},a\n"
    assert [send(person, table).status_code for _ in range(2)] == [202, 429]


def test_a_dry_run_is_applied_once(application: Application) -> None:
    seller = application.new_person(unique("erp"))
    sku, wrong = unique("ERP-"), unique("ERP-")
    dry = begun(seller, f"sku,name,precio\n{sku},Zapato,1\n{wrong},Bota,x\n", "?dry_run=1")
    early = seller.post(f"{IMPORTS}/{dry['id']}/apply")
    assert (early.status_code, early.json["code"]) == (409, "not_a_finished_dry_run")
    work(application, dry)
    answer = seller.post(f"{IMPORTS}/{dry['id']}/apply")
    assert answer.status_code == 202
    assert answer.headers["Location"].endswith(f"/import/{answer.json['id']}")
    assert (answer.json["dry_run"], answer.json["progress"]["total"]) == (False, 2)
    work(application, answer.json)
    shown = seller.get(f"{IMPORTS}/{answer.json['id']}").json
    assert shown["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "refused": 1}
    assert seller.get(f"{PRODUCTS}?search={sku}").json["total"] == 1
    again = seller.post(f"{IMPORTS}/{dry['id']}/apply")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json["id"] == answer.json["id"]
    twice = seller.post(f"{IMPORTS}/{answer.json['id']}/apply")
    assert (twice.status_code, twice.json["code"]) == (409, "not_a_finished_dry_run")


def test_columns_are_what_the_shop_has_said_of_them(application: Application) -> None:
    admin = application.caller("admin")
    sku, path = unique("ERP-"), f"{IMPORTS}/columns"
    table = f"Cód. artículo;NOMBRE-ERP;Precio;Costo\n{sku};Bota;150.000;90.000\n"
    assert send(admin, table).json["code"] == "no_sku_column"
    refused = admin.upload(
        "/admin/imports", Part(table.encode(), name="a.csv", media_type="text/csv")
    )
    for name in ("Cód. artículo", "NOMBRE-ERP", "Costo"):
        assert f'<input type="hidden" name="name" value="{name}">' in refused.text
    assert 'name="name" value="Precio"' not in refused.text  # as it is usually called
    dry = brought(application, admin, f"sku;NOMBRE-ERP\n{sku};Bota\n", "?dry_run=1")
    shown = admin.get(f"/admin/imports/{dry['id']}", headers={"Accept-Language": "en"}).text
    assert "No row can be imported: the only one has an error. Match the columns below" in shown
    assert "<details open>\n<summary>Match these columns" in shown

    named = {"name": ["Cód. Artículo", "Nombre ERP", "Costo"], "field": ["sku", "name", "-"]}
    saved = admin.post("/admin/imports/columns", data=named)
    assert saved.location.endswith("/admin/imports?said=columns")
    told = admin.get(path).json
    assert told["columns"] == [
        {"name": "Cód. Artículo", "field": "sku"},
        {"name": "Costo", "field": None},
        {"name": "Nombre ERP", "field": "name"},
    ]
    assert "sku" in told["fields"]
    standing = brought(application, admin, table)
    assert (standing["counts"]["created"], standing["unknown_columns"]) == (1, [])
    product = application.raw["shop_products"].find_one({"sku": sku})
    assert (product["name"], str(product["price"])) == ("Bota", "150000")
    in_json = brought(application, admin, json.dumps([{"cód. artículo": sku, "costo": "1"}]))
    assert (in_json["counts"]["unchanged"], in_json["unknown_columns"]) == (1, [])

    assert send(application.caller("admin_on_other_site"), table).json["code"] == "no_sku_column"
    admin.post("/admin/imports/columns", data={"name": "Costo", "field": ""})
    assert len(admin.get(path).json["columns"]) == 2
    for columns in (
        [{"name": "a", "field": "sku"}, {"name": "A ", "field": "name"}],
        [{"name": f"c{number}", "field": None} for number in range(51)],
        [{"name": "a", "field": "id"}],
        [{"name": "", "field": "sku"}],
    ):
        assert admin.put(path, json={"columns": columns}).status_code == 400
    assert len(admin.get(path).json["columns"]) == 2
    assert admin.put(path, json={"columns": []}).json["columns"] == []
    assert send(admin, table).json["code"] == "no_sku_column"


@pytest.mark.long
def test_applying_writes_down_who_did_it(application: Application) -> None:
    seller = application.new_person(unique("erp"))
    dry = brought(application, seller, f"sku,name\n{unique('ERP-')},Zapato\n", "?dry_run=1")
    run = seller.post(f"{IMPORTS}/{dry['id']}/apply").json
    entries = application.raw["audit_logs"].find({"object.id": run["id"], "action": "import.begun"})
    assert [each["actor"]["id"] for each in entries] == [seller.id]


@pytest.mark.long
def test_a_dry_run_of_which_no_row_can_be_taken_says_so(
    application: Application, as_seller: Caller
) -> None:
    there = unique("ERP-")
    as_seller.a_product(sku=there, name="Bota")

    def page_of(table: str) -> str:
        dry = brought(application, as_seller, table, "?dry_run=1")
        url, english = f"/admin/imports/{dry['id']}", {"Accept-Language": "en"}
        return str(as_seller.get(url, headers=english).text)

    as_is, finished = (
        "the store already matches the table",
        '<span class="chip good">Finished</span>',
    )
    wrong = page_of("sku,name,price\nZ1,a,free\nZ2,b,free\n")
    assert "No row can be imported: all 2 have errors." in wrong
    assert as_is not in wrong
    assert finished not in wrong
    some = page_of(f"sku,name,price\n{there},Bota,\nZ2,b,free\n")
    assert "1 row has an error; the others change nothing." in some
    assert as_is not in some
    right = page_of(f"sku,name\n{there},Bota\n")
    assert as_is in right
    assert finished in right
    assert "mistake" not in right


def test_prices_are_those_of_the_currency_of_the_product(
    application: Application, as_seller: Caller
) -> None:
    in_guaranies, in_dollars, new = unique("ERP-"), unique("ERP-"), unique("ERP-")
    as_seller.a_product(sku=in_guaranies, price=1)
    as_seller.a_product(sku=in_dollars, price=1, currency="USD")
    rows = [
        (in_guaranies, "", "150.000", "150000"),
        (in_guaranies, "", "150,50", None),
        (in_dollars, "", "Gs. 385.000", None),
        (in_dollars, "", "150,50", "150.50"),
        (new, "PYG", "125.000", "125000"),
        (unique("ERP-"), "", "150,50", None),
        (unique("ERP-"), "USD", "150,50", "150.50"),
    ]
    for sku, currency, price, read in rows:
        table = f"sku;nombre;precio;moneda\n{sku};Bota;{price};{currency}\n"
        shown = brought(application, as_seller, table, "?dry_run=1")
        (row,) = rows_of(as_seller, shown)["items"]
        assert row["changes"].get("price", [None, None])[1] == read, (sku, price)
        assert (row["error"] or {}).get("field") == (None if read else "price")


def test_pictures_of_a_table_are_fetched_after_its_rows_if_that_is_wanted(
    application: Application, as_seller: Caller
) -> None:
    table = f"sku,name,image_urls\n{unique('ERP-')},Zapato,https://cdn.example/1.jpg\n"
    for value, status in (("2", 400), ("", 400)):
        assert send(as_seller, table, f"?fetch_images={value}").status_code == status
    dry = brought(application, as_seller, table, "?dry_run=1&fetch_images=1")
    assert (dry["fetch_images"], dry["images"]) == (True, None)
    done = as_seller.post(f"{IMPORTS}/{dry['id']}/apply").json
    assert (done["fetch_images"], done["images"]) == (True, None)
    work(application, done)
    images = as_seller.get(f"{IMPORTS}/{done['id']}").json["images"]
    assert (images["state"], images["stored"], images["refused"]) == ("queued", 0, [])
    job = application.raw["jobs"].find_one({"_id": images["job"]})
    assert job is not None
    assert (job["kind"], job["args"]) == ("import_external", {"import": done["id"]})
    page = as_seller.get(f"/admin/imports/{done['id']}")
    assert 'data-part="images"' in page.text
    gone = {
        "path": "https://cdn.example/1.jpg?<b>",
        "code": "source_gone",
        "message": "It is gone.",
    }
    result = {"stored": 4, "duplicates": 0, "refused_total": 3, "refused": [gone]}
    over = {"state": "done", "result": result, "error": None}
    application.raw["jobs"].update_one({"_id": images["job"]}, {"$set": over})
    images = as_seller.get(f"{IMPORTS}/{done['id']}").json["images"]
    assert (images["stored"], images["refused_total"]) == (4, 3)
    assert images["refused"][0]["url"] == gone["path"]
    page = as_seller.get(f"/admin/imports/{done['id']}", headers={"Accept-Language": "en"})
    assert "4 photos imported." in page.text
    assert "https://cdn.example/1.jpg?&lt;b&gt;" in page.text
    assert "And 2 more." in page.text
    again = brought(application, as_seller, table + "\n")
    assert (again["fetch_images"], again["images"]) == (False, None)
