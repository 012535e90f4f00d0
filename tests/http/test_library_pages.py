"""The media library in the panel without JavaScript: folders, lists, one picture, refusals."""

import html
import io
import re
import zipfile
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from avenue.builder.library.pages.shown import RATIOS
from avenue.identity import DEFAULT_SITE, Role, new_id
from tests import pictures
from tests.http.application import PASSWORD, Application, Caller, Part, a_picture, form, unique
from tests.http.test_media_library import MEDIA, a_folder, added, changed
from tests.server import ROOT
from tests.table import table

PAGE = "/admin/library"
BULK, FOLDERS = f"{PAGE}/bulk", f"{PAGE}/folders"
UNUSED = f"{PAGE}/reports/unused"
IN_ENGLISH = {"Accept-Language": "en", "Accept": "text/html"}
NAME = re.compile(r'<a class="name" href="/admin/library/[^"]*">([^<]*)</a>')
EVIL = "<script>alert(1)</script>\"'"


def read(caller: Caller, url: str, status: int = 200) -> str:
    answer = caller.get(url, headers=IN_ENGLISH)
    assert answer.status_code == status, answer.text
    return answer.text


def send(caller: Caller, url: str, status: int = 303, **fields: Any) -> Any:
    answer = caller.post(url, data=fields, headers=IN_ENGLISH)
    assert answer.status_code == status, answer.text
    return answer


def names(caller: Caller, query: str = "") -> list[str]:
    return NAME.findall(html.unescape(read(caller, f"{PAGE}?{query}")))


def told(answer: Any) -> dict[str, list[str]]:
    """What the page says that a form leads to."""
    return parse_qs(urlsplit(answer.headers["Location"]).query)


def live(caller: Caller, media_id: str) -> Any:
    answer = caller.get(f"{MEDIA}/{media_id}")
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.fixture
def word() -> str:
    """A word that only the pictures of one test have in their names."""
    return unique("imagen")


@pytest.fixture
def logo(application: Application, as_editor: Caller) -> Any:
    """A picture of the library that is the site's logo while a test lasts."""
    picture = added(as_editor)
    profiles = application.raw["site_profiles"]
    own = {"_id": DEFAULT_SITE, "site": DEFAULT_SITE}
    profiles.update_one(own, {"$set": {"logo": picture["id"]}}, upsert=True)
    yield picture
    profiles.delete_one(own)


# The list


def test_the_library_shows_all_a_folder_what_lies_in_it_and_none_the_rest(
    as_editor: Caller, word: str
) -> None:
    folder = a_folder(as_editor)
    added(as_editor, name=f"{word}in.jpg", folder=folder["id"])
    added(as_editor, name=f"{word}out.jpg")
    top = names(as_editor, "folder=none")
    assert f"{word}out.jpg" in top
    assert f"{word}in.jpg" not in top
    assert names(as_editor, f"folder={folder['id']}") == [f"{word}in.jpg"]
    assert {f"{word}in.jpg", f"{word}out.jpg"} <= set(names(as_editor))
    # Who searches at the top means the whole library, in a folder that folder.
    assert names(as_editor, f"search={word}&sort=name") == [f"{word}in.jpg", f"{word}out.jpg"]
    assert names(as_editor, f"search={word}&folder={folder['id']}") == [f"{word}in.jpg"]
    assert f'href="{PAGE}?folder={folder["id"]}"' in read(as_editor, PAGE)


@pytest.mark.long
def test_filters_narrow_the_list_down(as_editor: Caller, word: str) -> None:
    with_alt = added(as_editor, name=f"{word}a.jpg")
    changed(as_editor, with_alt["id"], alt={"es": "Una montaña"}, tags=[word])
    added(as_editor, pictures.photo(64, 48, format="PNG"), name=f"{word}b.png")
    gone = added(as_editor, name=f"{word}c.jpg")["id"]
    assert as_editor.delete(f"{MEDIA}/{gone}").status_code == 204
    lists = {
        "": ["a.jpg", "b.png"],
        "sort=-name": ["b.png", "a.jpg"],
        "type=image/png": ["b.png"],
        "without_alt=1": ["b.png"],
        "unused=1": ["a.jpg", "b.png"],
        f"tag={word}": ["a.jpg"],
        "size=small": ["a.jpg", "b.png"],
        "size=large": [],
        "size=nonsense": ["a.jpg", "b.png"],
        "from=2020-01-01&to=2020-12-31": [],
        "state=trash": ["c.jpg"],
    }
    for query, found in lists.items():
        shown = names(
            as_editor,
            f"search={word}&sort=name&{query}" if "sort" not in query else f"search={word}&{query}",
        )
        assert shown == [f"{word}{each}" for each in found], query
    assert "No images match" in read(as_editor, f"{PAGE}?search={word}x")


@pytest.mark.parametrize(
    "orders",
    [
        ("-name",),
        pytest.param(("newest", "oldest", "name", "smallest", "largest"), marks=pytest.mark.long),
    ],
)
def test_one_can_page_on_and_back_in_every_order(
    as_editor: Caller, word: str, orders: tuple[str, ...]
) -> None:
    for number in range(5):
        added(as_editor, name=f"{word}{number}.jpg")

    def link(page: str, rel: str) -> str:
        found = re.search(rf'href="([^"]*)" rel="{rel}"', page)
        return html.unescape(found[1]) if found else ""

    for sort in orders:
        whole = names(as_editor, f"search={word}&sort={sort}")
        pages = [read(as_editor, f"{PAGE}?search={word}&sort={sort}&limit=2")]
        while url := link(pages[-1], "next"):
            pages.append(read(as_editor, url))
        shown = [NAME.findall(page) for page in pages]
        assert shown == [whole[:2], whole[2:4], whole[4:]], sort
        second = read(as_editor, link(pages[-1], "prev"))
        assert NAME.findall(second) == whole[2:4], sort
        first = read(as_editor, link(second, "prev"))
        assert (NAME.findall(first), link(first, "prev")) == (whole[:2], ""), sort


def looks(answer: Any) -> list[str]:
    """The cookies an answer sets for how the library is shown."""
    return [each for each in answer.headers.getlist("Set-Cookie") if "avenue_library" in each]


@pytest.mark.long
def test_the_look_is_remembered(as_editor: Caller) -> None:
    added(as_editor)
    assert 'class="gallery"' in read(as_editor, f"{PAGE}")
    answer = as_editor.get(f"{PAGE}?view=list", headers=IN_ENGLISH)
    [kept] = looks(answer)
    assert 'class="things"' in answer.text
    assert re.match("avenue_library=list;.*HttpOnly.*SameSite=Lax", kept)
    cookie = {**IN_ENGLISH, "Cookie": "avenue_library=list"}
    assert 'class="things"' in as_editor.get(f"{PAGE}", headers=cookie).text
    assert looks(as_editor.get(f"{PAGE}?view=nonsense", headers=cookie)) == []


@pytest.mark.long
def test_each_tile_has_a_class_that_reserves_its_room(as_editor: Caller, word: str) -> None:
    for number, (width, height) in enumerate(((100, 100), (160, 90), (40, 400), (400, 40))):
        added(as_editor, pictures.photo(width, height, noise=False), name=f"{word}{number}.jpg")
    page = read(as_editor, f"{PAGE}?search={word}&sort=name")
    shapes = re.findall(r'class="thing tile (r-\d+)"', page)
    assert shapes == ["r-102", "r-175", "r-50", "r-300"]
    sheet = (ROOT / "avenue/static/css/library.css").read_text()
    assert re.findall(r"\.(r-\d+) \{ --ratio: ([\d.]+); \}", sheet) == [
        (f"r-{round(each * 100)}", f"{each:g}") for each in RATIOS
    ]


def test_what_people_write_is_only_text(as_editor: Caller) -> None:
    folder = a_folder(as_editor, name=unique(f"{EVIL} "))
    there = added(as_editor, folder=folder["id"])["id"]
    changed(as_editor, there, name=f"{EVIL}.jpg", alt={"es": EVIL}, tags=[EVIL])
    for url in (
        f"{PAGE}?folder={folder['id']}",
        f"{PAGE}?search={EVIL}",
        f"{PAGE}?tag={EVIL}",
        f"{PAGE}/{there}",
    ):
        page = read(as_editor, url)
        assert "<script>alert" not in page, url
        assert "&lt;script&gt;alert" in page, url


@pytest.mark.parametrize("query", ["after=x", "before=x", "sort=x", "from=x"])
def test_a_query_that_means_nothing_is_refused(as_editor: Caller, query: str) -> None:
    read(as_editor, f"{PAGE}?{query}", 400)


def test_what_is_not_there_is_not_found(application: Application, as_editor: Caller) -> None:
    foreign = added(application.caller("editor_on_other_site"))["id"]
    other_folder = a_folder(application.caller("editor_on_other_site"))["id"]
    read(as_editor, f"{PAGE}?folder={other_folder}", 404)
    read(as_editor, f"{PAGE}?folder={new_id()}", 404)
    send(as_editor, f"{FOLDERS}/{other_folder}", 404, name="x")
    send(as_editor, f"{FOLDERS}/{other_folder}/delete", 404)
    for each in (foreign, new_id(), "x"):
        read(as_editor, f"{PAGE}/{each}", 404)
        for act in ("", "/focal", "/remove", "/restore", "/versions/abc/restore"):
            send(as_editor, f"{PAGE}/{each}{act}", 404, name="x")


# Bringing in


def test_a_form_brings_pictures_into_the_folder_that_is_open(as_editor: Caller, word: str) -> None:
    folder = a_folder(as_editor)["id"]
    files = {"files": (io.BytesIO(a_picture()), f"{word}.jpg"), "folder": folder}
    answer = as_editor.post(PAGE, data=files, headers=IN_ENGLISH)
    assert answer.status_code == 303
    assert told(answer) == {"folder": [folder], "said": ["added"], "count": ["1"]}
    assert names(as_editor, f"folder={folder}") == [f"{word}.jpg"]
    assert "1 image uploaded." in read(as_editor, answer.headers["Location"])


def test_what_is_refused_or_here_already_is_said_beside_what_was_taken(
    as_editor: Caller, word: str
) -> None:
    data = a_picture()
    first = added(as_editor, data)["id"]
    parts = [Part(data, name=f"{word}.jpg"), Part(b"no picture", name=f"{EVIL}.jpg")]
    answer = as_editor.upload(PAGE, *parts, headers=IN_ENGLISH)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "1 file rejected" in answer.text
    assert "This image already exists." in answer.text
    new = re.search(r'action="/admin/library/([\w-]{22})/remove"', answer.text)[1]  # type: ignore[index]
    gone = send(as_editor, f"{PAGE}/{new}/remove", instead=first)
    assert gone.headers["Location"].endswith(f"{PAGE}/{first}")
    assert as_editor.get(f"{MEDIA}/{new}").status_code == 404


def test_a_form_without_a_file_or_with_a_bad_folder_leaves_nothing_behind(
    application: Application, as_editor: Caller
) -> None:
    before = application.counts()
    no_file = as_editor.post(PAGE, data=form(), content_type="multipart/form-data; boundary=x")
    assert no_file.status_code == 400
    files = {"files": (io.BytesIO(a_picture()), "a.jpg"), "folder": new_id()}
    assert as_editor.post(PAGE, data=files, headers=IN_ENGLISH).status_code == 404
    assert {**application.counts(), "writes": 0} == {**before, "writes": 0}


# Folders


def test_a_folder_is_made_renamed_moved_and_deleted(as_editor: Caller) -> None:
    assert as_editor.upload(MEDIA, a_picture()).status_code == 201  # so that the page lists one
    name, outer = unique("Carpeta "), a_folder(as_editor)["id"]
    made = send(as_editor, FOLDERS, name=name, parent="")
    assert told(made) == {"said": ["made"]}
    page = read(as_editor, PAGE)
    folder = re.search(
        rf'href="{PAGE}\?folder=([\w-]+)" data-folder="\1"><svg[^\n]*<span>{name}</span>', page
    )
    assert folder
    here = folder[1]
    send(as_editor, f"{FOLDERS}/{here}", name=f"{name}!", parent=outer)
    assert f"{name}!" in read(as_editor, f"{PAGE}?folder={outer}")
    assert f"{name}!" not in read(as_editor, f"{PAGE}")[: page.index('id="bulk"')]
    assert told(send(as_editor, f"{FOLDERS}/{here}/delete")) == {
        "folder": [outer],
        "said": ["deleted"],
    }
    read(as_editor, f"{PAGE}?folder={here}", 404)


@pytest.mark.long
def test_why_a_folder_is_not_changed_is_said_beside_what_was_typed(as_editor: Caller) -> None:
    folder, other = a_folder(as_editor), a_folder(as_editor)
    inner = a_folder(as_editor, folder["id"])
    taken = send(as_editor, FOLDERS, 409, name=other["name"].upper())
    assert "A folder with this name already exists." in taken.text
    assert f'value="{other["name"].upper()}"' in taken.text
    assert (
        "cannot be inside itself"
        in send(
            as_editor, f"{FOLDERS}/{folder['id']}", 409, name=folder["name"], parent=inner["id"]
        ).text
    )
    assert "is not empty" in send(as_editor, f"{FOLDERS}/{folder['id']}/delete", 409).text
    for name in ("", "x" * 101, "a\tb"):
        assert send(as_editor, FOLDERS, 400, name=name).status_code == 400


# Many at once


@pytest.mark.long
def test_many_are_moved_and_tagged(as_editor: Caller, word: str) -> None:
    ids = [added(as_editor, name=f"{word}{n}.jpg")["id"] for n in range(2)]
    folder = a_folder(as_editor)["id"]
    back = f"{PAGE}?search={word}"
    moved = send(as_editor, BULK, action="move", id=ids, folder=folder, back=back)
    assert told(moved) == {"search": [word], "said": ["moved"], "count": ["2"]}
    send(as_editor, BULK, action="tag", id=ids, tags=" Verano, mar ,")
    send(as_editor, BULK, action="untag", id=ids[:1], tags="MAR")
    first, second = (live(as_editor, each) for each in ids)
    assert (first["folder"], second["folder"]) == (folder, folder)
    assert (first["tags"], second["tags"]) == (["verano"], ["verano", "mar"])
    send(as_editor, BULK, action="move", id=ids, folder="")
    assert live(as_editor, ids[0])["folder"] is None


@table(
    "fields, why",
    [
        ({"action": "move", "id": []}, "nothing_checked"),
        ({"action": "tag", "tags": " , "}, "no_tags"),
        ({"action": "tag", "tags": "x" * 51}, "bad_tags"),
        ({"action": "tag", "tags": ",".join(f"t{n}" for n in range(21))}, "bad_tags"),
        ({"action": "move", "folder": "x"}, "folder_not_found"),
        ({"action": "move", "folder": new_id()}, "folder_not_found"),
        ({"action": "remove", "id": [new_id()]}, "media_not_found"),
        ({"action": "restore", "id": [new_id()]}, "media_not_found"),
    ],
)
def test_why_nothing_was_done_is_said(
    as_editor: Caller, untouched: Any, fields: dict[str, Any], why: str
) -> None:
    there = untouched
    answer = send(as_editor, BULK, **{"id": there["id"], **fields})
    assert told(answer)["said"] == [why]
    assert 'role="alert"' in read(as_editor, answer.headers["Location"])
    now = live(as_editor, there["id"])
    assert (now["tags"], now["folder"], now["revision"]) == ([], None, 1)


def test_more_than_200_and_what_is_no_action_are_refused(as_editor: Caller) -> None:
    send(as_editor, BULK, 400, action="remove", id=[new_id() for _ in range(201)])
    send(as_editor, BULK, 400, action="nonsense", id=new_id())


def test_many_are_deleted_and_taken_back(as_editor: Caller, word: str) -> None:
    ids = [added(as_editor, name=f"{word}{n}.jpg")["id"] for n in range(2)]
    answer = send(as_editor, BULK, action="remove", id=ids)
    assert told(answer) == {"said": ["removed"], "count": ["2"], "undo": [".".join(ids)]}
    page = read(as_editor, answer.headers["Location"])
    assert "2 images moved to the trash." in page
    assert all(f'name="id" value="{each}"' in page for each in ids)
    assert names(as_editor, f"search={word}") == []
    send(as_editor, BULK, action="restore", id=ids)
    assert len(names(as_editor, f"search={word}")) == 2


@pytest.mark.long
def test_used_ones_stay_with_the_list_of_their_uses(as_admin: Caller, logo: Any) -> None:
    free = added(as_admin)["id"]
    answer = send(as_admin, BULK, 200, action="remove", id=[logo["id"], free])
    assert "1 image moved to the trash." in answer.text
    assert "1 image is in use" in answer.text
    assert 'href="/admin/settings"' in answer.text
    assert as_admin.get(f"{MEDIA}/{free}").status_code == 404
    alone = send(as_admin, f"{PAGE}/{logo['id']}/remove", 409)
    assert "Remove everywhere and delete" in alone.text
    assert live(as_admin, logo["id"])["uses"] == 1
    send(as_admin, BULK, action="remove", id=logo["id"], force="1")
    assert as_admin.get(f"{MEDIA}/{logo['id']}").status_code == 404


def test_the_logo_is_taken_out_by_administrators_alone(application: Application, logo: Any) -> None:
    editor = application.caller("editor")
    answer = send(editor, BULK, action="remove", id=logo["id"], force="1")
    assert told(answer)["said"] == ["forbidden"]
    assert "Only an administrator" in read(editor, answer.headers["Location"])
    assert live(editor, logo["id"])["uses"] == 1


# One picture


@pytest.mark.long
def test_all_that_is_known_of_a_picture_is_shown(as_editor: Caller, logo: Any) -> None:
    changed(as_editor, logo["id"], alt={"es": 'Una "montaña" [alta]'})
    page = html.unescape(read(as_editor, f"{PAGE}/{logo['id']}"))
    assert logo["url"] in page
    assert f'srcset="{logo["srcset"]}"' in page
    assert 'alt="Una &#34;montaña&#34; [alta]"' in page
    assert rf'![Una "montaña" \[alta\]]({logo["display_url"]})' in page
    for variant in logo["variants"].values():
        assert variant["url"] in page
    assert "Logo of the site" in page


def test_a_form_changes_only_what_is_other(as_editor: Caller) -> None:
    there, folder = added(as_editor, name="a.jpg")["id"], a_folder(as_editor)["id"]
    changed(as_editor, there, alt={"es": "Sí", "fr": "Oui"})
    url = f"{PAGE}/{there}"
    fields = {"name": "playa.png", "alt.es": " Una playa ", "alt.en": "", "decorative": "1"}
    answer = send(as_editor, url, **fields, folder=folder, tags="Mar, mar, Sol")
    assert told(answer) == {"said": ["saved"]}
    now = live(as_editor, there)
    assert (now["name"], now["alt"]) == ("playa.jpg", {"es": "Una playa", "fr": "Oui"})
    assert (now["decorative"], now["folder"], now["tags"]) == (True, folder, ["mar", "sol"])
    fields["name"] = "playa.jpg"
    send(as_editor, url, **fields, folder=folder, tags="mar, sol")
    assert live(as_editor, there)["revision"] == now["revision"]


@pytest.fixture(scope="module")
def untouched(as_editor: Caller) -> Any:
    """A picture for all that is refused: it stays as it is."""
    return added(as_editor)


@table(
    "wrong",
    [
        {"name": ""},
        {"alt.es": "x" * 1001},
        {"alt.nonsense": "x"},
        {"tags": "x" * 51},
        {"tags": ",".join(f"t{n}" for n in range(21))},
        {"folder": "x"},
        {"folder": new_id()},
    ],
)
def test_what_is_refused_stays_as_it_was_typed(
    as_editor: Caller, untouched: Any, wrong: dict[str, str]
) -> None:
    there = untouched
    fields = {"name": there["name"], "alt.en": "A <b>beach</b>", **wrong}
    answer = as_editor.post(f"{PAGE}/{there['id']}", data=fields, headers=IN_ENGLISH)
    assert answer.status_code in {400, 404}
    assert 'role="alert"' in answer.text
    assert "A &lt;b&gt;beach&lt;/b&gt;</textarea>" in answer.text
    assert live(as_editor, there["id"])["revision"] == there["revision"]


@pytest.mark.long
def test_the_focal_point_is_set_and_given_back_to_the_picture(as_editor: Caller) -> None:
    there = added(as_editor)
    send(as_editor, f"{PAGE}/{there['id']}/focal", x="25", y="80")
    assert live(as_editor, there["id"])["focal"] == [0.25, 0.8]
    for x in ("", "-1", "101", "x", "nan", "inf"):
        send(as_editor, f"{PAGE}/{there['id']}/focal", 400, x=x, y="10")
    assert live(as_editor, there["id"])["focal"] == [0.25, 0.8]
    send(as_editor, f"{PAGE}/{there['id']}/focal", automatic="1")
    assert live(as_editor, there["id"])["focal"] == there["focal"]


def test_a_file_is_replaced_and_an_older_version_brought_back(as_editor: Caller) -> None:
    there, url = added(as_editor), ""
    url = f"{PAGE}/{there['id']}"
    answer = as_editor.upload(f"{url}/file", a_picture(), headers=IN_ENGLISH)
    assert told(answer) == {"said": ["replaced"]}
    assert live(as_editor, there["id"])["version"] != there["version"]
    broken = as_editor.upload(f"{url}/file", b"no picture", headers=IN_ENGLISH)
    assert broken.status_code == 415
    assert 'role="alert"' in broken.text
    assert "Restore this version" in read(as_editor, url)
    send(as_editor, f"{url}/versions/{there['version']}/restore")
    assert live(as_editor, there["id"])["version"] == there["version"]
    send(as_editor, f"{url}/versions/{'0' * 12}/restore", 404)


@pytest.mark.long
def test_one_in_the_trash_is_shown_and_restored(as_editor: Caller, nobody: Caller) -> None:
    there = added(as_editor)
    url = f"{PAGE}/{there['id']}"
    answer = send(as_editor, f"{url}/remove")
    assert told(answer) == {"said": ["removed"], "count": ["1"], "undo": [there["id"]]}
    page = read(as_editor, url)
    assert "This image is in the trash." in page
    assert there["url"].partition("/media/")[2] not in page
    send(as_editor, url, 404, name="x")
    send(as_editor, f"{url}/restore")
    assert nobody.get(there["url"]).status_code == 200


# Reports


@pytest.mark.long
def test_unused_ones_are_listed_page_by_page_and_deleted(
    application: Application, logo: Any, word: str
) -> None:
    editor = application.caller("editor")
    ids = [added(editor, name=f"{word}{n}.jpg")["id"] for n in range(3)]
    first = read(editor, f"{UNUSED}?limit=2")
    assert NAME.findall(first) == [f"{word}2.jpg", f"{word}1.jpg"]
    on = re.search(r'href="([^"]*)" rel="next"', first)
    assert on
    assert f"{word}0.jpg" in read(editor, html.unescape(on[1]))
    assert f'value="{logo["id"]}"' not in read(editor, f"{UNUSED}?limit=100")
    answer = send(editor, BULK, action="remove", id=ids[:2], back=f"{UNUSED}?limit=2")
    assert urlsplit(answer.headers["Location"]).path == UNUSED
    assert "2 images moved to the trash." in read(editor, answer.headers["Location"])


@pytest.mark.long
def test_checked_ones_are_taken_as_a_zip(as_editor: Caller, word: str) -> None:
    ids = [added(as_editor, name=f"{word}{n}.jpg")["id"] for n in range(2)]
    answer = as_editor.post(f"{PAGE}/zip", data={"id": ids}, headers=IN_ENGLISH)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as made:
        assert made.namelist() == [f"{word}0.jpg", f"{word}1.jpg"]
    nothing = send(as_editor, f"{PAGE}/zip")
    assert told(nothing)["said"] == ["nothing_checked"]
    gone = send(as_editor, f"{PAGE}/zip", id=[*ids, new_id()])
    assert told(gone)["said"] == ["media_not_found"]
    send(as_editor, f"{PAGE}/zip", 400, id=[new_id() for _ in range(201)])


def test_forms_need_to_come_from_our_own_pages(application: Application) -> None:
    """A cookie and a page elsewhere change nothing."""
    client = application.app.test_client()
    base = {"base_url": "https://shop.example"}
    word = unique("editora")
    application.new_person(word, role=Role.EDITOR)
    signed = client.post(
        "/login",
        data={"email": f"{word}@shop.example", "password": PASSWORD},
        headers={"Origin": "https://shop.example"},
        **base,
    )
    assert signed.status_code == 303
    for path in (PAGE, BULK, FOLDERS, f"{PAGE}/zip", f"{PAGE}/{new_id()}/remove"):
        for origin in ({"Origin": "https://elsewhere.example"}, {}):
            answer = client.post(path, data={"action": "remove"}, headers=origin, **base)
            assert answer.status_code == 403, path
    own = client.post(BULK, data={}, headers={"Origin": "https://shop.example"}, **base)
    assert own.status_code == 400  # no action: it was looked at


def test_editors_are_led_there_and_sellers_are_not(application: Application) -> None:
    editor = application.caller("editor")
    assert f'href="{PAGE}"' in read(editor, "/admin")
    assert f'href="{PAGE}"' in read(editor, "/admin/account")
    seller = application.new_person(unique("seller"), role=Role.SELLER)
    assert f'href="{PAGE}"' not in read(seller, "/admin/products")
