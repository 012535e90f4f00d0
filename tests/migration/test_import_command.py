"""`python -m avenue import` in small: whose a file becomes, what stays, what a report says."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avenue.app import create_app
from avenue.config import Settings
from avenue.media.intake.library import MediaLibrary
from avenue.words import words_of
from tests import pictures
from tests.commands import Commands
from tests.migration.deployment import Deployment

BASE_URL = "https://shop.example"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
Get = Callable[[str], Any]


def picture(seed: int) -> bytes:
    return pictures.photo(32, 24, noise=False, seed=seed)


@pytest.fixture
def get(avenue: Deployment) -> Iterator[Get]:
    """A reader nobody knows, who follows an old address."""
    settings = Settings(
        mongodb_uri=avenue.uri,
        secret_key="K8-fjWq2_zPd0vLr5Tn7yXbGh3Sm6Ca9Qe1U",
        public_base_url=BASE_URL,
        cache_seconds=0,
    )
    app = create_app(settings, avenue.database)
    yield lambda path: app.test_client().get(path, base_url=BASE_URL, follow_redirects=True)
    app.extensions["avenue"][MediaLibrary]._examiner.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


def put(root: Path, name: str, data: bytes) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(data)


def test_two_owners_of_one_file_each_have_their_own_picture(avenue: Deployment, root: Path) -> None:
    put(root, "a.jpg", picture(1))
    avenue.add_owner("product", "one", "/uploads/a.jpg")
    avenue.add_owner("product", "two", "http://localhost:8000/uploads/a.jpg")
    report = avenue.run(root, "--as", "products")
    assert (report["stored"], report["duplicates"]) == (1, 0)
    assert report["rewritten"] == {"product": 2}
    (one,), (two,) = avenue.assets_of("product", "one"), avenue.assets_of("product", "two")
    assert (one["claim"]["id"], two["claim"]["id"]) == ("one", "two")
    assert one["_id"] != two["_id"]
    (named,) = avenue.raw["legacy_urls"].find()
    assert named["asset"] in {one["_id"], two["_id"]}


def test_one_owner_of_the_same_bytes_at_two_paths_has_them_once(
    avenue: Deployment, root: Path, get: Get
) -> None:
    put(root, "a.jpg", picture(1))
    put(root, "copy/a.jpg", picture(1))
    put(root, "b.jpg", picture(2))
    urls = ["/uploads/a.jpg", "/uploads/b.jpg", "/uploads/copy/a.jpg", "https://cdn.example/c.jpg"]
    avenue.add_owner("product", "one", *urls)
    report = avenue.run(root, "--as", "products")
    assert (report["stored"], report["duplicates"], report["unreferenced"]) == (2, 1, 0)
    product = avenue.owner("product", "one")
    first, second, third = product["images"]
    assert third == {"url": "https://cdn.example/c.jpg"}
    assert [avenue.bytes_of(each["asset"]) for each in (first, second)] == [picture(1), picture(2)]
    assert product["revision"] == 4
    assert [get(each).data for each in urls[:3]] == [picture(1), picture(2), picture(1)]


def test_a_file_nobody_names_is_kept_once_and_answers(
    avenue: Deployment, root: Path, get: Get
) -> None:
    put(root, "a.jpg", picture(1))
    put(root, "b.jpg", picture(1))
    report = avenue.run(root, "--as", "products")
    assert (report["stored"], report["duplicates"], report["unreferenced"]) == (1, 1, 2)
    (asset,) = avenue.raw["assets"].find()
    assert asset["claim"] == {"kind": "legacy", "id": "default"}
    assert asset["owner"] == "command"
    assert get("/uploads/a.jpg").data == get("/uploads/b.jpg").data == picture(1)


@pytest.mark.long
def test_a_product_that_comes_to_name_a_kept_file_gets_its_own(
    avenue: Deployment, root: Path
) -> None:
    put(root, "a.jpg", picture(1))
    avenue.run(root, "--as", "products")
    avenue.add_owner("group", "late", "uploads/a.jpg")
    report = avenue.run(root, "--as", "products")
    assert (report["unchanged"], report["rewritten"]) == (1, {"group": 1})
    (asset,) = avenue.assets_of("group", "late")
    assert (asset["claim"], avenue.raw["assets"].count_documents({})) == (
        {"kind": "group", "id": "late"},
        2,
    )


def test_a_file_that_changed_takes_the_address_and_the_former_stays_with_its_owner(
    avenue: Deployment, root: Path, get: Get
) -> None:
    put(root, "a.jpg", picture(1))
    avenue.add_owner("product", "one", "/uploads/a.jpg")
    avenue.run(root, "--as", "products")
    put(root, "a.jpg", picture(2))
    report = avenue.run(root, "--as", "products")
    assert (report["stored"], report["unchanged"]) == (1, 0)
    assert get("/uploads/a.jpg").data == picture(2)
    assert [avenue.bytes_of(each["_id"]) for each in avenue.assets_of("product", "one")] == [
        picture(1)
    ]


def test_what_was_removed_since_is_not_brought_back(
    avenue: Deployment, root: Path, get: Get
) -> None:
    put(root, "a.jpg", picture(1))
    avenue.run(root, "--as", "products")
    avenue.raw["assets"].update_one({}, {"$set": {"state": "trash"}})
    report = avenue.run(root, "--as", "products")
    assert (report["stored"], report["unchanged"]) == (0, 1)
    assert get("/uploads/a.jpg").status_code == 404


@pytest.mark.long
def test_a_purged_file_is_brought_in_afresh_even_the_same_day(
    avenue: Deployment, root: Path, get: Get
) -> None:
    put(root, "a.jpg", picture(1))
    avenue.run(root, "--as", "products")
    for name in ("assets", "legacy_urls"):
        avenue.raw[name].delete_many({})
    assert avenue.run(root, "--as", "products")["stored"] == 1
    assert get("/uploads/a.jpg").data == picture(1)


def test_a_picture_of_the_library_is_there_once_wherever_it_came_from(
    avenue: Deployment, root: Path, get: Get
) -> None:
    put(root, "a.jpg", picture(1))
    put(root, "b.jpg", picture(2))
    assert avenue.command("put", root / "a.jpg").returncode == 0
    avenue.add_owner("product", "one", "/uploads/a.jpg")
    avenue.raw["page_content"].insert_one(
        {"_id": "home", "site": "default", "draft": {"src": "/uploads/b.jpg"}}
    )
    report = avenue.run(root, "--as", "media")
    assert (report["stored"], report["duplicates"], report["lost"]) == (1, 1, [])
    assert report["rewritten"] == {"page": 1}
    assert avenue.owner("product", "one")["images"] == [{"url": "/uploads/a.jpg"}]
    assets = list(avenue.raw["assets"].find())
    assert {(each["bucket"], each["claim"]["kind"]) for each in assets} == {
        ("builder_media", "library")
    }
    assert len(assets) == avenue.raw["builder_media.files"].count_documents({}) == 2
    assert [get(f"/uploads/{each}.jpg").data for each in "ab"] == [picture(1), picture(2)]


@pytest.mark.parametrize(
    ("options", "status"), [((), 404), pytest.param(("--public",), 200, marks=pytest.mark.long)]
)
def test_general_uploads_are_private_unless_told(
    avenue: Deployment, root: Path, get: Get, options: tuple[str, ...], status: int
) -> None:
    put(root, "proof.jpg", picture(1))
    put(root, "bill.PDF", PDF)
    report = avenue.run(root, "--as", "uploads", *options)
    assert report["stored"] == 2
    for each in avenue.raw["assets"].find():
        assert each["claim"] == {"kind": "upload", "id": each["_id"]}
        assert (each["category"], each["words"]) == ("general", words_of(each["name"]))
        assert avenue.bytes_of(each["_id"]) in (picture(1), PDF)
    for name, media_type in (("proof.jpg", "image/jpeg"), ("bill.PDF", "application/pdf")):
        answer = get(f"/uploads/{name}")
        assert answer.status_code == status
        assert status == 404 or answer.content_type == media_type


@pytest.mark.long
def test_documents_are_not_taken_as_pictures(avenue: Deployment, root: Path) -> None:
    put(root, "bill.jpg", PDF)
    for kind in ("products", "media"):
        (refused,) = avenue.run(root, "--as", kind, code=1)["refused"]
        assert refused["path"] == "/uploads/bill.jpg"
        assert refused["code"] == "unsupported_media_type"


def test_the_old_application_had_other_names_and_another_folder(
    avenue: Deployment, root: Path, get: Get
) -> None:
    put(root, "a.jpg", picture(1))
    put(root, "b.jpg", picture(2))
    avenue.add_owner(
        "product", "one", "https://old.example/static/a.jpg", "https://shop.example/static/b.jpg"
    )
    avenue.add_owner("product", "two", "https://other.example/static/a.jpg", "/uploads/a.jpg")
    report = avenue.run(root, "--as", "products", "--prefix", "static", "--host", "old.example")
    assert report["rewritten"] == {"product": 2}
    assert report["lost"] == [{"kind": "product", "id": "two", "url": "/uploads/a.jpg"}]
    assert get("/static/a.jpg").status_code == 404  # Avenue answers /media and /uploads only
    assert avenue.raw["legacy_urls"].count_documents({"path": "/static/a.jpg"}) == 1


def test_a_full_site_ends_the_run_and_a_later_one_goes_on(avenue: Deployment, root: Path) -> None:
    for seed in range(6):
        put(root, f"{seed}.jpg", picture(seed))
    quota = 3 * len(picture(1))
    avenue.raw["sites"].update_one({"_id": "default"}, {"$set": {"quotas.bytes": quota}})
    done = avenue.command("import", root, "--as", "products")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "is out of storage" in done.stderr
    assert "Traceback" not in done.stderr
    there = avenue.raw["assets"].count_documents({})
    assert 0 < there < 6
    avenue.raw["sites"].update_one({"_id": "default"}, {"$unset": {"quotas": ""}})
    report = avenue.run(root, "--as", "products")
    assert (report["unchanged"], report["stored"]) == (there, 6 - there)


def test_the_report_can_be_read_by_people(avenue: Deployment, root: Path) -> None:
    put(root, "a.jpg", picture(1))
    put(root, "b.jpg", pictures.html())
    put(root, ".DS_Store", b"x")
    avenue.add_owner("product", "one", "/uploads/a.jpg", "/uploads/gone.jpg")
    planned = avenue.command("import", root, "--as", "products", "--dry-run")
    assert planned.stdout.splitlines()[0] == f"Would import {root} into default as products:"
    assert "  /uploads/a.jpg  stored  product one" in planned.stdout
    done = avenue.command("import", root, "--as", "products")
    assert done.returncode == planned.returncode == 1
    assert done.stdout.splitlines() == [
        f"Imported {root} into default as products:",
        "  1 stored, 0 duplicates, 0 unchanged; 0 of them unreferenced",
        "  1 refused, 1 skipped",
        "  references rewritten: 1 of products",
        "Skipped:",
        "  .DS_Store  hidden_file  Hidden files and those that systems leave in folders are "
        "passed over.",
        "Refused:",
        (
            "  /uploads/b.jpg  unsupported_media_type  Unknown file type; accepted here: JPEG, "
            "PNG or WebP."
        ),
        "Broken references (no file found):",
        "  product  one  /uploads/gone.jpg",
    ]


MISTAKES = (
    (("{root}/words.txt", "--as", "media"), "neither a folder nor a ZIP"),
    (("{root}/cut.zip", "--as", "media"), "damaged"),
    (("{root}", "--as", "media", "--public"), "--public needs --as uploads"),
    (("{root}/nothing", "--as", "media"), "neither a folder nor a ZIP"),
    (("{root}", "--as", "media", "--site", "none"), "no site with this name"),
    (("{root}", "--as", "songs"), "songs"),
    (("{root}",), "--as products, media or uploads"),
)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [*MISTAKES[:3], *(pytest.param(*row, marks=pytest.mark.long) for row in MISTAKES[3:])],
)
def test_mistakes_are_sentences(
    avenue: Deployment, root: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    put(root, "words.txt", b"only words")
    put(
        root,
        "cut.zip",
        b"PK\1\2" + bytes(42) + b"PK\5\6" + bytes(8) + b"\1\0\1\0.\0\0\0\xff\0\0\0\0\0",
    )
    done = avenue.command("import", *(each.format(root=root) for each in arguments))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert avenue.raw["assets"].count_documents({}) == 0


def test_it_waits_for_a_migration(commands: Commands, root: Path, database_uri: str) -> None:
    done = commands.run(
        *("import", str(root), "--as", "media"),
        env={
            "PATH": os.environ["PATH"],
            "MONGODB_URI": database_uri,
            "SECRET_KEY": "K8-fjWq2_zPd0vLr5Tn7yXbGh3Sm6Ca9Qe1U",
            "PUBLIC_BASE_URL": BASE_URL,
        },
    )
    assert done.returncode == 2
    assert b"python -m avenue migrate" in done.stderr
