"""Where files of the library are used: computed, agreeing everywhere, and never lost in a race."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from pymongo.client_session import ClientSession

from avenue.builder.library.errors import MediaNotFound
from avenue.builder.library.folders.store import FolderStore
from avenue.builder.library.models import MediaQuery, Sort, Use
from avenue.builder.library.service import MediaService
from avenue.builder.library.store import MediaStore
from avenue.identity import Actor, Role, new_id
from avenue.media.intake.library import MediaLibrary
from avenue.media.models import Claim
from avenue.media.serving.reading import MediaReader
from avenue.media.store.documents import ASSETS
from avenue.media.store.library import LibraryStore
from avenue.media.store.transitions import hold_live
from avenue.outside.fetching import Fetcher
from avenue.storage.scope import site
from tests.http.application import OTHER_SITE, Application, Caller, a_picture
from tests.http.test_media_library import MEDIA, added, code, found
from tests.http.test_pages import unwatched
from tests.threads import at_once

PAGES, LOGO = "page_content", "/api/site/logo"


class Pages:
    """Pages as simple as can be: documents that name files in `assets`."""

    def __init__(self, application: Application, site_id: str) -> None:
        self.database, self.site_id = application.database, site_id
        self.meanwhile: list[Callable[[], None]] = []

    def uses_of(
        self, site_id: str, asset_ids: Sequence[str], session: ClientSession | None = None
    ) -> dict[str, list[Use]]:
        pages = site(self.database, site_id).collection(PAGES)
        pages = pages.within(session) if session else pages
        uses: dict[str, list[Use]] = {}
        for page in pages.find({"assets": {"$in": list(asset_ids)}}, sort=[("_id", 1)]):
            use = Use(kind="page", id=page["_id"], title="", where=("draft",), path="/p")
            for each in set(asset_ids) & set(page["assets"]):
                uses.setdefault(each, []).append(use)
        if session and self.meanwhile:
            self.meanwhile.pop()()
        return uses

    def used_ids(self, site_id: str) -> Iterator[str]:
        for page in site(self.database, site_id).collection(PAGES).find({}):
            yield from page["assets"]

    def detach(self, actor: Actor, asset_ids: Sequence[str]) -> None:
        pages = site(self.database, actor.site.id).collection(PAGES)
        change: Any = {"$pull": {"assets": {"$in": list(asset_ids)}}}
        for page in pages.find({"assets": {"$in": list(asset_ids)}}):
            pages.update({"_id": page["_id"]}, change)

    def save(
        self, asset_ids: Sequence[str], *, meanwhile: Callable[[], None] | None = None
    ) -> frozenset[str]:
        """Store a page that names files; return those that are not there: then it is not."""
        scope = site(self.database, self.site_id)
        todo = [meanwhile] if meanwhile else []

        def work(session: ClientSession) -> frozenset[str]:
            pages = scope.collection(PAGES).within(session)
            pages.find_one({})  # from here on the transaction sees what was before
            if todo:
                todo.pop()()
            assets = scope.collection(ASSETS).within(session)
            missing = hold_live(assets, asset_ids, Claim.library(self.site_id))
            if not missing:
                pages.insert({"_id": new_id(), "assets": list(asset_ids)})
            return missing

        return scope.transaction(work)


@pytest.fixture
def pages(application: Application) -> Iterator[Pages]:
    application.raw[PAGES].delete_many({})  # those of other tests name what is gone
    yield Pages(application, "default")
    application.raw[PAGES].delete_many({})


@pytest.fixture
def library(application: Application, pages: Pages) -> MediaService:
    database, services = application.database, application.app.extensions["avenue"]
    folders = FolderStore(database)
    fetcher = Fetcher(seconds=1, tmp_dir=application.settings.tmp_dir)
    store = MediaStore(database, LibraryStore(database), folders, [pages])
    return MediaService(
        store, services[MediaLibrary], services[MediaReader], fetcher, application.settings
    )


@pytest.fixture
def actor(as_editor: Caller) -> Actor:
    return Actor(site=as_editor.site, id=as_editor.id, role=Role.EDITOR)


def state_of(application: Application, media_id: str) -> str:
    return application.raw["assets"].find_one({"_id": media_id})["state"]


# The logo


@pytest.fixture
def logo(as_editor: Caller, as_admin: Caller) -> Iterator[dict[str, Any]]:
    """A file of the library that is the logo of the site."""
    media = added(as_editor)
    assert choose(as_admin, media["id"]).status_code == 200
    yield media
    as_admin.delete(LOGO)


def choose(caller: Caller, media_id: str) -> Any:
    return caller.put(LOGO, json={"asset": media_id})


def test_a_chosen_logo_stays_in_the_library(application, as_editor, as_admin, logo):
    shown = as_admin.get("/api/site").json["logo"]
    assert shown["id"] == logo["id"]
    revision = as_admin.get("/api/site").json["revision"]
    again = choose(as_admin, logo["id"])
    assert (again.status_code, again.json["id"]) == (200, logo["id"])
    assert as_admin.get("/api/site").json["revision"] == revision  # it was so already
    other = added(as_editor)
    choose(as_admin, other["id"])
    assert [state_of(application, each["id"]) for each in (logo, other)] == ["live", "live"]
    assert as_editor.delete(f"{MEDIA}/{logo['id']}").status_code == 204
    assert as_admin.delete(LOGO).status_code == 204
    assert as_admin.get("/api/site").json["logo"] is None
    assert state_of(application, other["id"]) == "live"
    assert as_editor.delete(f"{MEDIA}/{other['id']}").status_code == 204


def test_a_chosen_logo_takes_the_place_of_an_uploaded_one_and_back(
    application, as_editor, as_admin
):
    uploaded = as_admin.upload(LOGO, a_picture(), method="PUT").json["id"]
    media = added(as_editor)["id"]
    assert choose(as_admin, media).status_code == 200
    assert state_of(application, uploaded) == "trash"
    as_admin.upload(LOGO, a_picture(), method="PUT")
    assert state_of(application, media) == "live"
    assert as_editor.get(f"{MEDIA}/{media}/usage").json["total"] == 0


def test_a_logo_is_chosen_from_what_is_in_the_library(application, as_editor, as_admin, logo):
    uploaded = as_editor.upload("/api/uploads", a_picture()).json["id"]
    trashed = added(as_editor)["id"]
    as_editor.delete(f"{MEDIA}/{trashed}")
    for wrong in (new_id(), uploaded, trashed):
        assert code(choose(as_admin, wrong)) == (404, "not_in_library")
    for body in ({"asset": "x"}, {"asset": None}, {}, {"asset": logo["id"], "more": 1}):
        assert code(as_admin.put(LOGO, json=body)) == (400, "invalid_body")
    assert code(choose(as_editor, logo["id"])) == (403, "forbidden")
    assert as_admin.get("/api/site").json["logo"]["id"] == logo["id"]


def test_a_logo_is_replaced_with_its_file(as_editor, as_admin, logo):
    replaced = as_editor.upload(f"{MEDIA}/{logo['id']}/file", a_picture(), method="PUT").json
    assert as_admin.get("/api/site").json["logo"]["url"] == replaced["url"] != logo["url"]
    assert as_editor.get(f"{MEDIA}/{logo['id']}/usage").json["total"] == 1


def test_a_logo_being_chosen_and_its_removal_see_each_other(application, as_editor, as_admin):
    for _ in range(2):
        media = added(as_editor)["id"]
        calls = (
            partial(unwatched, as_admin, "PUT", LOGO, {"asset": media}),
            partial(unwatched, as_editor, "DELETE", f"{MEDIA}/{media}", None),
        )
        answers = at_once(len(calls), lambda number, calls=calls: calls[number]())
        profile = application.raw["site_profiles"].find_one({"_id": "default"}) or {}
        is_logo = profile.get("logo") == media
        assert is_logo == (state_of(application, media) == "live")
        assert sorted(each.status_code for each in answers) in ([200, 409], [204, 404])
        if is_logo:
            as_admin.delete(LOGO)


def test_the_logo_is_a_use(as_editor, logo):
    path = f"{MEDIA}/{logo['id']}"
    assert as_editor.get(path).json["uses"] == 1
    usage = as_editor.get(f"{path}/usage").json
    (use,) = usage["items"]
    assert (usage["total"], use["kind"], use["id"]) == (1, "logo", "default")
    assert use["url"].endswith("/admin/settings")
    refused = as_editor.delete(path)
    assert code(refused) == (409, "media_in_use")
    assert (refused.json["usage"], refused.json["total"]) == ([use], 1)
    assert as_editor.get(path).status_code == 200
    assert logo["id"] not in found(as_editor, unused="1", limit=100)


def test_of_many_those_in_use_stay(as_editor, logo):
    free = added(as_editor)["id"]
    told = as_editor.post(f"{MEDIA}/remove", json={"ids": [logo["id"], free]}).json
    assert told["removed"] == [free]
    (kept,) = told["in_use"]
    assert (kept["id"], kept["total"], kept["usage"][0]["kind"]) == (logo["id"], 1, "logo")


def test_only_administrators_take_the_logo_away(application, as_editor, as_admin, logo):
    path = f"{MEDIA}/{logo['id']}?force=1"
    assert code(as_editor.delete(path)) == (403, "forbidden")
    assert state_of(application, logo["id"]) == "live"
    assert as_admin.delete(path).status_code == 204
    assert state_of(application, logo["id"]) == "trash"
    assert "logo" not in application.raw["site_profiles"].find_one({"_id": "default"})


def test_another_sites_logo_is_no_use(application, as_editor):
    media = added(as_editor)["id"]
    profiles = application.raw["site_profiles"]
    profiles.insert_one({"_id": OTHER_SITE, "site": OTHER_SITE, "logo": media})
    try:
        assert as_editor.get(f"{MEDIA}/{media}/usage").json["total"] == 0
    finally:
        profiles.delete_one({"_id": OTHER_SITE})


# Whatever uses them


def test_a_replaced_file_is_used_where_it_was(as_editor, library, pages, actor):
    media = added(as_editor)["id"]
    assert pages.save([media]) == frozenset()
    before = library.uses_of(actor, [media])
    as_editor.upload(f"{MEDIA}/{media}/file", a_picture(), method="PUT")
    assert library.uses_of(actor, [media]) == before
    assert len(before[media]) == 1


def test_force_takes_it_out_and_removes_it(application, as_editor, library, pages, actor):
    one, two, other = (added(as_editor)["id"] for _ in range(3))
    pages.save([one, other])
    pages.save([one, two])
    kept = library.remove(actor, [one, two])
    assert (kept.ids, set(kept.kept), len(kept.kept[one])) == ((), {one, two}, 2)
    removed = library.remove(actor, [one, two], force=True)
    assert (set(removed.ids), removed.kept) == ({one, two}, {})
    assert sorted(pages.used_ids("default")) == [other]
    assert state_of(application, other) == "live"
    with pytest.raises(MediaNotFound):
        library.remove(actor, [one], force=True)


def test_what_is_used_while_it_is_removed_stays(application, as_editor, library, pages, actor):
    media = added(as_editor)["id"]
    pages.meanwhile = [lambda: pages.save([media])]  # type: ignore[list-item]
    kept = library.remove(actor, [media])
    assert pages.meanwhile == []
    assert (kept.ids, list(kept.kept)) == ((), [media])
    assert state_of(application, media) == "live"


def test_what_is_used_while_it_is_forced_out_is_taken_out_too(as_editor, library, pages, actor):
    media = added(as_editor)["id"]
    pages.meanwhile = [lambda: pages.save([media])]  # type: ignore[list-item]
    assert library.remove(actor, [media], force=True).ids == (media,)
    assert media not in list(pages.used_ids("default"))


def test_what_is_removed_while_a_page_is_saved_is_missing_there(as_editor, library, pages, actor):
    media = added(as_editor)["id"]
    missing = pages.save([media], meanwhile=lambda: library.remove(actor, [media]))
    assert missing == {media}
    assert list(pages.used_ids("default")) == []


def test_unused_is_what_a_full_scan_says(application, as_editor, library, pages, actor):
    """After many edits at random: the filter, its total and the report are one."""
    chance = random.Random(8)
    ids = [added(as_editor)["id"] for _ in range(8)]
    assets = application.raw["assets"]
    for _ in range(15):
        some = chance.sample(ids, chance.randint(1, 3))
        match chance.choice(["save", "save", "detach", "remove", "restore"]):
            case "save":
                pages.save(some)
            case "detach":
                pages.detach(actor, some)
            case "remove":
                live = [each for each in some if state_of(application, each) == "live"]
                if live:
                    library.remove(actor, live)
            case "restore":
                library.restore(actor, some[0])
        named = {each for page in application.raw[PAGES].find() for each in page["assets"]}
        live = {"site": "default", "claim.kind": "library", "state": "live"}
        unused = {each["_id"] for each in assets.find(live)} - named
        sort = chance.choice([*Sort])
        page = library.find(actor, MediaQuery(unused=True, sort=sort, limit=100))
        assert page.total == len(unused)
        walked = list(library.walk(actor, MediaQuery(unused=True, sort=sort)))
        assert {each.id for each in walked} == unused
        assert len(walked) == len(unused)
        assert not named - {each["_id"] for each in assets.find(live)}, "something dangles"


def test_pages_of_unused_join_without_a_gap(as_editor, library, pages, actor):
    ids = [added(as_editor)["id"] for _ in range(15)]
    pages.save([each for at, each in enumerate(ids) if at % 3])
    for limit in (1, 2, 7):
        listed: list[str] = []
        query = MediaQuery(unused=True, limit=limit)
        while len(listed) < 5:
            page = library.find(actor, query)
            listed += [each.id for each in page.items]
            assert page.next is not None or len(listed) >= 5
            query = query.part(limit=limit, after=page.next)
        assert listed[:5] == ids[::3][::-1], limit
