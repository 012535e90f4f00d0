"""`python -m avenue import` of what `export` has written: an empty site becomes the same."""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backup import s3
from tests.commands import Commands
from tests.export.filled import fill, lines_of, multiply, pdf, said_by
from tests.migration.deployment import LAZY, Deployment, deployment
from tests.mongod import Mongod, lifetime_of_transactions

FEW = 20
LIBRARY = {"kind": "library", "id": "default"}


@pytest.fixture
def empty(mongod: Mongod, commands: Commands) -> Iterator[Deployment]:
    """Another deployment, with nothing in its site."""
    with deployment(mongod, commands, **LAZY) as made:
        yield made


def export(site: Deployment, out: Path, *arguments: str) -> Any:
    done = site.command("export", out, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def exported(
    mongod: Mongod, commands: Commands, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int]:
    """An export of a site with everything, private files too, and how many files it has."""
    with deployment(mongod, commands, **LAZY) as site:
        fill(site, tmp_path_factory.mktemp("old"), FEW)
        out = tmp_path_factory.mktemp("exported") / "out"
        return out, export(site, out, "--private")["files"]


@pytest.fixture
def out(exported: tuple[Path, int], tmp_path: Path) -> Path:
    """The same, to be changed."""
    copied: Path = shutil.copytree(exported[0], tmp_path / "out")
    return copied


@pytest.fixture
def files(exported: tuple[Path, int]) -> int:
    return exported[1]


@pytest.mark.long
def test_out_and_in_again_is_the_same(
    avenue: Deployment, empty: Deployment, tmp_path: Path
) -> None:
    fill(avenue, tmp_path / "old", FEW)
    there_and_back(avenue, empty, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("assets", [5_000, 50_000])
def test_out_and_in_again_of_a_large_site(
    avenue: Deployment, empty: Deployment, tmp_path: Path, assets: int
) -> None:
    avenue.commands = empty.commands = Commands(seconds=assets)  # at least one in a second
    fill(avenue, tmp_path / "old", 100)
    multiply(avenue, assets // 100)
    there_and_back(avenue, empty, tmp_path)


def there_and_back(avenue: Deployment, empty: Deployment, tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    files = export(avenue, out, "--private")["files"]
    looked = empty.run("--from", out, "--dry-run")
    assert looked["plan"]["entries"] == files
    assert empty.raw["assets"].count_documents({}) == 0
    told = empty.run("--from", out)
    assert (told["files"]["stored"], told["refused"]) == (files, [])
    before = empty.everything()
    assert export(empty, again, "--private")["files"] == files
    assert said_by(again) == said_by(out)
    assert export(empty, again, "--private")["written"] == 0
    second = empty.run("--from", out)
    assert second["files"] == {"stored": 0, "duplicates": 0, "unchanged": files}
    assert empty.everything() == before
    assert not empty.command("fsck").returncode


def test_a_killed_import_is_finished_by_the_next_and_a_third_finds_nothing_to_do(
    mongod: Mongod, commands: Commands, tmp_path: Path, out: Path, files: int
) -> None:
    check_killed(mongod, commands, tmp_path, out, files, (8,))


@pytest.mark.long
def test_an_import_that_is_killed_again_and_again_comes_to_its_end(
    avenue: Deployment, mongod: Mongod, commands: Commands, tmp_path: Path
) -> None:
    fill(avenue, tmp_path / "old", 60)
    out = tmp_path / "out"
    files = export(avenue, out, "--private")["files"]
    check_killed(mongod, commands, tmp_path, out, files, (1, 12, 25, 50, 70))


def check_killed(
    mongod: Mongod,
    commands: Commands,
    tmp_path: Path,
    out: Path,
    files: int,
    moments: tuple[int, ...],
) -> None:
    # What a killed transaction has locked is free after 60 s; the test does not wait for that.
    with lifetime_of_transactions(mongod, 3), deployment(mongod, commands, **LAZY) as empty:
        for moment in moments:
            process = empty.start("import", "--from", out)
            while process.poll() is None and empty.raw["adopted"].count_documents({}) < moment:
                os.sched_yield()
            assert process.poll() is None
            empty.kill(process)
        assert empty.run("--from", out)["refused"] == []
        assert export(empty, tmp_path / "again", "--private")["files"] == files
        assert said_by(tmp_path / "again") == said_by(out)
        assert empty.raw["assets"].count_documents({"claim": {"$ne": None}}) == files
        before = empty.everything()
        second = empty.run("--from", out)
        assert second["files"] == {"stored": 0, "duplicates": 0, "unchanged": files}
        assert empty.everything() == before


@pytest.mark.long
def test_a_zip_and_a_bucket_of_an_export_come_in_as_the_directory_does(
    empty: Deployment, exported: tuple[Path, int], tmp_path: Path, files: int
) -> None:
    with s3.rclone_server(tmp_path / "s3") as account:
        out: Path = shutil.copytree(exported[0], tmp_path / "s3" / s3.BUCKET / "below" / "out")
        assert empty.run(packed(out, tmp_path / "out.zip"))["files"]["stored"] == files
        empty.variables = LAZY | {
            "AVENUE_IMPORT_S3_ENDPOINT": account.endpoint,
            "AVENUE_IMPORT_S3_KEY": account.key,
            "AVENUE_IMPORT_S3_SECRET": account.secret,
        }
        address = f"s3://{s3.BUCKET}/below/out"
        looked = empty.command("import", "--from", address, "--dry-run")
        assert "products: 3 unchanged" in looked.stdout
        assert "files: 0 to copy" in looked.stdout
        told = empty.run("--from", address)
        assert told["files"] == {"stored": 0, "duplicates": 0, "unchanged": files}
        done = empty.command("import", "--from", f"s3://{s3.BUCKET}/elsewhere")
        assert done.returncode == 2
        assert "does not contain a complete Avenue export" in done.stderr
    export(empty, tmp_path / "again", "--private")
    assert said_by(tmp_path / "again") == said_by(out)


def line_of(site: Path, kind: str, change: dict[str, Any]) -> str:
    """A line as the first of that kind, but changed."""
    return json.dumps({**lines_of(site)[kind][0], **change})


def test_each_line_that_is_not_as_it_must_be_is_named_and_all_others_come_in(
    empty: Deployment, exported: tuple[Path, int], out: Path, files: int, tmp_path: Path
) -> None:
    pages = json.dumps(lines_of(out)["page"])
    damaged = next(each for each in lines_of(out)["file"] if each["order"] and each["id"] in pages)
    manifest = (out / "manifest.jsonl").read_text().splitlines()
    (tmp_path / "secret.jpg").write_bytes(pdf(1))
    (out / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    hostile = [
        "{",
        "[" * 100_000,
        "7",
        '{"kind": 7}',
        '{"kind": "of a newer version"}',
        line_of(out, "file", {"path": "../secret.jpg"}),
        line_of(out, "file", {"path": "/etc/passwd"}),
        line_of(out, "file", {"bytes": "many"}),
        line_of(out, "file", {"visibility": "everybody"}),
        line_of(out, "file", {"claim": {"kind": "person", "id": "x"}}),
        line_of(out, "file", {"alt": {"es": 1}}),
        line_of(out, "file", {"hold": "yes"}),
        line_of(out, "file", {"tags": ["x"] * 10_000}),
        line_of(out, "file", {}),  # another one has this id
        line_of(out, "product", {"price": 1.5}),
        line_of(out, "product", {"id": "x" * 10_000}),
        line_of(out, "page", {"id": "new", "draft": None}),
        "x" * (17 * 1024 * 1024),
        '{"kind": "file", "name": "\\ud800"}',
        line_of(out, "file", {"id": "A" * 22, "path": "gone.jpg", "claim": LIBRARY}),
        line_of(out, "file", {"id": "B" * 22, "path": "link.jpg", "claim": LIBRARY}),
    ]
    (out / "manifest.jsonl").write_text("\n".join([*manifest, *hostile]))
    (out / damaged["path"]).write_bytes(b"other bytes")
    told = empty.run("--from", out, code=1)
    first = len(manifest) + 1
    understood = {hostile.index(each) for each in hostile if "newer version" in each}
    lines = {f"manifest.jsonl:{first + each}" for each in range(19) if each not in understood}
    codes = {each["path"]: each["code"] for each in told["refused"]}
    assert {path for path, code in codes.items() if code == "malformed_line"} == lines
    names = [f"pages/{each}.html {damaged['id']}" for each in ("draft", "published", "changed")]
    assert {path: code for path, code in codes.items() if path not in lines} == {
        **dict.fromkeys(names, "lost_file"),
        "gone.jpg": "source_gone",
        "link.jpg": "source_gone",
        damaged["path"]: "file_differs",
    }
    assert told["files"]["stored"] == files - 1
    # What is mended comes into its place.
    assert empty.run("--from", exported[0])["files"]["stored"] == 1
    export(empty, tmp_path / "again", "--private")
    assert said_by(tmp_path / "again") == said_by(exported[0])


def packed(out: Path, place: Path) -> Path:
    """A ZIP of an export, in a folder of its own."""
    with zipfile.ZipFile(place, "w") as archive:
        for each in out.rglob("*"):
            archive.write(each, Path("mine") / each.relative_to(out))
    return place


def test_nothing_becomes_more_public_than_its_line_in_a_zip_says(
    empty: Deployment, out: Path, tmp_path: Path
) -> None:
    manifest = [json.loads(each) for each in (out / "manifest.jsonl").read_text().splitlines()]
    for each in manifest:
        if each["kind"] == "file":
            each["visibility"] = "private"
    (out / "manifest.jsonl").write_text("\n".join(map(json.dumps, manifest)))
    told = empty.run(packed(out, tmp_path / "out.zip"), code=1)
    codes = {each["code"] for each in told["refused"]}
    assert codes == {"would_be_public", "lost_file"}
    assert {each["visibility"] for each in empty.raw["assets"].find()} == {"private"}
    found = list(empty.raw["assets"].find())
    assert {each["claim"]["kind"] for each in found} == {"upload"}
    assert told["files"]["stored"] == len(found) > 0


def test_what_other_programs_wrote_comes_in_as_far_as_it_may(
    avenue: Deployment, empty: Deployment, tmp_path: Path
) -> None:
    avenue.add_owner("product", "one", "media/a.jpg", "/uploads/b.jpg", "javascript:alert(1)")
    page = {"_id": "home", "site": "default", "slug": "", "title": "", "revision": 1}
    draft = {"html": "<p onclick=alert(1)>Hola</p><script>alert(1)</script>", "css": ""}
    avenue.raw["page_content"].insert_one({**page, "draft": draft, "assets": []})
    export(avenue, tmp_path / "out")
    told = empty.run("--from", tmp_path / "out", code=1)
    assert [(each["path"], each["code"]) for each in told["refused"]] == [
        ("product one javascript:alert(1)", "bad_field"),
        ("product one media/a.jpg", "bad_field"),
    ]
    (product,) = empty.raw["shop_products"].find()
    assert product["images"] == [{"url": "/uploads/b.jpg"}]
    (page,) = empty.raw["page_content"].find()
    assert (page["slug"], page["draft"]["html"]) == ("page", "<p>Hola</p>")


def test_what_is_no_export_is_told_from_one(avenue: Deployment, tmp_path: Path) -> None:
    for header, code in (
        (None, "does not contain an Avenue export"),
        ("[]", "does not contain a complete Avenue export"),
        ('{"format": 99, "site": "default"}', "newer version"),
        (
            '{"format": 1, "site": "default"}',
            "does not contain a complete Avenue export",
        ),  # without a manifest
    ):
        if header is not None:
            (tmp_path / "export.json").write_text(header)
        done = avenue.command("import", "--from", tmp_path)
        assert (done.returncode, code in done.stderr) == (2, True), done.stderr
    done = avenue.command("import", tmp_path, "--public")
    assert (done.returncode, "cannot be used with an export" in done.stderr) == (2, True)
