"""`/admin`: what needs doing, for each who may do it."""

import re

from tests.http.application import Application, Caller, a_picture
from tests.http.test_library_pages import IN_ENGLISH, PAGE

TASK = re.compile(r'<a href="([^"]+)"><b>([^<]+)</b> <span>([^<]+)</span>')


def tasks(caller: Caller) -> dict[str, tuple[str, str]]:
    answer = caller.get("/admin", headers=IN_ENGLISH)
    assert answer.status_code == 200
    return {path: (total, text) for path, total, text in TASK.findall(answer.text)}


def test_each_is_told_what_is_theirs_to_do(own_application: Application) -> None:
    seller, other, editor, admin, client = (
        own_application.caller(each)
        for each in ("seller", "other_seller", "editor", "admin", "client")
    )
    assert tasks(seller) == tasks(editor) == {}
    seller.a_product(name="Sin foto")
    seller.a_product(a_picture(), name="Sin texto", status="published")
    other.a_product(name="De otra persona")
    uploaded = editor.post("/api/builder/media", data=a_picture(), content_type="image/jpeg")
    assert uploaded.status_code == 201
    without, alt = "/admin/products?pictures=none", "/admin/products?pictures=no_alt"
    drafts, library = "/admin/products?status=draft", "/admin/alt-texts?of=library"
    assert tasks(seller) == {
        without: ("1", "product has no photo"),
        alt: ("1", "of the recently changed products needs alt text"),
        drafts: ("1", "product is a draft"),
    }
    assert tasks(editor) == {library: ("1", "of the recently uploaded images has no alt text")}
    everything = tasks(admin)
    assert everything[without][0] == everything[drafts][0] == "2"
    assert set(everything) == {without, "/admin/alt-texts?of=shop", drafts, library}
    for path in everything:
        assert admin.get(path).status_code == 200
    assert client.get("/admin").status_code == 303
    shown = seller.get("/admin", headers=IN_ENGLISH).text
    assert "Sin foto" in shown
    assert "De otra persona" not in shown
    assert PAGE not in shown
