"""Alternative texts in bulk: what lacks one is listed, written, and suggested by a service."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from avenue.identity import Role, new_id
from tests.http.application import OTHER_HOST, Application, Caller, a_picture, unique
from tests.http.test_media_library import MEDIA, added
from tests.receiver import Inbox, receiving

PAGE, API = "/admin/alt-texts", "/api/alt-texts"
IN_ENGLISH = {"Accept-Language": "en", "Accept": "text/html"}
ROW = re.compile(r'<li class="alt-row" data-id="([^"]*)"')
SECRET = "planted-s3cret-of-the-service"


def listed(caller: Caller, query: str = "", status: int = 200) -> list[str]:
    answer = caller.get(f"{PAGE}?{query}", headers=IN_ENGLISH)
    assert answer.status_code == status, answer.text
    return ROW.findall(answer.text)


def write(caller: Caller, asset_id: str, status: int = 200, **fields: Any) -> Any:
    body = {"language": "es", "was": "", **fields}
    answer = caller.put(f"{API}/{asset_id}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json


@pytest.fixture(scope="module")
def as_editor(application: Application) -> Caller:
    return application.caller("editor")


@pytest.fixture(scope="module")
def as_staff(application: Application) -> Caller:
    return application.caller("staff")


def test_pictures_of_shop_and_library_are_listed_to_whose_work_they_are(
    application: Application,
    as_admin: Caller,
    as_seller: Caller,
    as_editor: Caller,
    as_staff: Caller,
) -> None:
    name = unique("Zapato ")
    shoe = as_seller.a_product(a_picture(), name=name)["images"][0]["id"]
    model = as_seller.a_group(a_picture())["images"][0]["id"]
    beach = added(as_editor)["id"]
    elsewhere = application.caller("editor_on_other_site")
    assert listed(as_admin)[:3] == [beach, model, shoe]
    assert listed(as_admin, "limit=2") == [beach, model]
    before = as_editor.get("/admin/library/reports/alt")
    assert before.headers["Location"] == f"{PAGE}?of=library"
    page = as_admin.get(f"{PAGE}?limit=2", headers=IN_ENGLISH).text
    following = re.search(r'href="([^"]*after=[^"]*)" rel="next"', page)
    assert following is not None
    behind = as_admin.get(following[1].replace("&amp;", "&"), headers=IN_ENGLISH).text
    assert ROW.findall(behind)[0] == shoe
    assert name in behind
    assert beach not in listed(as_staff)
    assert shoe not in listed(as_editor)
    assert listed(as_admin, "of=library")[0] == beach
    assert not {beach, model, shoe} & set(listed(elsewhere))
    write(as_staff, shoe, text=" Un zapato ")
    write(as_editor, beach, text="", decorative=True)
    assert [each for each in listed(as_admin) if each in {beach, model, shoe}] == [model]
    assert shoe in listed(as_admin, "language=en")
    for caller, picture in ((as_staff, beach), (as_editor, shoe), (elsewhere, beach)):
        assert write(caller, picture, 404, text="No")["code"] == "picture_not_found"
    assert write(as_staff, new_id(), 404, text="No")["code"] == "picture_not_found"
    for status, caller in ((403, as_seller), (401, application.caller("nobody"))):
        assert caller.put(f"{API}/{shoe}", json={}).status_code == status


def test_the_navigation_says_how_many_wait(application: Application) -> None:
    someone = application.new_person(unique("editora"), role=Role.EDITOR, host=OTHER_HOST)
    assert someone.get("/admin/counts").json == {}
    pictures = [added(someone)["id"] for _ in range(2)]
    assert someone.get("/admin/counts").json == {PAGE: 2}
    write(someone, pictures[0], text="Una playa")
    assert someone.get("/admin/counts").json == {PAGE: 1}
    assert application.caller("client").get("/admin/counts").json == {}


def test_no_text_is_written_over_one_that_was_not_seen(as_admin: Caller, as_editor: Caller) -> None:
    beach = added(as_editor)["id"]
    as_editor.patch(f"{MEDIA}/{beach}", json={"tags": ["mar"], "alt": {"en": "A beach"}})
    assert write(as_editor, beach, text="Una playa")["alt"] == {"en": "A beach", "es": "Una playa"}
    assert write(as_editor, beach, text="Una playa")["alt"]["es"] == "Una playa"  # sent again
    late = write(as_admin, beach, 409, text="Otra cosa")
    assert (late["code"], late["alt"]["es"]) == ("described_meanwhile", "Una playa")
    assert write(as_admin, beach, 409, text="", decorative=True)["alt"]["es"] == "Una playa"
    assert write(as_admin, beach, text="Otra cosa", was="Una playa")["alt"]["es"] == "Otra cosa"
    assert write(as_admin, beach, text="", was="Otra cosa")["alt"] == {"en": "A beach"}
    found = as_editor.get(f"{MEDIA}?search=beach&tag=mar").json
    assert beach in {each["id"] for each in found["items"]}
    entries = as_admin.get(f"/api/audit?object={beach}&action=media.changed").json["items"]
    assert len(entries) == 4  # the one sent again, and those refused, changed nothing


def test_a_page_is_written_by_one_form(as_admin: Caller) -> None:
    first, second, third, fourth = (added(as_admin)["id"] for _ in range(4))
    write(as_admin, third, text="De otra persona")
    sent = {
        "id": [first, second, third, fourth],
        f"alt.{first}": "Una playa",
        f"alt.{second}": "",
        f"decorative.{second}": "1",
        f"alt.{third}": "<b>Mía</b>",
        f"name.{third}": "tercera.jpg",
        f"alt.{fourth}": "",
    }
    answer = as_admin.post(PAGE, data=sent, headers=IN_ENGLISH)
    assert answer.status_code == 409
    assert "Someone else wrote “De otra persona” in the meantime" in answer.text
    assert "“&lt;b&gt;Mía&lt;/b&gt;” was not saved" in answer.text
    assert [each for each in (first, second, third, fourth) if each in listed(as_admin)] == [fourth]
    sent = {"id": fourth, f"alt.{fourth}": "A beach"}
    answer = as_admin.post(f"{PAGE}?language=en&of=library", data=sent, headers=IN_ENGLISH)
    assert answer.headers["Location"].endswith("?language=en&of=library&said=saved&count=1")
    assert as_admin.get(f"{MEDIA}/{fourth}").json["alt"] == {"en": "A beach"}
    too_long = {"id": fourth, f"alt.{fourth}": "x" * 1001}
    assert as_admin.post(PAGE, data=too_long, headers=IN_ENGLISH).status_code == 409
    assert as_admin.get(f"{MEDIA}/{fourth}").json["alt"] == {"en": "A beach"}


# Suggestions


@pytest.fixture
def service() -> Iterator[Inbox]:
    with receiving() as inbox:
        yield inbox


@pytest.fixture
def asking(application: Application, as_admin: Caller, service: Inbox) -> Caller:
    app = application.with_settings(alt_text_url=service.url, alt_text_secret=SECRET)
    return replace(as_admin, app=app)


def suggest(caller: Caller, asset_id: str, language: str = "en") -> Any:
    return caller.post(f"{API}/{asset_id}/suggestion", json={"language": language})


def test_a_service_suggests_what_a_person_may_take(asking: Caller, service: Inbox) -> None:
    name = unique("Zapato ")
    shoe = asking.a_product(a_picture(), name=name)["images"][0]
    service.answers = [b'{"alt": "  A red\\nshoe "}']
    answer = suggest(asking, shoe["id"])
    assert (answer.status_code, answer.json) == (200, {"alt": "A red shoe"})
    told = service.next()
    assert told.headers["Authorization"] == f"Bearer {SECRET}"
    assert told.message["language"] == "en"
    assert told.message["context"] == {"name": shoe["name"], "used_in": name}
    assert told.message["media_type"] == "image/jpeg"
    sent = Image.open(io.BytesIO(base64.b64decode(told.message["image"])))
    assert sent.width <= 640
    assert shoe["id"] in listed(asking, "language=en")  # nothing is stored
    assert 'data-act="suggest"' in asking.get(PAGE, headers=IN_ENGLISH).text


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (302, b""),
        (200, b"no json"),
        (200, b'{"alt": ""}'),
        (200, b'{"alt": ["x"]}'),
        (200, b'[{"alt": "x"}]'),
        (200, b'{"alt": "' + b"x" * 70_000 + b'"}'),
        (200, '{"alt": "back\u202ewards"}'.encode()),
    ],
)
def test_a_service_that_answers_badly_suggests_nothing(
    asking: Caller, service: Inbox, status: int, body: bytes
) -> None:
    beach = added(asking)["id"]
    service.statuses, service.answers = [status], [body]
    answer = suggest(asking, beach)
    assert (answer.status_code, answer.json["code"]) == (422, "nothing_suggested")
    assert SECRET not in answer.text
    assert "127.0.0.1" not in answer.text


def test_nobody_is_asked_unless_it_is_set_up(
    as_admin: Caller, asking: Caller, application: Application
) -> None:
    beach = added(as_admin)["id"]
    assert suggest(as_admin, beach).json["code"] == "no_suggestions"
    assert 'data-act="suggest"' not in as_admin.get(PAGE, headers=IN_ENGLISH).text
    elsewhere = replace(application.caller("editor_on_other_site"), app=asking.app)
    assert suggest(elsewhere, beach).json["code"] == "picture_not_found"
