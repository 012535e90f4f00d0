"""The log of changes as a page and as a table, and a sentence for everything that is done."""

import ast
import csv
import html
import io
import re
from pathlib import Path
from typing import Any

import pytest

from avenue.audit.pages import PAGES
from avenue.audit.texts import ACTIONS
from avenue.web.audit import audited_as
from avenue.web.tables import defused
from tests.http.application import GROUPS, PRODUCTS, Application, Caller, a_picture, unique

AUDIT, TABLE = "/admin/audit", "/admin/audit/table.csv"
PACKAGE = Path(__file__).parents[2] / "avenue"
PAGE = {"Accept": "text/html", "Accept-Language": "en"}
ACTION = re.compile(r"[a-z]+(?:_[a-z]+)*\.[a-z]+(?:_[a-z]+)*")
WRITERS = {"record", "record_command", "record_job", "_record", "_write_down", "write_down"}


def actions_of_routes(application: Application) -> set[str]:
    app = application.app
    found = set()
    for rule in app.url_map.iter_rules():
        mark = audited_as(app.view_functions[rule.endpoint])
        if mark:
            found.add(mark.action.format_map(rule.defaults or {}))
    return found


def actions_of_commands_and_jobs() -> set[str]:
    """The constants in modules that write entries by hand."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        if not any(f"{each}(" in text for each in WRITERS):
            continue
        tree = ast.parse(text)
        called = {
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
        }
        is_store = {"store", "storage", "audit"} & {part.removesuffix(".py") for part in path.parts}
        if not called & WRITERS or is_store:
            continue
        found |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and ACTION.fullmatch(node.value)
        }
    return found


def test_everything_that_is_done_has_a_sentence(application: Application) -> None:
    routes, others = actions_of_routes(application), actions_of_commands_and_jobs()
    assert len(routes) > 20
    assert {"import.finished", "user.disabled", "folder.imported", "site.added"} <= others
    assert (routes | others) - ACTIONS.keys() == set()


def show(caller: Caller, language: str = "en", **query: str) -> Any:
    answer = caller.get(AUDIT, query_string=query, headers={**PAGE, "Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return answer


def lines(page: Any) -> list[str]:
    """The rows of the table as people read them."""
    (body,) = re.findall(r"<tbody>(.*?)</tbody>", page.text, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [html.unescape(" ".join(re.sub(r"<[^>]*>", " ", row).split())) for row in rows]


def test_a_change_is_told_as_a_sentence_with_who_when_and_what(
    application: Application, as_admin: Caller
) -> None:
    name = unique("walker")
    seller = application.new_person(name)
    product = seller.a_product(a_picture())
    seller.patch(f"{PRODUCTS}/{product['id']}", json={"name": "Bota", "price": "12"})
    page = show(as_admin, object=product["id"])
    told = lines(page)
    assert len(told) == 3
    assert f"{name}@shop.example changed a product" in told[0]
    assert "Fields: name, price" in told[0]
    assert "added photos to a product" in told[1]
    assert "1 photo" in told[1]
    (entry,) = as_admin.get(
        "/api/audit", query_string={"object": product["id"], "action": "product.changed"}
    ).json["items"]
    assert f'<time datetime="{entry["at"]}">' in page.text
    spanish = lines(show(as_admin, "es", object=product["id"]))
    assert f"{name}@shop.example cambió un producto" in spanish[0]
    assert "Campos: nombre, precio" in spanish[0]


def test_filters_by_person_action_and_object_stand_in_the_url(
    application: Application, as_admin: Caller
) -> None:
    name = unique("walker")
    seller = application.new_person(name)
    first, second = seller.a_product()["id"], seller.a_product()["id"]
    seller.delete(f"{PRODUCTS}/{first}")
    person = f"{name}@shop.example"
    assert len(lines(show(as_admin, actor=person))) == 3
    assert len(lines(show(as_admin, actor=person, action="product.created"))) == 2
    assert len(lines(show(as_admin, actor=f"  {person} ", object=second))) == 1
    page = show(as_admin, actor=person, action="product.deleted")
    assert f'value="{person}"' in page.text
    assert '<option value="product.deleted" selected>' in page.text
    assert "table.csv?actor=" in page.text
    nothing = show(as_admin, actor="nobody@shop.example")
    assert "No changes found" in nothing.text
    assert "<tbody>" not in nothing.text


def test_an_action_nobody_knows_is_asked_for_and_shown_as_it_is(as_admin: Caller) -> None:
    page = show(as_admin, action='<b>"x"')
    assert '<option value="&lt;b&gt;&#34;x&#34;" selected>' in page.text


@pytest.mark.long
def test_more_than_a_page_goes_on_behind_a_link(application: Application, as_admin: Caller) -> None:
    name = unique("walker")
    seller = application.new_person(name)
    made = [seller.post(GROUPS, json={"name": unique("Modelo ")}).json["id"] for _ in range(52)]
    page = show(as_admin, actor=f"{name}@shop.example")
    assert len(lines(page)) == 50
    assert "52 changes" in page.text
    assert ">Newest<" not in page.text
    older = html.unescape(re.search(r'href="([^"]*)" rel="next"', page.text)[1])
    rest = as_admin.get(older, headers=PAGE)
    assert len(lines(rest)) == 2
    assert 'rel="next"' not in rest.text
    assert ">Newest<" in rest.text
    assert made[0] in rest.text
    assert "actor=" in older


def test_a_cursor_that_is_none_is_refused(as_admin: Caller) -> None:
    assert as_admin.get(f"{AUDIT}?after=x", headers=PAGE).status_code == 400


def test_things_lead_to_their_page_where_there_is_one(as_admin: Caller) -> None:
    as_admin.patch("/api/site", json={"name": unique("Tienda ")})
    assert 'href="/admin/settings">Open</a>' in show(as_admin, action="site.changed").text
    assert {pattern.partition("/{")[0] for pattern in PAGES.values()} >= {"/admin/products"}


def test_each_site_sees_its_own(
    application: Application, as_admin: Caller, on_other_site: Caller
) -> None:
    theirs = on_other_site.a_product()["id"]
    assert theirs in show(application.caller("admin_on_other_site"), object=theirs).text
    assert "No changes found" in show(as_admin, object=theirs).text
    assert theirs not in as_admin.get(TABLE).text


def table(caller: Caller, language: str = "en", **query: str) -> tuple[Any, list[list[str]]]:
    answer = caller.get(TABLE, query_string=query, headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert answer.text.startswith("\ufeff")
    return answer, list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_the_table_has_what_the_filters_leave(application: Application, as_admin: Caller) -> None:
    name = unique("walker")
    seller = application.new_person(name)
    product = seller.a_product(a_picture())
    answer, rows = table(as_admin, actor=f"{name}@shop.example")
    assert answer.mimetype == "text/csv"
    assert re.fullmatch(
        r'attachment; filename="default-\d{4}-\d\d-\d\d\.csv"',
        answer.headers["Content-Disposition"],
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert rows[0] == ["When (UTC)", "Who", "What", "Action", "ID", "Details", "Request"]
    assert [row[1:6] for row in rows[1:]] == [
        [
            f"{name}@shop.example",
            "added photos to a product",
            "product.images_added",
            product["id"],
            "1 photo",
        ],
        [f"{name}@shop.example", "created a product", "product.created", product["id"], ""],
    ]
    assert table(as_admin, "es", actor=f"{name}@shop.example")[1][2][2] == "creó un producto"


def test_the_table_goes_on_over_many_pages_and_ends(
    application: Application, as_admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = unique("walker")
    seller = application.new_person(name)
    made = [seller.post(GROUPS, json={"name": unique("Modelo ")}).json["id"] for _ in range(7)]
    monkeypatch.setattr("avenue.audit.pages.AT_ONCE", 2)
    _, rows = table(as_admin, actor=f"{name}@shop.example")
    assert [row[4] for row in rows[1:]] == made[::-1]
    monkeypatch.setattr("avenue.audit.pages.MOST_ROWS", 5)
    _, rows = table(as_admin, actor=f"{name}@shop.example")
    assert [row[4] for row in rows[1:]] == made[:1:-1]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert defused(cell) == f"'{cell}"
    assert defused(f"a{cell}") == f"a{cell}"


def test_a_person_cannot_plant_a_formula(application: Application, as_admin: Caller) -> None:
    seller = application.new_person(f"=cmd|{unique('x')}")
    seller.a_product()
    _, rows = table(as_admin, actor=f"{rows_name(application, seller)}")
    assert rows[1][1].startswith("'=cmd|")


def rows_name(application: Application, caller: Caller) -> str:
    return application.raw["users"].find_one({"_id": caller.id})["email"]
