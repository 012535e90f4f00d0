"""Photos shared from a phone: held until their owner says where they go, and forged by nobody."""

import json
from pathlib import Path
from typing import Any

from avenue.identity import Role
from avenue.shop.pages.sharing import PATH
from avenue.web.assets import FOLDER
from tests import pictures
from tests.http.application import PRODUCTS, Application, Caller, Part, a_picture, unique
from tests.table import table

BY_BROWSER = {"Origin": "null", "Sec-Fetch-Site": "none"}
TEMPORARY = "/api/shop/temp-images"


def shared(caller: Caller, *files: bytes | Part) -> Any:
    return caller.upload(PATH, *files, headers=BY_BROWSER)


def held(caller: Caller) -> list[str]:
    return [each["id"] for each in caller.get(TEMPORARY).json["items"]]


def test_the_manifest_names_the_page() -> None:
    target = json.loads(Path(FOLDER, "panel.webmanifest").read_text())["share_target"]
    assert (target["action"], target["method"], target["enctype"]) == (
        *(PATH, "POST"),
        "multipart/form-data",
    )


@table(
    "headers, is_taken",
    [
        (BY_BROWSER, True),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "none"}, False),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "null", "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, False),
    ],
)
def test_no_page_elsewhere_shares(application: Application, headers: dict, is_taken: bool) -> None:
    person = application.new_person(unique("comparte"))
    answer = person.upload(PATH, a_picture(), headers=headers)
    assert answer.status_code == (303 if is_taken else 403), answer.text
    assert len(held(person)) == is_taken
    # What the browser sends by itself changes nothing else.
    elsewhere = person.post(f"{PATH}/remove", data={"temp_images": held(person)}, headers=headers)
    assert elsewhere.status_code == 403
    assert len(held(person)) == is_taken


def test_who_is_not_signed_in_shares_nothing(application: Application) -> None:
    before = application.counts()
    answer = shared(application.caller("nobody"), a_picture())
    assert answer.status_code in {303, 401}
    assert application.counts() == before


def test_shared_photos_wait_for_their_owner(application: Application) -> None:
    seller, stranger = (application.new_person(unique("comparte")) for _ in range(2))
    sku = unique("SH-")
    product = seller.a_product(sku=sku)
    foreign = stranger.a_product()
    large = pictures.noise_png(2000, 1000)
    came = shared(seller, a_picture(), Part(large, name="grande.png"), Part(b"x", name="a.txt"))
    assert (came.status_code, came.location.split("?")[0]) == (303, PATH)
    assert "file=a.txt" in came.location
    waiting = held(seller)
    assert len(waiting) == 2  # one of them shrunk, as a phone's are too large
    assert seller.get(f"{PRODUCTS}/{product['id']}").json["images"] == []
    page = seller.get(PATH).text
    assert all(f'value="{each}"' in page for each in waiting)
    assert waiting[0] not in stranger.get(PATH).text

    def placed(caller: Caller, **sent: Any) -> Any:
        return caller.post(f"{PATH}/product", data={"temp_images": waiting, **sent})

    assert placed(seller, to=foreign["id"]).status_code == 404
    assert "refused=temp_image_expired" in placed(stranger, to=foreign["id"]).location
    assert placed(seller, named=unique("nada")).status_code == 422
    assert placed(seller).status_code == 422
    done = placed(seller, named=sku)
    assert done.location.startswith(f"/admin/products/{product['id']}?said=added")
    assert placed(seller, to=product["id"]).status_code == 303  # pressed twice
    images = seller.get(f"{PRODUCTS}/{product['id']}").json["images"]
    assert sorted(each["id"] for each in images) == sorted(waiting)
    assert held(seller) == []

    shared(seller, a_picture())
    assert seller.post(f"{PATH}/remove", data={"temp_images": held(seller)}).status_code == 303
    assert held(seller) == []
    assert seller.post(f"{PATH}/library", data={"temp_images": waiting}).status_code == 403


def test_an_editor_takes_them_into_the_library(application: Application) -> None:
    editor = application.new_person(unique("editora"), role=Role.EDITOR)
    photo = a_picture()
    shared(editor, photo)
    [asset] = application.raw["assets"].find({"owner": editor.id, "temporary": True})
    page = editor.get(PATH).text
    assert "/admin/products/new" not in page
    before = editor.get("/api/builder/media").json["total"]
    done = editor.post(f"{PATH}/library", data={"temp_images": asset["_id"]})
    assert done.location == "/admin/library?said=added&count=1"
    assert editor.get("/api/builder/media").json["total"] == before + 1
    assert application.raw["assets"].count_documents({"owner": editor.id, "temporary": True}) == 0
