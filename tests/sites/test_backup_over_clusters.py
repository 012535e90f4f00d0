"""One backup over two clusters: each at its own time, and each site where the directory says."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from avenue.app.background import checked
from avenue.app.backups import bring_back, drill
from avenue.app.services import Services
from avenue.backup import create
from avenue.backup.create import WAITS, Creation
from avenue.backup.errors import BackupRuns, ClusterMissing, SitesMoved
from avenue.backup.models import Manifest, Progress
from avenue.backup.repository import Repository
from avenue.backup.restore import Restoration
from avenue.backup.targets.directory import DirectoryTarget
from avenue.backup.verify import ALL, Verification
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, command_actor
from avenue.moves.service import as_operator
from avenue.sites.errors import FirstSiteStays
from avenue.storage.connection import META, Database
from avenue.storage.copying.reading import HomeSource
from avenue.storage.copying.renaming import Renaming
from avenue.storage.copying.writing import NotEmpty
from avenue.storage.gridfs import BACKUP
from avenue.storage.leases import Lease, Leases
from avenue.storage.schema import HalfRestored, Standing, installation_of, look, migrate
from avenue.storage.scope import site
from avenue.storage.site_moves import SWITCH
from avenue.storage.sites import Sites
from tests.backup.test_restore import Killed, contents, killed_after
from tests.commands import Commands
from tests.http.application import OTHER_SITE, Application, a_picture
from tests.mongod import Mongod, database_name
from tests.sites.moving import Writer, finish, of_site
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS


class Shops:
    """An installation with a site on each of two clusters, and a repository beside it."""

    def __init__(self, application: Application, second: Mongod, folder: Path) -> None:
        self.application, self.second, self.folder = application, second, folder
        self.database = application.database
        self.c2 = second.client[self.database.clusters["c2"].raw.name]
        self.target = DirectoryTarget(folder)
        self.here = application.caller("admin")
        self.there = application.caller("admin_on_other_site")
        self.products = [
            caller.a_product(a_picture(), a_picture()) for caller in (self.here, self.there)
        ]
        for caller in (self.here, self.there):
            assert caller.upload("/api/uploads", a_picture()).status_code == 201
        self._leave_something()

    def _leave_something(self) -> None:
        """What a move of the other site has left at home, and a copy of the first that began."""
        for left, raw in ((OTHER_SITE, self.application.raw), (DEFAULT_SITE, self.c2)):
            raw["assets"].insert_one({"_id": "left", "site": left, "bucket": "uploads"})
            raw["uploads.files"].insert_one({"_id": f"{left}/left", "length": 7})
        self.move({"from": "home", "to": "c2", "phase": "kept"})

    def move(self, move: dict[str, str], **fields: str) -> None:
        change = {"move": {"begun_at": None, **move}, **fields}
        self.application.raw["sites"].update_one({"_id": OTHER_SITE}, {"$set": change})

    def create(self, tell: Callable[[Progress], None] = lambda _: None) -> Manifest:
        home, leases = HomeSource(self.database), Leases(self.database)
        return Creation(home, leases, self.target, settle_seconds=0).run(tell)

    @property
    def repository(self) -> Repository:
        return Repository.opened(self.target)

    def empty(self, mongod: Mongod, *, beside: bool = True) -> Settings:
        """Settings of an installation that is not there yet."""
        uri = self.second.uri_of(database_name())
        return replace(
            self.application.settings,
            mongodb_uri=mongod.uri_of(database_name()),
            cluster_uris=(f"c2={uri}",) if beside else (),
        )

    def had(self, *names: str) -> dict[str, list[bytes]]:
        """What clusters have, but for what was left there by moves."""
        found: dict[str, list[bytes]] = {}
        for name in names:
            database = self.database.clusters.get(name, self.database)
            for collection, documents in contents(database).items():
                kept = [each for each in documents if b"left" not in each]
                found[collection] = sorted([*found.get(collection, []), *kept])
        return {name: documents for name, documents in found.items() if documents}


@pytest.fixture(scope="module")
def both(mongod: Mongod, second: Mongod) -> Iterator[Application]:
    uris = (f"c2={second.uri_of(database_name())}",)
    with Application(mongod, cluster_uris=uris, cache_mb=0) as application:
        migrate(application.database)
        application.raw["sites"].update_one({"_id": OTHER_SITE}, {"$set": {"cluster": "c2"}})
        yield application


@pytest.fixture(scope="module")
def shops(both: Application, second: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Shops:
    return Shops(both, second, tmp_path_factory.mktemp("backups") / "repository")


CHANGED = frozenset({"sites", "jobs", "users", "writes", "audit_logs"})
"""What a restore changes: places of sites, roles, unfinished work, what is forgotten in time."""


def equal(found: dict[str, list[bytes]], wanted: dict[str, list[bytes]]) -> None:
    for name in (found.keys() | wanted.keys()) - CHANGED:
        assert found.get(name) == wanted.get(name), name


def test_one_backup_over_two_clusters_is_restored_to_them_byte_by_byte(
    shops: Shops, mongod: Mongod, commands: Commands
) -> None:
    env = {**shops.application.settings.as_env(), "PATH": os.environ["PATH"]}
    made = commands.run("backup", "create", "--to", str(shops.folder), "--json", env=env)
    assert made.returncode == 0, made.stderr
    home, beside = json.loads(made.stdout)["clusters"]
    assert (home["name"], home["sites"]) == ("home", [DEFAULT_SITE])
    assert (beside["name"], beside["sites"]) == ("c2", [OTHER_SITE])
    assert [len(each["cluster_time"]) for each in (home, beside)] == [2, 2]
    assert Verification(shops.repository).run(reads=ALL).findings == ()

    own = shops.empty(mongod)
    manifest = shops.repository.manifest()
    with closing(Database(own)) as database:
        with pytest.raises(Killed):
            Restoration(shops.repository, database, killed_after(4)).run(
                manifest, Renaming(), keeps_tokens=True
            )
        with pytest.raises(HalfRestored):
            look(database)
        _leave_half_ours(database, manifest)
        order = ("restore", "--from", str(shops.folder), "--keep-tokens", "--json")
        env = {**own.as_env(), "PATH": os.environ["PATH"]}
        done = commands.run("backup", *order, env=env)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["clusters"] == {DEFAULT_SITE: "home", OTHER_SITE: "c2"}
        equal(contents(database), shops.had("home"))
        equal(contents(database.clusters["c2"]), shops.had("c2"))
        told = database.raw["sites"].find_one({"_id": OTHER_SITE}) or {}
        assert (told["cluster"], "move" in told) == ("c2", False)
        assert site(database, OTHER_SITE).database.cluster == "c2"
        assert [look(each) for each in (database, database.clusters["c2"])] == [
            Standing.READY,
            Standing.READY,
        ]
        assert database.clusters["c2"].raw[META].find_one({"_id": "restore"}) is None
        assert checked(own, database, lambda _: None) == ()
        with pytest.raises(NotEmpty):
            Restoration(shops.repository, database).run(manifest, Renaming(), keeps_tokens=True)


def _leave_half_ours(database: Database, manifest: Manifest) -> None:
    """As a kill leaves it when the second cluster is ours and home is not yet."""
    ours = installation_of(database)
    marks = database.clusters["c2"].raw[META]
    marks.insert_one({"_id": "schema", "version": manifest.schema})
    marks.insert_one({"_id": "cluster", "name": "c2", "installation": ours})


def test_sites_are_put_where_the_restore_says_and_nowhere_else(
    shops: Shops, mongod: Mongod
) -> None:
    manifest = shops.create()
    own = shops.empty(mongod, beside=False)
    with closing(Database(own)) as database:
        work = Restoration(shops.repository, database)
        for site_id in (None, OTHER_SITE):
            with pytest.raises(ClusterMissing):
                work.run(manifest, Renaming(site=site_id), keeps_tokens=True)
            assert database.raw.list_collection_names() == []
        restored = work.run(manifest, Renaming(clusters=((OTHER_SITE, "home"),)), keeps_tokens=True)
        assert restored.clusters == {DEFAULT_SITE: "home", OTHER_SITE: "home"}
        equal(contents(database), shops.had("home", "c2"))
        assert checked(own, database, lambda _: None) == ()

    own = shops.empty(mongod)
    with closing(Database(own)) as database:
        work = Restoration(shops.repository, database)
        with pytest.raises(FirstSiteStays):
            work.run(manifest, Renaming(clusters=((DEFAULT_SITE, "c2"),)), keeps_tokens=True)
        renaming = Renaming(site=OTHER_SITE, becomes="new", clusters=((OTHER_SITE, "home"),))
        assert work.run(manifest, renaming, keeps_tokens=True).clusters == {"new": "home"}
        assert database.raw["assets"].distinct("site") == ["new"]
        assert database.clusters["c2"].raw["assets"].count_documents({}) == 0


def test_a_trial_goes_beside_each_cluster_and_one_thing_to_where_its_site_is(
    shops: Shops, mongod: Mongod, second: Mongod
) -> None:
    manifest, settings = shops.create(), shops.application.settings
    before = {name: shops.had(name) for name in ("home", "c2")}
    product = shops.products[1]
    picture = product["images"][0]
    asset = shops.c2["assets"].find_one({"_id": picture["id"]})
    file_id = f"{OTHER_SITE}/{asset['versions'][0]['file']}"
    shops.c2["shop_products"].delete_one({"_id": product["id"]})
    shops.c2["assets"].delete_one({"_id": picture["id"]})
    shops.c2["product_images.files"].delete_one({"_id": file_id})
    shops.c2["product_images.chunks"].delete_many({"files_id": file_id})
    repository = shops.repository
    back = bring_back(
        settings,
        shops.database,
        repository,
        manifest,
        *("product", product["id"]),
        settle_seconds=0,
    )
    assert (back.site, back.records, back.files, back.findings) == (OTHER_SITE, 2, 1, ())
    assert shops.there.get(picture["url"]).status_code == 200
    assert shops.application.raw["shop_products"].count_documents({"site": OTHER_SITE}) == 0

    drilled = drill(settings, shops.database, repository, manifest, checked)
    assert drilled.findings == ()
    assert drilled.records == manifest.records - sum(
        each.count
        for share in manifest.shares
        for each in share.collections
        if each.name.endswith(".files") or each.name in {META, "tus_uploads"}
    )
    for client, raw in ((mongod.client, shops.application.raw), (second.client, shops.c2)):
        assert f"{raw.name}_drill" not in client.list_database_names()
    equal(shops.had("home"), before["home"])


class Mover:
    """Somebody who switches a site under the lease that keeps backups from it."""

    def __init__(self, shops: Shops) -> None:
        self._over = threading.Event()
        self._leases = Leases(shops.database)
        self._thread = threading.Thread(target=self._switch, daemon=True)
        self._has = threading.Event()

    def _switch(self) -> None:
        with self._leases.taken(BACKUP, SWITCH) as lease:
            assert isinstance(lease, Lease)
            self._has.set()
            self._over.wait(DEADLINE_SECONDS)

    def __enter__(self) -> "Mover":
        self._thread.start()
        assert self._has.wait(DEADLINE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        joined(self._thread)

    def hear(self) -> bool:
        """Let it end; tell whether it was heard before."""
        was_over = self._over.is_set() and not self._thread.is_alive()
        self._over.set()
        return was_over


AT_HOME = {"from": "c2", "to": "home"}
AT_C2 = {"from": "home", "to": "c2", "phase": "kept"}


def test_a_site_that_moves_meanwhile_is_waited_for_or_the_backup_is_refused(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    def snapshots() -> int:
        return sum(each.is_complete for each in shops.repository.snapshots())

    # The lease is the mover's, until it is heard that it is waited for; then it is gone, in the
    # midst of the switch, until another run goes on.
    shops.move({**AT_C2, "phase": "fenced"})
    with Mover(shops) as mover:

        def hear(progress: Progress) -> None:
            if progress.phase == WAITS and mover.hear():
                shops.move(AT_C2)

        manifest = shops.create(hear)
    assert [(each.name, each.sites) for each in manifest.shares] == [
        ("home", (DEFAULT_SITE,)),
        ("c2", (OTHER_SITE,)),
    ]
    # It goes on without the lease, after it was stopped: records are read anew.
    told: list[str] = []

    def move_once(progress: Progress) -> None:
        if progress.phase == "records of users" and not told:
            told.append(progress.phase)
            shops.move({**AT_HOME, "phase": "kept"}, cluster="home")

    manifest = shops.create(move_once)
    (home,) = manifest.shares
    assert home.sites == (DEFAULT_SITE, OTHER_SITE)
    shops.move(AT_C2, cluster="c2")
    before = snapshots()

    def move_late(progress: Progress) -> None:
        if progress.phase == "files":
            shops.move(AT_HOME, cluster="home")

    with pytest.raises(SitesMoved, match=OTHER_SITE):
        shops.create(move_late)
    shops.move({**AT_C2, "phase": "fenced"}, cluster="c2")
    monkeypatch.setattr(create, "SWITCH_SECONDS", 0.1)
    with Mover(shops), pytest.raises(BackupRuns, match=SWITCH):
        shops.create()
    with pytest.raises(SitesMoved, match=OTHER_SITE):
        shops.create()
    shops.move(AT_C2)
    assert snapshots() == before
    assert Leases(shops.database).holder(BACKUP) is None


@pytest.mark.long
def test_backups_beside_a_move_hold_the_site_once_and_with_all_it_had(
    two: Application, mongod: Mongod, second: Mongod, tmp_path: Path
) -> None:
    there = two.caller("admin_on_other_site")
    picture = there.a_product(a_picture())["images"][0]["url"]
    known = Sites(two.database, two.settings)
    operator = as_operator(command_actor(known.named(DEFAULT_SITE)))
    service = Services(two.settings, two.database).site_moves
    target, where = DirectoryTarget(tmp_path / "repository"), []
    creation = Creation(HomeSource(two.database), Leases(two.database), target)
    with Writer(there, picture) as writer:
        for to in ("c2", "home"):
            job = service.begin(operator, OTHER_SITE, to)
            mover = threading.Thread(target=finish, args=(two, job.id), daemon=True)
            mover.start()
            while mover.is_alive():
                had, gone = set(writer.products), set(writer.deleted)
                manifest = creation.run()
                assert manifest.findings == ()
                (share,) = [each for each in manifest.shares if OTHER_SITE in each.sites]
                where.append(share.name)
                own = replace(
                    two.settings,
                    mongodb_uri=mongod.uri_of(database_name()),
                    cluster_uris=(f"c2={second.uri_of(database_name())}",),
                )
                with closing(Database(own)) as database:
                    repository = Repository.opened(target)
                    Restoration(repository, database).run(manifest, Renaming(), keeps_tokens=False)
                    raw = site(database, OTHER_SITE).database.raw
                    stored = set(raw["shop_products"].distinct("_id"))
                    assert had - gone - set(writer.deleted) <= stored
                    assert not gone & stored
                    places = [database, *database.clusters.values()]
                    assert [bool(of_site(each.raw)) for each in places] == [
                        each.cluster == share.name for each in places
                    ]
                    assert checked(own, database, lambda _: None) == ()
            joined(mover)
    assert writer.wrong == []
    print(f"the site was on {where} in the backups")
