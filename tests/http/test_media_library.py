"""The media library over HTTP: what comes in, how it is found, changed, replaced and removed."""

import codecs
import csv
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any

import pytest

from avenue.builder.library import service
from avenue.identity import new_id
from avenue.media.pictures.variants import EAGER
from tests import pictures
from tests.http.application import (
    VERSIONS_KEEP,
    Application,
    Caller,
    Part,
    a_picture,
    unique,
)
from tests.http.test_product_images import FILE_KEYS, IMAGE_KEYS, REPLY_KEYS
from tests.listening import recorded
from tests.table import table

MEDIA, FOLDERS = "/api/builder/media", "/api/builder/folders"
MEDIA_KEYS = IMAGE_KEYS | {"folder", "tags", "revision"}
FILED_KEYS = MEDIA_KEYS | FILE_KEYS | {"duplicate_of"}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def added(editor: Caller, data: bytes | None = None, **query: object) -> Any:
    """A picture of the library, as an upload answers it."""
    answer = editor.post(MEDIA, query_string=query, data=data or a_picture())
    assert answer.status_code == 201, answer.text
    return answer.json["file"]


def a_folder(editor: Caller, parent: str | None = None, name: str | None = None) -> Any:
    body = {"name": name or unique("Carpeta "), "parent": parent}
    answer = editor.post(FOLDERS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json


def found(editor: Caller, **query: object) -> list[str]:
    """The ids that a list has."""
    answer = editor.get(MEDIA, query_string=query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json["items"]]


def changed(editor: Caller, media_id: str, **changes: object) -> Any:
    answer = editor.patch(f"{MEDIA}/{media_id}", json=changes)
    assert answer.status_code == 200, answer.text
    return answer.json


# What comes in


def test_a_picture_is_answered_as_everywhere_with_what_the_library_knows(as_editor, nobody):
    data, folder = a_picture(), a_folder(as_editor)["id"]
    answer = as_editor.post(MEDIA, query_string={"name": "playa.jpg", "folder": folder}, data=data)
    assert answer.status_code == 201, answer.text
    assert set(answer.json) == REPLY_KEYS
    file = answer.json["file"]
    assert set(file) == FILED_KEYS
    assert (file["folder"], file["tags"], file["revision"]) == (folder, [], 1)
    assert (file["duplicate_of"], file["visibility"]) == (None, "public")
    shown = as_editor.get(f"{MEDIA}/{file['id']}").json
    assert set(shown) == MEDIA_KEYS | {"uses"}
    assert {**shown, "uses": None} == {
        **{name: each for name, each in file.items() if name in MEDIA_KEYS},
        "uses": None,
    }
    assert shown["uses"] == 0
    assert nobody.get(file["url"]).data == data
    assert nobody.get(file["variants"]["thumb"]["url"]).status_code == 200


def test_a_form_says_where_its_files_go(as_editor):
    folder = a_folder(as_editor)["id"]
    files = {name: (BytesIO(a_picture()), f"{name}.jpg") for name in ("a", "b")}
    answer = as_editor.post(
        MEDIA, data={"folder": folder, **files}, content_type="multipart/form-data"
    )
    assert answer.status_code == 201, answer.text
    assert {each["folder"] for each in answer.json["files"]} == {folder}


@table("folder", ["x", "the other site's", "gone"])
def test_a_folder_that_is_not_there_takes_nothing(application, as_editor, folder):
    gone = a_folder(as_editor)["id"]
    assert as_editor.delete(f"{FOLDERS}/{gone}").status_code == 204
    of_other = a_folder(application.caller("editor_on_other_site"))["id"]
    folder = {"gone": gone, "the other site's": of_other}.get(folder, folder)
    before = application.counts()
    answer = as_editor.post(MEDIA, query_string={"folder": folder}, data=a_picture())
    assert code(answer) == (404, "folder_not_found")
    after = application.counts()
    assert {**after, "writes": 0} == {**before, "writes": 0}


def test_every_type_of_the_library_is_taken_and_no_other(as_editor, application):
    kinds = {
        "image/png": pictures.photo(64, 48, format="PNG"),
        "image/webp": pictures.photo(64, 48, format="WEBP"),
        "image/gif": pictures.photo(64, 48, format="GIF"),
        "image/avif": pictures.photo(64, 48, format="AVIF"),
    }
    for media_type, data in kinds.items():
        assert added(as_editor, data)["media_type"] == media_type
    before = application.counts()
    answer = as_editor.post(MEDIA, data=pictures.pdf())
    assert code(answer) == (415, "unsupported_media_type")
    assert application.counts() == before


def test_a_request_sent_again_with_its_key_is_one_upload(as_editor):
    data, key = a_picture(), {"Idempotency-Key": unique("key-")}
    first, second = (as_editor.post(MEDIA, data=data, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json["files"] == first.json["files"]


def test_the_same_bytes_are_another_file_that_says_what_it_doubles(as_editor):
    data = a_picture()
    first, second, third = (added(as_editor, data) for _ in range(3))
    assert len({each["id"] for each in (first, second, third)}) == 3
    assert [each["duplicate_of"] for each in (second, third)] == [first["id"]] * 2
    used = as_editor.post(MEDIA, query_string={"duplicates": "use"}, data=data)
    assert (used.status_code, used.json["id"]) == (200, first["id"])
    # What is in the trash is doubled by nobody.
    assert as_editor.delete(f"{MEDIA}/{first['id']}").status_code == 204
    assert added(as_editor, data)["duplicate_of"] == second["id"]


@pytest.mark.long
def test_the_same_file_twice_in_a_form_is_one_where_the_one_there_is_used(application, as_editor):
    data = a_picture()
    parts = [Part(data, name="a.jpg"), Part(data, name="b.jpg")]
    once = as_editor.upload(MEDIA, *parts, query_string={"duplicates": "use"})
    assert (once.status_code, len({each["id"] for each in once.json["files"]})) == (201, 1)
    data = a_picture()
    parts = [Part(data, name="a.jpg"), Part(data, name="b.jpg")]
    twice = as_editor.upload(MEDIA, *parts)
    assert (twice.status_code, len({each["id"] for each in twice.json["files"]})) == (201, 2)


# Who sees it


def test_of_another_site_there_is_nothing(application, as_editor):
    media, folder = added(as_editor)["id"], a_folder(as_editor)["id"]
    away = application.caller("editor_on_other_site")
    assert media not in found(away)
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/restore"),
        ("GET", "/usage"),
        ("GET", "/versions"),
    ):
        assert code(away.ask(method, f"{MEDIA}/{media}{path}")) == (404, "media_not_found")
    assert code(away.patch(f"{MEDIA}/{media}", json={"tags": []})) == (404, "media_not_found")
    answer = away.upload(f"{MEDIA}/{media}/file", a_picture(), method="PUT")
    assert code(answer) == (404, "media_not_found")
    for method in ("GET", "DELETE"):
        assert code(away.ask(method, f"{FOLDERS}/{folder}")) == (404, "folder_not_found")
    assert code(away.patch(f"{FOLDERS}/{folder}", json={"name": "x"})) == (404, "folder_not_found")


def test_logos_and_pictures_of_products_are_not_in_it(as_editor, as_seller, as_admin):
    image = as_seller.a_product(a_picture())["images"][0]["id"]
    logo = as_admin.put("/api/site/logo", data=a_picture()).json["id"]
    try:
        assert not {image, logo} & set(found(as_editor, limit=100))
        for each in (image, logo):
            assert code(as_editor.get(f"{MEDIA}/{each}")) == (404, "media_not_found")
            assert code(as_editor.delete(f"{MEDIA}/{each}")) == (404, "media_not_found")
    finally:
        as_admin.delete("/api/site/logo")


# How it is found


@pytest.fixture(scope="module")
def shelf(as_editor: Caller) -> dict[str, Any]:
    """A folder with four pictures that differ in everything lists know."""
    folder = a_folder(as_editor)["id"]
    sizes = {"alba": (64, 48), "Ámbar": (128, 96), "boda": (256, 192), "zorro": (32, 24)}
    ids = {
        name: added(
            as_editor,
            pictures.photo(*size, seed=90 + at, format="PNG" if name == "boda" else "JPEG"),
            name=f"{name}.jpg",
            folder=folder,
        )["id"]
        for at, (name, size) in enumerate(sizes.items())
    }
    changed(as_editor, ids["alba"], alt={"es": "El río Ypacaraí"}, tags=["Verano", "lago"])
    changed(as_editor, ids["boda"], decorative=True, tags=["verano"])
    return {"folder": folder, "ids": ids}


@table(
    "query, names",
    [
        ({}, ["zorro", "boda", "Ámbar", "alba"]),
        ({"sort": "newest"}, ["zorro", "boda", "Ámbar", "alba"]),
        ({"sort": "oldest"}, ["alba", "Ámbar", "boda", "zorro"]),
        ({"sort": "name"}, ["alba", "Ámbar", "boda", "zorro"]),
        ({"sort": "-name"}, ["zorro", "boda", "Ámbar", "alba"]),
        ({"sort": "smallest"}, ["zorro", "alba", "Ámbar", "boda"]),
        ({"sort": "largest"}, ["boda", "Ámbar", "alba", "zorro"]),
        ({"search": "AMB"}, ["Ámbar"]),
        ({"search": "ypacarai"}, ["alba"]),
        ({"search": "rio veran"}, ["alba"]),
        ({"search": "veran boda"}, ["boda"]),
        ({"search": "pacarai"}, []),
        ({"search": "?!"}, []),
        ({"tag": "VERANO", "sort": "name"}, ["alba", "boda"]),
        ({"tag": "ver"}, []),
        ({"type": "image/png"}, ["boda"]),
        ({"without_alt": "1", "sort": "name"}, ["Ámbar", "zorro"]),
        ({"unused": "1", "sort": "name"}, ["alba", "Ámbar", "boda", "zorro"]),
        ({"state": "trash"}, []),
        ({"from": "2020-01-01", "to": "9998-12-31", "tag": "lago"}, ["alba"]),
        ({"to": "2020-01-01"}, []),
        ({"min_bytes": "1", "max_bytes": "2"}, []),
        ({"max_bytes": str(10**15), "tag": "lago"}, ["alba"]),
    ],
)
def test_lists(as_editor, shelf, query, names):
    ids = found(as_editor, folder=shelf["folder"], **query)
    known = {each: name for name, each in shelf["ids"].items()}
    assert [known[each] for each in ids] == names


@table("sort", ["newest", "oldest", "name", "-name", "smallest", "largest"])
def test_pages_join_without_a_gap(as_editor, shelf, sort):
    query = {"folder": shelf["folder"], "sort": sort}
    whole, pages, after = found(as_editor, **query), [], ""
    while after is not None:
        answer = as_editor.get(MEDIA, query_string={**query, "limit": 1, "after": after}).json
        assert (len(answer["items"]), answer["total"]) == (1, 4)
        pages += [each["id"] for each in answer["items"]]
        after = answer["next"]
    assert pages == whole


def test_a_day_is_all_of_it(as_editor, application, shelf):
    asset = application.raw["assets"].find_one({"_id": shelf["ids"]["zorro"]})
    day = asset["created_at"].date().isoformat()
    ids = found(as_editor, folder=shelf["folder"], **{"from": day, "to": day})
    assert shelf["ids"]["zorro"] in ids


def test_files_in_no_folder(as_editor, shelf):
    loose = added(as_editor)["id"]
    ids = found(as_editor, folder="none")
    assert loose in ids
    assert not set(ids) & set(shelf["ids"].values())


@table(
    "query",
    [
        {"sort": "size"},
        {"state": "purging"},
        {"from": "yesterday"},
        {"from": "2026-02-31"},
        {"to": "9999-12-31"},
        {"min_bytes": "-1"},
        {"max_bytes": "9" * 17},
        {"max_bytes": "٣"},
        {"folder": "somewhere"},
        {"unused": "yes"},
        {"limit": "0"},
    ],
)
def test_what_a_list_does_not_take(as_editor, query):
    assert code(as_editor.get(MEDIA, query_string=query)) == (400, "invalid_query")


@table("sort", ["newest", "name", "smallest"])
def test_a_cursor_is_of_its_list(as_editor, shelf, sort):
    page = as_editor.get(MEDIA, query_string={"sort": sort, "limit": 1}).json
    others = {"newest": "oldest", "name": "-name", "smallest": "name"}
    for after in (page["next"] + "x", page["next"][3:], "ñ", "W10"):
        answer = as_editor.get(MEDIA, query_string={"sort": sort, "after": after})
        assert answer.status_code == 400
    answer = as_editor.get(MEDIA, query_string={"sort": others[sort], "after": page["next"]})
    assert code(answer) == (400, "bad_cursor")


# How it is changed


def test_what_is_changed_is_found_by_it_at_once(as_editor):
    media = added(as_editor, name="uno.jpg")["id"]
    word, other, tag = (unique(each) for each in ("nombre", "texto", "etiqueta"))
    told = changed(as_editor, media, name=f"{word}.png", alt={"es": other}, tags=[tag, tag.upper()])
    assert (told["name"], told["alt"], told["tags"]) == (f"{word}.jpg", {"es": other}, [tag])
    assert told["revision"] == 2
    for each in (word, other, tag):
        assert found(as_editor, search=each) == [media]
    changed(as_editor, media, alt={}, tags=[])
    assert found(as_editor, search=word) == [media]
    for each in (other, tag):
        assert found(as_editor, search=each) == []


def test_the_focal_point_moves_what_is_cut(as_editor):
    media = added(as_editor)
    told = changed(as_editor, media["id"], focal=[0.1, 0.9], name="otro.jpg")
    assert told["focal"] == [0.1, 0.9]
    assert told["variants"]["thumb"]["url"] != media["variants"]["thumb"]["url"]
    assert found(as_editor, search="otro", limit=100).count(media["id"]) == 1
    assert changed(as_editor, media["id"], focal=None)["focal"] == media["focal"]


def test_it_goes_from_folder_to_folder(as_editor):
    one, two = a_folder(as_editor)["id"], a_folder(as_editor)["id"]
    media = added(as_editor, folder=one)["id"]
    assert changed(as_editor, media, folder=two)["folder"] == two
    assert (found(as_editor, folder=one), found(as_editor, folder=two)) == ([], [media])
    assert changed(as_editor, media, folder=None)["folder"] is None
    answer = as_editor.patch(f"{MEDIA}/{media}", json={"folder": new_id(), "tags": ["x"]})
    assert code(answer) == (404, "folder_not_found")
    assert as_editor.get(f"{MEDIA}/{media}").json["tags"] == []


@table(
    "body",
    [
        {"name": ""},
        {"name": None},
        {"tags": ["a,b"]},
        {"tags": [" "]},
        {"tags": ["x" * 51]},
        {"tags": [f"t{n}" for n in range(21)]},
        {"focal": [0, 2]},
        {"alt": {"Spanish": "x"}},
        {"folder": "none"},
        {"url": "https://elsewhere.example"},
    ],
)
def test_what_cannot_be_kept_changes_nothing(as_editor, shelf, body):
    media = shelf["ids"]["alba"]
    before = as_editor.get(f"{MEDIA}/{media}").json
    assert code(as_editor.patch(f"{MEDIA}/{media}", json=body)) == (400, "invalid_body")
    assert as_editor.get(f"{MEDIA}/{media}").json == before


# Versions


def replaced(editor: Caller, media_id: str, data: bytes, name: str = "nuevo.jpg") -> Any:
    part = Part(data, name=name)
    answer = editor.upload(f"{MEDIA}/{media_id}/file", part, method="PUT")
    assert answer.status_code == 201, answer.text
    return answer.json["file"]


def test_a_file_is_replaced_where_it_is(as_editor, nobody):
    first, second = a_picture(), pictures.photo(80, 60, seed=7777, format="PNG")
    media = added(as_editor, first, name="viejo.jpg", folder=a_folder(as_editor)["id"])
    told = replaced(as_editor, media["id"], second)
    assert (told["id"], told["folder"], told["name"]) == (media["id"], media["folder"], "nuevo.png")
    assert told["version"] != media["version"]
    assert nobody.get(told["url"]).data == second
    moved = nobody.get(media["url"])
    assert (moved.status_code, moved.headers["Location"]) == (308, told["url"])
    # Lists know it as it is now.
    assert found(as_editor, search="nuevo", folder=media["folder"]) == [media["id"]]
    assert found(as_editor, search="viejo", folder=media["folder"]) == []
    assert found(as_editor, type="image/png", folder=media["folder"]) == [media["id"]]
    stored = as_editor.application.raw["assets"].find_one({"_id": media["id"]})
    assert stored["listed"]["bytes"] == len(second)


@pytest.mark.long
def test_bytes_without_a_name_leave_the_one_there_is(as_editor):
    media = added(as_editor, name="zapato bueno.jpg")
    data = pictures.photo(80, 60, seed=7779, format="PNG")
    told = as_editor.put(f"{MEDIA}/{media['id']}/file", data=data).json["file"]
    assert (told["name"], told["media_type"]) == ("zapato bueno.png", "image/png")


def test_older_versions_are_for_editors(as_editor, as_seller, nobody):
    first, second = a_picture(), a_picture()
    media = added(as_editor, first)
    replaced(as_editor, media["id"], second)
    listed = as_editor.get(f"{MEDIA}/{media['id']}/versions").json
    assert (listed["total"], [each["current"] for each in listed["items"]]) == (2, [True, False])
    assert [each["bytes"] for each in listed["items"]] == [len(second), len(first)]
    assert {each["by"] for each in listed["items"]} == {as_editor.id}
    old = listed["items"][1]
    assert old["version"] == media["version"]
    answer = as_editor.get(old["url"])
    assert (answer.status_code, answer.data) == (200, first)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert as_seller.get(old["url"]).status_code == 403
    assert nobody.get(old["url"]).status_code == 401
    nowhere = old["url"].replace(old["version"], "0" * 12)
    assert code(as_editor.get(nowhere)) == (404, "version_not_found")


@pytest.mark.long
def test_an_older_version_becomes_the_current_one_again(as_editor, nobody):
    first, second = a_picture(), a_picture()
    media = added(as_editor, first)
    replaced(as_editor, media["id"], second)
    path = f"{MEDIA}/{media['id']}/versions"
    told = as_editor.post(f"{path}/{media['version']}/restore").json
    assert (told["id"], told["url"], told["revision"]) == (media["id"], media["url"], 3)
    assert nobody.get(told["url"]).data == first
    listed = as_editor.get(path).json["items"]
    assert [each["bytes"] for each in listed] == [len(first), len(second)]
    # Who asks whether there is something newer than the one in between is told so.
    assert listed[0]["at"] >= listed[1]["at"]
    stable = nobody.get(f"/media/{media['id']}/original")
    assert stable.data == first
    again = as_editor.post(f"{path}/{media['version']}/restore").json
    assert again["revision"] == told["revision"]
    assert code(as_editor.post(f"{path}/{'0' * 12}/restore")) == (404, "version_not_found")


@pytest.mark.long
@pytest.mark.parametrize("mode", ["eager", "lazy"])
def test_the_mode_says_when_the_sizes_of_a_picture_are_made(application, as_editor, mode):
    app = application.with_settings(pipeline_mode=mode)
    editor = replace(as_editor, app=app)
    at_once = {f"{name}.webp" for name in EAGER} if mode == "eager" else set()

    def made(media: Any) -> set[str]:
        there = application.raw["renditions"].find({"asset": media["id"]})
        tokens = {each["url"].split("/")[-2] for each in media["variants"].values()}
        names = [each["_id"].split("/") for each in there]
        return {name for _, token, name in names if token in tokens}

    media = added(editor, pictures.photo(1300, 900, seed=3))
    assert made(media) == at_once
    new = editor.upload(f"{MEDIA}/{media['id']}/file", a_picture(), method="PUT").json["file"]
    assert new["variants"]["thumb"]["url"] != media["variants"]["thumb"]["url"]
    assert made(new) == at_once


@pytest.mark.long
def test_with_an_older_version_of_another_type_the_name_ends_as_that_does(as_editor):
    media = added(as_editor, pictures.photo(80, 60, seed=7778, format="PNG"), name="viejo.png")
    word = unique("nuevo")
    assert replaced(as_editor, media["id"], a_picture(), f"{word}.jpg")["name"] == f"{word}.jpg"
    told = as_editor.post(f"{MEDIA}/{media['id']}/versions/{media['version']}/restore").json
    assert (told["name"], told["media_type"]) == (f"{word}.png", "image/png")
    assert found(as_editor, search=f"{word} png") == [media["id"]]


@pytest.mark.long
def test_so_many_versions_are_kept(application, as_editor):
    media = added(as_editor)
    stored = {"filename": {"$exists": True}, "metadata.asset": media["id"]}
    for _ in range(VERSIONS_KEEP + 1):
        last = replaced(as_editor, media["id"], a_picture())
    listed = as_editor.get(f"{MEDIA}/{media['id']}/versions").json["items"]
    assert (len(listed), listed[0]["version"]) == (VERSIONS_KEEP, last["version"])
    assert application.raw["builder_media.files"].count_documents(stored) == VERSIONS_KEEP
    # Bringing the oldest back lets none fall off.
    answer = as_editor.post(f"{MEDIA}/{media['id']}/versions/{listed[-1]['version']}/restore")
    assert answer.status_code == 200
    assert application.raw["builder_media.files"].count_documents(stored) == VERSIONS_KEEP


@pytest.mark.long
def test_a_file_is_replaced_by_one(as_editor):
    media = added(as_editor)["id"]
    answer = as_editor.upload(f"{MEDIA}/{media}/file", a_picture(), a_picture(), method="PUT")
    assert answer.status_code == 201
    assert [each["code"] for each in answer.json["errors"]] == ["one_file_only"]
    assert as_editor.get(f"{MEDIA}/{media}/versions").json["total"] == 2


# Removing and restoring


def test_what_is_removed_can_be_brought_back(as_editor, nobody):
    folder = a_folder(as_editor)["id"]
    media = added(as_editor, folder=folder)
    path = f"{MEDIA}/{media['id']}"
    assert as_editor.delete(path).status_code == 204
    assert code(as_editor.get(path)) == (404, "media_not_found")
    assert nobody.get(media["url"]).status_code == 404
    assert found(as_editor, folder=folder) == []
    (trashed,) = as_editor.get(MEDIA, query_string={"folder": folder, "state": "trash"}).json[
        "items"
    ]
    assert set(trashed) == MEDIA_KEYS | {"trashed_at"}
    restored = as_editor.post(f"{path}/restore")
    assert (restored.status_code, restored.json["folder"]) == (200, folder)
    assert nobody.get(media["url"]).status_code == 200
    assert as_editor.post(f"{path}/restore").status_code == 200  # it is as it should be


def test_without_its_folder_it_comes_back_in_none(as_editor):
    folder = a_folder(as_editor)["id"]
    media = added(as_editor, folder=folder)["id"]
    assert as_editor.delete(f"{MEDIA}/{media}").status_code == 204
    assert as_editor.delete(f"{FOLDERS}/{folder}").status_code == 204
    restored = as_editor.post(f"{MEDIA}/{media}/restore")
    assert (restored.status_code, restored.json["folder"]) == (200, None)
    assert media in found(as_editor, folder="none")


# Folders


def test_a_folder_tells_its_way_and_what_lies_in_it(as_editor):
    top = a_folder(as_editor)
    assert (top["parent"], top["media"], top["folders"]) == (None, 0, 0)
    below = a_folder(as_editor, top["id"])
    added(as_editor, folder=below["id"])
    told = as_editor.get(f"{FOLDERS}/{below['id']}").json
    assert [each["name"] for each in told["path"]] == [top["name"], below["name"]]
    assert (told["parent"], told["media"], told["folders"]) == (top["id"], 1, 0)
    listed = as_editor.get(FOLDERS).json
    assert listed["total"] == len(listed["items"])
    ids = [each["id"] for each in listed["items"]]
    assert ids.index(top["id"]) < ids.index(below["id"])
    assert told in listed["items"]
    assert as_editor.get(f"{FOLDERS}/{top['id']}").json["folders"] == 1


def test_a_name_is_there_once_in_its_place(as_editor):
    one = a_folder(as_editor, name=unique("Playa "))
    same = {"name": one["name"].upper().replace("PLAYA", "pláya")}
    assert code(as_editor.post(FOLDERS, json=same)) == (409, "folder_name_taken")
    elsewhere = a_folder(as_editor, one["id"], name=one["name"])
    moved = as_editor.patch(f"{FOLDERS}/{elsewhere['id']}", json={"parent": None})
    assert code(moved) == (409, "folder_name_taken")
    renamed = as_editor.patch(f"{FOLDERS}/{one['id']}", json={"name": same["name"]})
    assert (renamed.status_code, renamed.json["name"]) == (200, same["name"])


def test_a_folder_does_not_lie_in_itself(as_editor):
    top = a_folder(as_editor)
    middle = a_folder(as_editor, top["id"])
    low = a_folder(as_editor, middle["id"])
    for parent in (top, middle, low):
        answer = as_editor.patch(f"{FOLDERS}/{top['id']}", json={"parent": parent["id"]})
        assert code(answer) == (409, "folder_in_itself")
    moved = as_editor.patch(f"{FOLDERS}/{low['id']}", json={"parent": top["id"]})
    assert [each["id"] for each in moved.json["path"]] == [top["id"], low["id"]]


def test_folders_are_five_deep(as_editor):
    parent, ways = None, []
    for _ in range(5):
        parent = a_folder(as_editor, parent)["id"]
        ways.append(parent)
    answer = as_editor.post(FOLDERS, json={"name": "x", "parent": parent})
    assert code(answer) == (409, "folder_too_deep")
    # What lies in it counts when a folder is moved.
    other = a_folder(as_editor)["id"]
    a_folder(as_editor, other)
    answer = as_editor.patch(f"{FOLDERS}/{other}", json={"parent": ways[3]})
    assert code(answer) == (409, "folder_too_deep")
    answer = as_editor.patch(f"{FOLDERS}/{other}", json={"parent": ways[2]})
    assert answer.status_code == 200


def test_an_empty_folder_is_deleted_and_no_other(as_editor):
    folder = a_folder(as_editor)["id"]
    below, media = a_folder(as_editor, folder)["id"], added(as_editor, folder=folder)["id"]
    answer = as_editor.delete(f"{FOLDERS}/{folder}")
    assert code(answer) == (409, "folder_not_empty")
    assert (answer.json["media"], answer.json["folders"]) == (1, 1)
    assert as_editor.delete(f"{FOLDERS}/{below}").status_code == 204
    assert code(as_editor.delete(f"{FOLDERS}/{folder}")) == (409, "folder_not_empty")
    changed(as_editor, media, folder=None)
    assert as_editor.delete(f"{FOLDERS}/{folder}").status_code == 204
    assert code(as_editor.delete(f"{FOLDERS}/{folder}")) == (404, "folder_not_found")


@table(
    "body",
    [
        {},
        {"name": " "},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"name": "x", "parent": "none"},
        {"name": "x", "id": "mine"},
    ],
)
def test_what_is_no_folder(as_editor, body):
    assert code(as_editor.post(FOLDERS, json=body)) == (400, "invalid_body")


def test_a_folder_lies_only_in_one_that_is_there(application, as_editor):
    of_other = a_folder(application.caller("editor_on_other_site"))["id"]
    for parent in (new_id(), of_other):
        answer = as_editor.post(FOLDERS, json={"name": unique("Carpeta "), "parent": parent})
        assert code(answer) == (404, "folder_not_found")


def test_there_are_so_many_folders(application: Application):
    editor = application.caller("editor_on_other_site")
    folders = application.raw["media_folders"]
    there = folders.count_documents({"site": "other"})
    made = [
        {"_id": f"{n:022}", "site": "other", "name": f"{n}", "name_key": f"{n}", "parent": None}
        for n in range(1000 - there)
    ]
    folders.insert_many(made)
    try:
        assert code(editor.post(FOLDERS, json={"name": "x"})) == (409, "too_many_folders")
        assert editor.get(FOLDERS).json["total"] == 1000
    finally:
        folders.delete_many({"_id": {"$in": [each["_id"] for each in made]}})


# Many at once


def test_many_go_into_a_folder_together(as_editor):
    folder, ids = a_folder(as_editor)["id"], [added(as_editor)["id"] for _ in range(3)]
    answer = as_editor.post(f"{MEDIA}/move", json={"ids": ids, "folder": folder})
    assert (answer.status_code, answer.json["total"]) == (200, 3)
    assert [each["id"] for each in answer.json["items"]] == ids
    assert sorted(found(as_editor, folder=folder)) == sorted(ids)
    out = as_editor.post(f"{MEDIA}/move", json={"ids": ids[:1], "folder": None})
    assert out.json["items"][0]["folder"] is None


def test_many_get_tags_and_lose_them(as_editor):
    new, old = unique("nueva"), unique("vieja")
    ids = [added(as_editor)["id"] for _ in range(2)]
    changed(as_editor, ids[0], tags=[old, "b"])
    answer = as_editor.post(f"{MEDIA}/tag", json={"ids": ids, "add": [new], "remove": [old]})
    assert [each["tags"] for each in answer.json["items"]] == [["b", new], [new]]
    assert sorted(found(as_editor, search=new)) == sorted(ids)
    assert found(as_editor, search=old) == []
    many = [f"t{n}" for n in range(19)]
    answer = as_editor.post(f"{MEDIA}/tag", json={"ids": ids, "add": many})
    assert code(answer) == (409, "too_many_tags")
    assert answer.json["ids"] == ids[:1]
    assert as_editor.get(f"{MEDIA}/{ids[1]}").json["tags"] == [new]


def test_many_are_removed_and_each_is_written_down(application, as_editor):
    ids = [added(as_editor)["id"] for _ in range(3)]
    answer = as_editor.post(f"{MEDIA}/remove", json={"ids": [*ids, ids[0]]})
    assert (answer.status_code, answer.json) == (200, {"removed": ids, "in_use": []})
    logged = {"action": "media.removed", "object.id": {"$in": ids}}
    assert application.raw["audit_logs"].count_documents(logged) == 3
    assert code(as_editor.post(f"{MEDIA}/remove", json={"ids": ids})) == (404, "media_not_found")


def test_a_zip_has_them_as_they_are_called(as_editor):
    data = {"playa.jpg": a_picture(), "río.jpg": a_picture()}
    ids = [added(as_editor, each, name=name)["id"] for name, each in data.items()]
    answer = as_editor.post(f"{MEDIA}/zip", json={"ids": ids})
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    archive = zipfile.ZipFile(BytesIO(answer.data))
    assert {each: archive.read(each) for each in archive.namelist()} == data


def test_a_zip_has_a_largest_size(application, as_editor):
    small = replace(as_editor, app=application.with_settings(max_zip_mb=1))
    ids = [added(as_editor)["id"] for _ in range(2)]
    large = {"$set": {"versions.0.bytes": 1024**2}}
    application.raw["assets"].update_one({"_id": ids[1]}, large)
    answer = small.post(f"{MEDIA}/zip", json={"ids": ids})
    assert code(answer) == (413, "zip_too_large")
    assert small.post(f"{MEDIA}/zip", json={"ids": ids[:1]}).status_code == 200


@pytest.fixture
def of_others(application: Application) -> str:
    """A file of another site."""
    return str(added(application.caller("editor_on_other_site"))["id"])


@table("action", ["move", "tag", "remove", "zip"])
def test_all_of_them_or_none(as_editor, shelf, of_others, action):
    more = {"move": {"folder": shelf["folder"]}, "tag": {"add": ["x"]}}
    own, away, nowhere = shelf["ids"]["alba"], of_others, new_id()
    body = {"ids": [own, away, nowhere], **more.get(action, {})}
    before = as_editor.get(f"{MEDIA}/{own}").json
    answer = as_editor.post(f"{MEDIA}/{action}", json=body)
    assert code(answer) == (404, "media_not_found")
    assert answer.json["ids"] == [away, nowhere]
    assert as_editor.get(f"{MEDIA}/{own}").json == before


@table("action, most", [("move", 200), ("tag", 200), ("remove", 200), ("zip", 500)])
def test_not_too_many_at_once(as_editor, action, most):
    more = {"folder": None} if action == "move" else {}
    for ids in ([], ["x"], [new_id() for _ in range(most + 1)]):
        answer = as_editor.post(f"{MEDIA}/{action}", json={"ids": ids, **more})
        assert code(answer) == (400, "invalid_body")
    answer = as_editor.post(f"{MEDIA}/{action}", json={"ids": [new_id()] * most, **more})
    assert code(answer) == (404, "media_not_found")


# Reports


@pytest.fixture
def bare_site(application: Application) -> Iterator[Caller]:
    """The editor of a site whose library is empty."""
    editor = application.caller("editor_on_other_site")
    hidden = {"site": "other", "claim.kind": "library"}
    application.raw["assets"].update_many(hidden, {"$set": {"site": "elsewhere"}})
    yield editor
    application.raw["assets"].update_many({"site": "elsewhere"}, {"$set": {"site": "other"}})


def rows_of(answer: Any) -> list[list[str]]:
    assert answer.mimetype == "text/csv"
    assert answer.data.startswith(codecs.BOM_UTF8)
    return list(csv.reader(StringIO(answer.data.decode("utf-8-sig"))))


def test_a_report_is_a_list_and_a_table(bare_site):
    editor = bare_site
    folder = a_folder(editor, a_folder(editor, name=unique("Año "))["id"])
    formula = added(editor, name='=1+1,"x".jpg', folder=folder["id"])
    described, ornament = added(editor)["id"], added(editor)["id"]
    changed(editor, described, alt={"es": "Un lago"})
    changed(editor, ornament, decorative=True)
    reported(editor, "alt", [formula["id"]], folder, formula)
    reported(editor, "unused", [ornament, described, formula["id"]], folder, formula)


def reported(editor: Caller, report: str, wanted: list[str], folder: Any, formula: Any) -> None:
    """Ask for a report in all its forms; the last file of it is the one named as a formula."""
    path = f"/api/builder/reports/{report}"
    listed = editor.get(path)
    assert [each["id"] for each in listed.json["items"]] == wanted
    assert listed.json["total"] == len(wanted)
    first = editor.get(path, query_string={"limit": 1}).json
    if first["next"]:
        rest = editor.get(path, query_string={"after": first["next"]}).json
        assert [each["id"] for each in (*first["items"], *rest["items"])] == wanted
    for answer in (
        editor.get(path, headers={"Accept": "text/csv"}),
        editor.get(path, query_string={"format": "csv"}),
    ):
        head, *rows = rows_of(answer)
        assert [each[0] for each in rows] == wanted
        assert len(head) == len(rows[-1])
        way = " / ".join(each["name"] for each in folder["path"])
        assert rows[-1][1:3] == ["'" + formula["name"], way]
    assert code(editor.get(path, query_string={"format": "xml"})) == (400, "invalid_query")
    nonsense = {"format": "csv", "limit": "0.28"}
    assert code(editor.get(path, query_string=nonsense)) == (400, "invalid_query")


def test_a_table_of_many_pages_has_each_once(bare_site, monkeypatch):
    monkeypatch.setattr(service, "WALKED_AT_ONCE", 2)
    ids = [added(bare_site)["id"] for _ in range(5)]
    path = "/api/builder/reports/unused?format=csv"
    with recorded(bare_site.application.raw.name) as commands:
        assert [each[0] for each in rows_of(bare_site.get(path))[1:]] == ids[::-1]
    about_pages = [each for each in commands if next(iter(each.values())) == "page_content"]
    assert len(about_pages) == 1, "what is used is asked once, not for each part"
    assert not [each for each in commands if "$count" in str(each)]
    monkeypatch.setattr(service, "MOST_WALKED", 3)
    assert [each[0] for each in rows_of(bare_site.get(path))[1:]] == ids[:1:-1]
