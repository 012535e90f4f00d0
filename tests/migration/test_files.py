"""Files into the library and out again, on a real mongod with real decode processes."""

import io
import os
import signal
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from avenue.app import create_app
from avenue.app.files import files_of, open_files
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import AvenueError, StorageFull, Unavailable
from avenue.identity import COMMAND, DEFAULT_SITE, new_id
from avenue.media.errors import (
    BrokenImage,
    DamagedFile,
    EmptyFile,
    UnknownVariant,
    UnsupportedMediaType,
)
from avenue.media.models import Asset, Claim, State, Version, Visibility
from avenue.media.pictures.variants import VARIANTS
from avenue.media.store.assets import AssetStore
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.media.store.library import LibraryStore
from avenue.migration.errors import (
    FileExists,
    FileInUse,
    FileIsShown,
    NoSuchFile,
    UnreadableFile,
    UnwritableFile,
)
from avenue.migration.files import Files
from avenue.storage.connection import Database
from avenue.storage.schema import NotMigrated
from avenue.storage.sites import UnknownSite
from avenue.web.errors import FileTooLarge
from tests import pictures
from tests.faults.deployment import end_leases, expire_unclaimed, sweep
from tests.forking import forked
from tests.mongod import Mongod
from tests.prepared import emptied, prepared_uri
from tests.table import table
from tests.threads import at_once
from tests.waiting import DEADLINE_SECONDS

MIB = 1024 * 1024
BASE_URL = "https://shop.example"


@pytest.fixture(scope="module")
def uri(mongod: Mongod) -> Iterator[str]:
    with prepared_uri(mongod) as uri:
        yield uri


@pytest.fixture
def settings(uri: str) -> Settings:
    return Settings(
        mongodb_uri=uri, secret_key="s" * 40, public_base_url=BASE_URL, max_media_mb=1, local=True
    )


@pytest.fixture
def database(uri: str) -> Iterator[Database]:
    with emptied(uri) as database:
        yield database


@pytest.fixture
def files(settings: Settings, database: Database) -> Iterator[Files]:
    with files_of(settings, database, DEFAULT_SITE) as files:
        yield files


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of this machine."""
    path = tmp_path / "Zapato rojo.JPEG"
    path.write_bytes(pictures.photo(64, 48, seed=7))
    return path


def counts(database: Database) -> dict[str, int]:
    names = ("assets", "builder_media.files", "builder_media.chunks")
    found = {name: database.raw[name].count_documents({}) for name in names}
    open_writes = database.raw["writes"].count_documents({"state": "open"})
    return {**found, "open writes": open_writes}


def just(files: int) -> dict[str, int]:
    """The counts of so many small files and nothing else."""
    names = ("assets", "builder_media.files", "builder_media.chunks")
    return {**dict.fromkeys(names, files), "open writes": 0}


# In


def test_a_picture_is_put_into_the_library(files, database, photo):
    kept = files.put(photo)
    assert kept.created
    assert (kept.name, kept.media_type) == ("Zapato rojo.jpg", "image/jpeg")
    assert (kept.width, kept.height, kept.bytes) == (64, 48, photo.stat().st_size)
    assert kept.url.startswith(f"{BASE_URL}/media/{kept.id}/")
    (stored,) = database.raw["assets"].find()
    assert stored["bucket"] == "builder_media"
    assert stored["claim"] == {"kind": "library", "id": DEFAULT_SITE}
    assert (stored["visibility"], stored["state"]) == ("public", "live")
    assert (stored["owner"], stored["versions"][0]["by"]) == (COMMAND, COMMAND)
    assert "expires_at" not in stored
    assert counts(database) == just(1)


def test_what_was_put_is_served(files, settings, database, photo):
    url = files.put(photo).url
    app = create_app(settings, database)
    answer = app.test_client().get(url.removeprefix(BASE_URL), base_url=BASE_URL)
    assert (answer.status_code, answer.data) == (200, photo.read_bytes())


@table(
    "name, kept",
    [("foto.png", "foto.jpg"), (None, "picture.jpg"), ("", "picture.jpg"), ("a/b.jpg", "b.jpg")],
)
def test_an_open_file_is_put_under_a_name(files, photo, name, kept):
    another = photo.read_bytes() + repr(name).encode()  # the same one would keep its name
    assert files.put(io.BytesIO(another), name=name).name == kept


def test_a_path_may_be_a_text_and_get_another_name(files, photo):
    assert files.put(str(photo), name="tacón.webp").name == "tacón.jpg"


@table("format", ["JPEG", "PNG", "WEBP"])
def test_every_type_of_the_shop_is_taken(files, format):  # noqa: A002
    kept = files.put(io.BytesIO(pictures.photo(32, 32, format=format)), name="x")
    assert kept.media_type == f"image/{format.lower()}"


def test_the_same_bytes_again_are_the_same_file(files, database, photo):
    first = files.put(photo)
    again = files.put(io.BytesIO(photo.read_bytes()), name="otro nombre.jpg")
    assert again == replace(first, created=False)
    assert counts(database) == just(1)


def test_the_same_bytes_at_the_same_time_are_one_file(files, database, photo):
    for round_ in range(2):
        data = photo.read_bytes() + bytes([round_])
        kept = at_once(6, lambda _, data=data: files.put(io.BytesIO(data), name="x.jpg"))
        assert len({each.id for each in kept}) == 1
        assert [each.created for each in kept].count(True) == 1
        assert counts(database) == just(round_ + 1)


def test_the_same_bytes_are_another_file_of_another_site(files, settings, database, photo):
    database.raw["sites"].insert_one({"_id": "other", "hosts": ["other.example"]})
    mine = files.put(photo)
    with files_of(settings, database, "other") as theirs:
        kept = theirs.put(photo)
        assert kept.created
        assert kept.id != mine.id
        assert not theirs.exists(mine.id)
        with pytest.raises(NoSuchFile):
            theirs.rm(mine.url)
    assert counts(database) == just(2)


def test_what_a_product_has_is_another_file_in_the_library(files, database, photo):
    kept = files.put(photo)
    set_claim(database, kept.id, {"kind": "product", "id": "p"})
    assert files.put(photo).id != kept.id


@table(
    "data, error",
    [
        (b"", EmptyFile),
        (b"just text", UnsupportedMediaType),
        (pictures.svg(), UnsupportedMediaType),
        (pictures.photo(64, 48)[:-200], BrokenImage),
        (pictures.photo(700, 700, format="PNG", compress_level=0, noise=False), FileTooLarge),
    ],
)
def test_what_is_refused_leaves_nothing(files, database, tmp_path, data, error):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    with pytest.raises(error):
        files.put(path)
    assert counts(database) == just(0)


def test_an_endless_source_is_not_read_to_its_end(files, database):
    class Endless(io.RawIOBase):
        read_bytes = 0

        def read(self, size: int = -1) -> bytes:
            assert self.read_bytes < 10 * MIB
            self.read_bytes += size
            return bytes(size)

    with pytest.raises(FileTooLarge):
        files.put(Endless(), name="zero.jpg")
    assert counts(database) == just(0)


def test_a_path_that_cannot_be_read_says_why(files, tmp_path):
    for path, reason in ((tmp_path / "none.jpg", "No such file"), (tmp_path, "directory")):
        with pytest.raises(UnreadableFile, match=reason):
            files.put(path)


def test_no_room_is_said_before_anything_is_stored(settings, database, photo):
    full = replace(settings, max_disk_percent=0)  # as if it were: any disk is fuller
    with files_of(full, database, DEFAULT_SITE) as files, pytest.raises(StorageFull):
        files.put(photo)
    assert counts(database) == just(0)


def test_a_database_that_goes_away_before_the_claim_leaves_nothing(
    files, database, photo, monkeypatch
):
    def away(*_: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(LibraryStore, "keep", away)
        with pytest.raises(Unavailable):
            files.put(photo)
    assert counts(database) == just(0)
    assert files.put(photo).created


@pytest.mark.parametrize("moment", [pytest.param("before", marks=pytest.mark.long), "after"])
def test_a_put_killed_around_its_claim_is_repeated_without_harm(
    files, database, uri, photo, moment
):
    env = {"MONGODB_URI": uri, "AVENUE_LOCAL": "1", "PATH": os.environ["PATH"]}
    process = forked("tests.migration.killed_put", moment, str(photo), env=env)
    assert process.wait(DEADLINE_SECONDS) == -signal.SIGKILL
    there = database.raw["assets"].find_one({"claim": {"$ne": None}})
    assert (there is not None) == (moment == "after")
    kept = files.put(photo)
    assert kept.created == (moment == "before")
    end_leases(database.raw)
    expire_unclaimed(database.raw)
    sweep(uri)
    left = {name: count for name, count in counts(database).items() if name != "open writes"}
    assert left.items() <= just(1).items()
    assert files.get(kept.id, io.BytesIO()).id == kept.id


# Out


def test_a_file_comes_out_as_it_went_in(files, photo, tmp_path, monkeypatch):
    kept = files.put(photo)
    target, stream = tmp_path / "out.jpg", io.BytesIO()
    assert files.get(kept.id, target) == replace(kept, created=False)
    files.get(kept.url, stream)
    monkeypatch.chdir(tmp_path)
    files.get(kept.id)
    for data in (target.read_bytes(), stream.getvalue(), Path(kept.name).read_bytes()):
        assert data == photo.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [photo.name, "out.jpg", kept.name]
    )


def test_nothing_is_overwritten_unless_wanted(files, photo, tmp_path):
    kept = files.put(photo)
    target = tmp_path / "out.jpg"
    target.write_text("mine")
    with pytest.raises(FileExists):
        files.get(kept.id, target)
    assert target.read_text() == "mine"
    files.get(kept.id, target, overwrite=True)
    assert target.read_bytes() == photo.read_bytes()


def test_a_file_that_appears_meanwhile_is_not_overwritten(files, photo, tmp_path, monkeypatch):
    kept = files.put(photo)
    target = tmp_path / "out.jpg"
    read = AssetStore.read_file

    def slowly(*arguments: object) -> Iterator[bytes]:
        target.write_text("somebody else's")
        yield from read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(AssetStore, "read_file", slowly)
    with pytest.raises(FileExists):
        files.get(kept.id, target)
    assert target.read_text() == "somebody else's"
    assert {path.name for path in tmp_path.iterdir()} == {photo.name, "out.jpg"}


@table("place", ["none/out.jpg", "Zapato rojo.JPEG/out.jpg", "folder", "."])
def test_a_target_that_cannot_be_written_says_why(files, photo, tmp_path, place):
    (tmp_path / "folder").mkdir(exist_ok=True)
    kept = files.put(photo)
    with pytest.raises(UnwritableFile, match="cannot be written"):
        files.get(kept.id, tmp_path / place, overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == {photo.name, "folder"}


def flip(database: Database) -> None:
    """Change one stored byte, which nothing in GridFS notices."""
    chunk = database.raw["builder_media.chunks"].find_one()
    assert chunk is not None
    data = bytes([chunk["data"][0] ^ 1]) + chunk["data"][1:]
    database.raw["builder_media.chunks"].update_one({"_id": chunk["_id"]}, {"$set": {"data": data}})


@pytest.mark.parametrize("damage", ["a byte", "a chunk"])
def test_damaged_bytes_never_get_a_name(files, database, photo, tmp_path, damage):
    kept = files.put(photo)
    if damage == "a byte":
        flip(database)
    else:
        database.raw["builder_media.chunks"].delete_one({})
    before = {path.name for path in tmp_path.iterdir()}
    for overwrite, target in ((False, tmp_path / "out.jpg"), (True, photo)):
        with pytest.raises(DamagedFile):
            files.get(kept.id, target, overwrite=overwrite)
    with pytest.raises(DamagedFile):
        files.get(kept.id, io.BytesIO())
    assert {path.name for path in tmp_path.iterdir()} == before
    assert photo.read_bytes() == pictures.photo(64, 48, seed=7)


def a_stored_file(
    database: Database, data: bytes, sha256: str, claim: Claim | None = None
) -> Asset:
    """A file as another way of uploading would have stored it."""
    version = Version(
        file=new_id(),
        sha256=sha256,
        source_sha256=sha256,
        bytes=len(data),
        media_type="image/png",
        width=1,
        height=1,
        at=utc_now(),
        by=None,
    )
    asset = Asset(
        id=new_id(),
        site=DEFAULT_SITE,
        bucket="product_images",
        owner=None,
        name="a.png",
        visibility=Visibility.PUBLIC,
        state=State.LIVE,
        claim=claim,
        versions=(version,),
        revision=1,
        created_at=utc_now(),
    )
    store = AssetStore(database)
    store.write_file(asset, version, io.BytesIO(data))
    store.insert_unclaimed(asset, hours=24)
    return asset


def test_a_large_file_is_never_in_memory_as_a_whole(files, database, tmp_path):
    zeros = "83ee47245398adee79bd9c0a8bc57b821e92aba10f5f9ade8a5d1fae4d8c4302"  # of 32 MiB
    asset = a_stored_file(database, bytes(32 * MIB), zeros)
    tracemalloc.start()
    files.get(asset.id, tmp_path / "out.png")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "out.png").stat().st_size == 32 * MIB
    assert peak_bytes < 8 * MIB


# Names


def test_a_file_is_named_in_many_ways(files, database, photo):
    kept = files.put(photo)
    path = kept.url.removeprefix(BASE_URL)
    LegacyUrls(database).put(DEFAULT_SITE, "/uploads/niño.jpg", kept.id)
    for which in (
        kept.id,
        kept.url,
        path,
        path.removeprefix("/"),
        f"{path}?download=1#x",
        f"/media/{kept.id}/original",
        f"http://localhost:8000/media/{kept.id}/{'0' * 12}/original.jpg",
        "/uploads/niño.jpg",
        "https://old.example/uploads/ni%C3%B1o.jpg?v=2",
    ):
        assert files.exists(which), which
        assert files.url(which) == files.url(which, "original") == kept.url


def test_what_names_nothing_is_not_there(files, photo):
    files.put(photo)
    for which in ("", "x", new_id(), f"/media/{new_id()}/original", "/uploads/none.jpg", "\0"):
        assert not files.exists(which), which
        for ask in (files.url, files.get, files.rm):
            with pytest.raises(NoSuchFile):
                ask(which)


@table("variant", ["huge", "", "Original"])
def test_a_form_that_is_not_made_is_refused_with_those_there_are(files, photo, variant):
    kept = files.put(photo)
    with pytest.raises(UnknownVariant, match="available: original") as refused:
        files.url(kept.id, variant)
    assert refused.value.facts["variants"] == ["original", *VARIANTS]


def test_a_file_without_its_bytes_does_not_exist(files, database, photo):
    kept = files.put(photo)
    assert files.exists(kept.id)
    database.raw["builder_media.files"].delete_one({})
    assert not files.exists(kept.id)


# Away


def set_claim(database: Database, asset_id: str, claim: dict[str, str]) -> None:
    database.raw["assets"].update_one({"_id": asset_id}, {"$set": {"claim": claim}})


def test_a_file_goes_to_the_trash_and_stays_there(files, database, photo):
    kept = files.put(photo)
    assert files.rm(kept.url) == kept.id
    (stored,) = database.raw["assets"].find()
    assert stored["state"] == "trash"
    assert (stored["trash"]["by"], stored["trash"]["reason"]) == (COMMAND, "removed")
    assert not files.exists(kept.id)
    for ask in (files.url, files.get):
        with pytest.raises(NoSuchFile):
            ask(kept.id)
    assert files.rm(kept.id) == kept.id
    assert database.raw["assets"].find_one() == stored
    again = files.put(photo)
    assert again.created
    assert again.id != kept.id


def test_what_was_put_and_removed_is_written_down_once(files, database, photo):
    kept = files.put(photo)
    files.put(photo)
    files.rm(kept.id)
    files.rm(kept.id)
    written = database.raw["audit_logs"].find()
    assert sorted((each["action"], each["object"]["id"]) for each in written) == [
        ("file.added", kept.id),
        ("media.removed", kept.id),
    ]


@pytest.fixture
def used(files: Files, database: Database, photo: Path) -> Iterator[str]:
    """A picture of the library that a page shows, and that is the logo."""
    kept = files.put(photo)
    text = f'<p>a</p><img src="avenue:{kept.id}/w640">'
    database.raw["page_content"].insert_one(
        {
            "_id": "page-1",
            "site": DEFAULT_SITE,
            "title": "Inicio",
            "slug": "inicio",
            "draft": {"html": text, "css": "", "is_cleaned": True},
            "published": {"html": text, "css": "", "is_cleaned": True},
            "assets": [kept.id],
            "revision": 2,
        }
    )
    profile = {"_id": DEFAULT_SITE, "site": DEFAULT_SITE}
    database.raw["site_profiles"].insert_one({**profile, "logo": kept.id})
    yield kept.id
    database.raw["site_profiles"].delete_one(profile)


def test_what_is_used_is_not_removed_and_where_is_told(files, database, used):
    before = [list(database.raw[name].find()) for name in ("page_content", "audit_logs")]
    with pytest.raises(FileIsShown) as refused:
        files.rm(used)
    told = refused.value.facts["usage"]
    assert [(each["kind"], each["where"]) for each in told] == [
        ("logo", ["published"]),
        ("page", ["draft", "published"]),
    ]
    assert told[1]["url"] == f"{BASE_URL}/admin/website/page-1"
    assert refused.value.facts["total"] == 2
    assert files.exists(used)
    assert [list(database.raw[name].find()) for name in ("page_content", "audit_logs")] == before


def test_by_force_it_is_taken_out_everywhere(files, database, used):
    assert files.rm(used, force=True) == used
    page = database.raw["page_content"].find_one({"_id": "page-1"})
    assert (page["draft"]["html"], page["published"]["html"], page["assets"]) == (
        "<p>a</p>",
        "<p>a</p>",
        [],
    )
    assert "logo" not in database.raw["site_profiles"].find_one({"_id": DEFAULT_SITE})
    assert database.raw["assets"].find_one({"_id": used})["state"] == "trash"
    (written,) = database.raw["audit_logs"].find({"action": "media.removed"})
    assert (written["object"]["id"], written["details"]) == (used, {"force": True})


@pytest.mark.parametrize("owner", ["product", "group"])
def test_what_belongs_to_something_else_is_removed_there(files, database, photo, owner):
    kept = files.put(photo)
    set_claim(database, kept.id, {"kind": owner, "id": "p"})
    with pytest.raises(FileInUse, match=f"belongs to a {owner}") as refused:
        files.rm(kept.id)
    assert "Remove it there" in refused.value.hint
    assert files.exists(kept.id)


def test_what_nobody_has_claimed_yet_goes_by_itself(files, database):
    asset = a_stored_file(database, b"x", "0" * 64)
    with pytest.raises(FileInUse, match="does not exist yet"):
        files.rm(asset.id)


def test_what_is_being_purged_is_not_there(files, database, photo):
    kept = files.put(photo)
    database.raw["assets"].update_one({"_id": kept.id}, {"$set": {"state": "purging"}})
    assert not files.exists(kept.id)
    with pytest.raises(NoSuchFile):
        files.rm(kept.id)


# The deployment


def test_a_site_that_is_not_there_is_named(settings, database):
    with pytest.raises(UnknownSite), files_of(settings, database, "none"):
        pass


def test_a_database_that_is_not_prepared_is_left_alone(settings, database_uri):
    empty = replace(settings, mongodb_uri=database_uri)
    database = Database(empty)
    with pytest.raises(NotMigrated), files_of(empty, database, DEFAULT_SITE):
        pass
    assert database.raw.list_collection_names() == []
    database.close()


def test_the_decode_processes_end_with_the_files(settings, database, photo):
    before = set(psutil.Process().children())
    with files_of(settings, database, DEFAULT_SITE) as files:
        files.put(photo)
        (decoder,) = set(psutil.Process().children()) - before
        assert "avenue.media.pictures.decoder" in decoder.cmdline()
    assert not decoder.is_running() or decoder.status() == psutil.STATUS_ZOMBIE


def test_a_python_program_opens_the_files_of_its_environment(uri, database, photo, monkeypatch):
    monkeypatch.setenv("MONGODB_URI", uri)
    monkeypatch.setenv("SECRET_KEY", "K8-fjWq2_zPd0vLr5Tn7yXbGh3Sm6Ca9Qe1U")
    monkeypatch.setenv("PUBLIC_BASE_URL", BASE_URL)
    with open_files() as files:
        assert files.exists(files.put(photo).url)
    with pytest.raises(AvenueError), open_files("none"):
        pass
