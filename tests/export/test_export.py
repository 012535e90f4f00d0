"""`python -m avenue export`: what lies there afterwards, and what a second one does."""

import csv
import fcntl
import hashlib
import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from avenue.app.exports import export as export_to
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.export.models import ExportOrder, Part
from avenue.export.naming import Names, is_path, library_path, mark, plain, upload_path
from avenue.export.presenting import exported_text
from tests import pictures
from tests.backup.s3 import BUCKET, rclone_server
from tests.commands import Commands
from tests.migration.deployment import LAZY, Deployment, deployment
from tests.mongod import Mongod
from tests.table import table

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def picture(seed: int) -> bytes:
    return pictures.photo(32, 24, noise=False, seed=seed)


def fill(avenue: Deployment, old: Path) -> None:
    """A product with two pictures and one elsewhere, a picture on a page, a private file."""
    for name, data in {
        "products/b.jpg": picture(1),
        "products/a.jpg": picture(2),
        "media/Verano/Niño: 1.jpg": picture(3),
        "uploads/secret.pdf": PDF,
    }.items():
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).write_bytes(data)
    urls = ("/uploads/b.jpg", "/uploads/a.jpg", "https://cdn.example/c.jpg")
    avenue.add_owner("product", "one", *urls)
    for kind in ("products", "media", "uploads"):
        avenue.run(old / kind, "--as", kind)
    avenue.raw["shop_products"].update_one(
        {"_id": "one"},
        {"$set": {"sku": "ZR 01", "name": 'Zapato "Luna", rojo', "description": "=1+1"}},
    )
    shown = avenue.raw["assets"].find_one({"claim.kind": "library"})["_id"]
    avenue.raw["page_content"].insert_one(
        {
            "_id": "home",
            "site": "default",
            "slug": "inicio",
            "title": "Inicio <b>",
            "locale": "es",
            "draft": {"html": f'<img src="avenue:{shown}/card">', "css": "", "is_cleaned": True},
            "assets": [shown],
            "status": "draft",
            "revision": 1,
            "created_at": utc_now(),
            "updated_at": utc_now(),
        }
    )


@pytest.fixture(scope="module")
def filled(
    mongod: Mongod, commands: Commands, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Any]]:
    """What a site has once it is filled, by collection."""
    with deployment(mongod, commands, **LAZY) as site:
        before = site.counts()
        fill(site, tmp_path_factory.mktemp("old"))
        names = [name for name, count in site.counts().items() if count > before.get(name, 0)]
        return {name: list(site.raw[name].find()) for name in names if not before.get(name)}


@pytest.fixture
def site(avenue: Deployment, filled: dict[str, list[Any]]) -> Deployment:
    for name, documents in filled.items():
        avenue.raw[name].insert_many(documents)
    return avenue


def export(site: Deployment, *arguments: str | Path, code: int = 0) -> Any:
    done = site.command("export", *arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def lines_of(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The lines of a manifest by kind; each file there is what its line says."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        each = json.loads(line)
        found.setdefault(each["kind"], []).append(each)
        if "path" in each:
            assert is_path(each["path"])
            data = (folder / each["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == each["sha256"]
    return found


def test_everything_public_lies_there_by_readable_names(site: Deployment, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = export(site, out)
    assert (told["products"], told["files"], told["pages"], told["private_left"]) == (1, 3, 1, 1)
    lines = lines_of(out)
    pictures_of = [each for each in lines["file"] if each["claim"]["kind"] == "product"]
    assert [(each["path"], each["order"]) for each in pictures_of] == [
        ("products/ZR-01/1.jpg", 1),
        ("products/ZR-01/2.jpg", 2),
    ]
    assert (out / "products/ZR-01/1.jpg").read_bytes() == picture(1)
    assert pictures_of[0]["old_urls"] == ["/uploads/b.jpg"]
    assert lines["product"][0]["images"][2] == {"url": "https://cdn.example/c.jpg"}
    (row,) = csv.DictReader(io.StringIO((out / "products.csv").read_text()))
    assert (row["sku"], row["name"]) == ("ZR 01", 'Zapato "Luna", rojo')
    assert row["image_urls"] == "https://cdn.example/c.jpg"
    assert (row["description"], lines["product"][0]["description"]) == ("'=1+1", "=1+1")
    (shown,) = (each for each in lines["file"] if each["claim"]["kind"] == "library")
    html = (out / "pages/inicio.html").read_text()
    assert f'<img src="../{shown["path"]}">' in html
    assert "<title>Inicio &lt;b&gt;</title>" in html
    assert lines["page"][0]["draft"]["html"] == f'<img src="avenue:{shown["id"]}/card">'
    assert site.raw["audit_logs"].count_documents({"action": "site.exported"}) == 1


def test_a_second_export_writes_only_what_changed_and_removes_what_is_gone(
    site: Deployment, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(site, out, "--private")
    (secret,) = (each for each in lines_of(out)["file"] if each["visibility"] == "private")
    before = {
        each: each.stat().st_mtime_ns for each in out.rglob("*.*") if "manifest" not in each.name
    }
    again = export(site, out, "--private")
    assert (again["written"], again["kept"], again["removed"]) == (0, 5, 0)
    assert {each: each.stat().st_mtime_ns for each in before if each.suffix != ".csv"} == {
        each: at for each, at in before.items() if each.suffix != ".csv"
    }
    # As after a kill: nothing is vouched for any more, and one file is not the right one.
    (out / "manifest.jsonl").rename(out / "previous.jsonl")
    good = (out / "products/ZR-01/1.jpg").read_bytes()
    (out / "products/ZR-01/1.jpg").write_bytes(b"x" * len(good))
    mended = export(site, out)
    assert (mended["written"], mended["kept"], mended["removed"]) == (1, 3, 1)
    assert not (out / secret["path"]).exists()
    assert (out / "products/ZR-01/1.jpg").read_bytes() == good
    assert not (out / "previous.jsonl").exists()


def test_what_cannot_be_read_is_named_and_no_file_goes_for_it(
    site: Deployment, tmp_path: Path
) -> None:
    """First the bytes of a file are gone, then what the records say of files."""
    out = tmp_path / "out"
    lost = site.owner("product", "one")["images"][0]["asset"]
    file = site.raw["assets"].find_one({"_id": lost})["versions"][0]["file"]
    chunks = site.raw["product_images.chunks"]
    held = list(chunks.find({"files_id": f"default/{file}"}))
    chunks.delete_many({"files_id": f"default/{file}"})
    told = export(site, out, code=1)
    assert [(each["id"], each["code"]) for each in told["left"]] == [(lost, "damaged_file")]
    assert lines_of(out)["file"][0]["path"] == "products/ZR-01/2.jpg"
    chunks.insert_many(held)
    export(site, out)
    there = set(out.rglob("*.jpg"))
    site.raw["assets"].update_many({"claim.kind": "product"}, {"$unset": {"versions": 1}})
    site.raw["shop_products"].update_one({}, {"$set": {"name": "=1+1", "description": "-2"}})
    told = export(site, out, code=1)
    assert [each["code"] for each in told["left"]] == ["malformed_record"] * 2
    assert told["removed"] == 0
    assert set(out.rglob("*.jpg")) == there
    (row,) = csv.DictReader(io.StringIO((out / "products.csv").read_text()))
    assert (row["name"], row["description"]) == ("'=1+1", "'-2")


def test_what_is_not_this_export_is_left_untouched(site: Deployment, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "drafts").mkdir(parents=True)
    (other / "drafts" / "mine.txt").write_text("mine")
    (other / "letter.txt").write_text("mine")
    assert "left untouched" in export(site, other, code=2)
    assert (other / "drafts" / "mine.txt").read_text() == "mine"
    export(site, tmp_path / "media", "--as", "media")
    assert "something else" in export(site, tmp_path / "media", code=2)
    trial = export(site, tmp_path / "trial", "--dry-run")
    assert (trial["files"], trial["written"]) == (3, 0)
    assert not (tmp_path / "trial").exists()


def test_a_bucket_holds_what_a_directory_does(site: Deployment, tmp_path: Path) -> None:
    export(site, tmp_path / "out")
    order = ExportOrder(parts=frozenset(Part))
    with rclone_server(tmp_path / "s3") as account:
        settings = Settings(
            mongodb_uri=site.uri,
            local=True,
            public_base_url="https://shop.example",
            backup_s3_endpoint=account.endpoint,
            backup_s3_key=account.key,
            backup_s3_secret=account.secret,
            tmp_dir=tmp_path,
        )
        address = f"s3://{BUCKET}/out"
        first, second = (
            export_to(settings, site.database, "default", address, order, lambda _: None).counts
            for _ in range(2)
        )
    assert (first.written, second.written, second.kept) == (4, 0, 4)
    names = {each.relative_to(tmp_path / "out"): each for each in (tmp_path / "out").rglob("*.*")}
    for name, file in names.items():
        assert (tmp_path / "s3" / BUCKET / "out" / name).read_bytes() == file.read_bytes()


@table(
    "name, becomes",
    [
        ("ZR-01", "ZR-01"),
        ("Niño", "Nino"),
        ("a/../b\\c", "a-..-b-c"),
        ("con", f"con-{mark('x')}"),
        ("NUL.txt", f"NUL.txt-{mark('x')}"),
        ("..", mark("x")),
        ("空", mark("x")),
    ],
)
def test_names_are_those_that_every_file_system_takes(name: str, becomes: str) -> None:
    assert Names().of("x", name) == becomes
    assert is_path(f"products/{becomes}/1.jpg")


def test_no_folder_has_a_name_that_windows_keeps_for_itself() -> None:
    facts = {"id": "x", "name": "a.jpg", "current": SimpleNamespace(media_type="image/jpeg")}
    asset: Any = SimpleNamespace(**facts)
    name = f"a-{mark('x')}.jpg"
    assert upload_path(asset, "con") == f"uploads/con-/{name}"
    assert library_path(asset, ["Aux", "…", "Verano"]) == f"media/Aux-/-/Verano/{name}"


def test_names_that_differ_in_case_only_do_not_meet() -> None:
    names = Names()
    assert [names.of("1", "zr"), names.of("2", "ZR")] == ["zr", f"ZR-{mark('2')}"]
    assert plain("x" * 500) == "x" * 80


@table("path", ["../x", "/etc/x", "a//b", "a/.git/x", "a\\b", ""])
def test_a_manifest_names_nothing_outside_of_its_folder(path: str) -> None:
    assert not is_path(path)


def test_a_zip_has_what_a_directory_has_and_its_name_at_the_end(
    site: Deployment, tmp_path: Path
) -> None:
    out, packed = tmp_path / "out", tmp_path / "out.zip"
    export(site, out)
    (tmp_path / "out.zip.part").write_bytes(b"of a killed process")
    for _ in range(2):  # the second takes the place of the first, whole
        told = export(site, packed)
        assert (told["written"], told["kept"]) == (4, 0)
        assert {each.name for each in tmp_path.glob("out*")} == {"out", "out.zip"}
        with zipfile.ZipFile(packed) as archive:
            there = {each: archive.read(each) for each in archive.namelist()}
        files = [each for each in out.rglob("*") if each.is_file()]
        assert there == {str(each.relative_to(out)): each.read_bytes() for each in files}
    assert not (out / "drafts").exists()
    before = packed.read_bytes()
    assert "something else" in export(site, packed, "--as", "media", code=2)
    assert export(site, packed, "--dry-run")["written"] == 0
    assert packed.read_bytes() == before
    (tmp_path / "letter.zip").write_text("mine")
    assert "left untouched" in export(site, tmp_path / "letter.zip", code=2)
    # What goes wrong in the middle leaves what is there.
    with (tmp_path / "out.zip.part").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert "rejected the export" in export(site, packed, code=2)
    assert packed.read_bytes() == before


@table(
    "target, said",
    [
        ("gone/out.zip", "cannot be reached"),
        ("letter.txt/out", "cannot be reached"),
    ],
)
def test_what_is_wrong_with_a_target_is_said_of_an_export(
    avenue: Deployment, tmp_path: Path, target: str, said: str
) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    told = export(avenue, tmp_path / target, code=2)
    assert said in told
    assert "backup" not in told


def test_the_report_says_what_was_found_and_what_was_done() -> None:
    facts = {
        "products": 2,
        "groups": 0,
        "files": 5,
        "pages": 1,
        "private_left": 0,
        "written": 4,
        "written_bytes": 900,
        "kept": 1,
        "removed": 0,
        "left_total": 0,
        "to": "out",
        "dry_run": False,
    }
    assert exported_text(facts) == (
        "Exported to out: 2 products, 0 groups, 5 files, 1 pages.\n"
        "Files: 4 written (900 bytes), 1 unchanged, 0 removed, 0 skipped."
    )
    assert exported_text({**facts, "dry_run": True, "private_left": 3}) == (
        "3 private files skipped (use --private to include them)\n"
        "Would export to out: 2 products, 0 groups, 5 files, 1 pages."
    )
