"""What the doctor finds on a machine and in a deployment: one planted fault of each kind."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from avenue.config import Settings, new_secret
from avenue.errors import Unavailable
from avenue.health.checks.addresses.judging import Fate, Judged, Named, mended, shown
from avenue.health.checks.addresses.store import Kept
from avenue.health.facts.pictures import PICTURES
from avenue.health.models import Finding, Level
from avenue.health.rules import machine
from avenue.health.rules.known import MONGODB, MONGODB_ENDS, PACKAGES, hole_in, version_in
from avenue.health.rules.machine import Machine
from avenue.health.thresholds import BLOATED, FRESH_BYTES, MANY_DOCUMENTS
from avenue.health.views.doctor import service
from avenue.health.views.doctor.service import MOST_TOLD, CheckContext, looked
from avenue.media.intake.sniffing import HEIC
from avenue.storage.indexes import INDEXES, Index
from avenue.storage.mongo_facts import IndexWeight, KnownIndex, Member, MongoFacts, Oplog
from tests.table import table

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
MB = 1024**2
GOOD = Settings(
    mongodb_uri="mongodb://avenue:geheim@db1,db2,db3/avenue",
    secret_key="K8-fjWq2_zPd0vLr5Tn7yXbGh3Sm6Ca9Qe1U",
    public_base_url="https://shop.example",
    proxy_hops=1,
    max_tus_mb=1024,
    backup_to="s3://backups/shop",
)


def levels(found: Iterable[Finding]) -> list[tuple[str, Level]]:
    return [(each.place, each.level) for each in found]


def good(folder: Path, **changes: Any) -> Machine:
    return Machine(settings=replace(GOOD, **{"tmp_dir": folder, **changes}), folder=folder)


# The machine


def test_a_good_machine_has_nothing(tmp_path):
    found = good(tmp_path)
    for check in (machine.settings, machine.local_disk, machine.secret, machine.proxies):
        assert list(check(found)) == []


def test_mistakes_in_the_settings_are_findings(tmp_path):
    _, problems = Settings.with_problems({"PORT": "many", "SECRET_KEY": "secret" * 9})
    found = [*machine.settings(replace(good(tmp_path), problems=tuple(problems)))]
    assert {each.place for each in found} == {
        "MONGODB_URI",
        "PORT",
        "PUBLIC_BASE_URL",
        "SECRET_KEY",
    }
    assert "secretsecret" not in repr(found)


@pytest.mark.parametrize("folder", ["uploads", "media", "static/uploads"])
def test_files_in_an_upload_folder_are_named(tmp_path, folder):
    (tmp_path / folder / "2019").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / folder / "2019" / name).write_bytes(b"x")
    (found,) = machine.local_disk(good(tmp_path))
    assert (found.place, found.level) == (f"{folder}/", Level.WARNING)
    assert re.match(rf"{folder}/2019/[ab].jpg and 1 more are on", found.says)


def test_bodies_need_a_place_to_arrive(tmp_path):
    (found,) = machine.local_disk(good(tmp_path, tmp_dir=tmp_path / "none"))
    assert "Nothing can be written there (No such file or directory)" in found.says
    (found,) = machine.local_disk(good(tmp_path, max_archive_mb=10**12))
    assert re.match(r"[0-9]+ MB are free; one request body may have 1000000000000 MB.", found.says)


def test_a_disk_that_is_kept_is_no_place_for_bodies(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    kinds = {"/": "overlay", f"{tmp_path}/net": "nfs4", f"{tmp_path}/memory": "tmpfs"}
    mounts.write_text("".join(f"any {place} {kind} rw 0 0\n" for place, kind in kinds.items()))
    monkeypatch.setattr(machine, "MOUNTS", mounts)
    (tmp_path / "net" / "spool").mkdir(parents=True)
    (found,) = machine.local_disk(good(tmp_path, tmp_dir=tmp_path / "net" / "spool"))
    assert (found.level, "nfs4" in found.says) == (Level.NOTICE, True)
    (tmp_path / "memory").mkdir()
    (found,) = machine.local_disk(good(tmp_path, tmp_dir=tmp_path / "memory"))
    assert (found.level, "no disk cache" in found.says) == (Level.NOTICE, True)
    without = good(tmp_path, tmp_dir=tmp_path / "memory", disk_cache_mb=0)
    assert list(machine.local_disk(without)) == []
    assert list(machine.local_disk(good(tmp_path))) == []
    (found,) = machine.local_disk(good(tmp_path, data_dir=tmp_path))
    assert "It is inside AVENUE_DATA_DIR" in found.says


def test_a_database_on_this_disk_is_no_production(tmp_path):
    (found,) = machine.local_disk(good(tmp_path, local=True))
    assert "shop.example is served from a database on this machine's disk" in found.says
    on_loopback = good(tmp_path, local=True, public_base_url="http://127.0.0.1:8000")
    assert list(machine.local_disk(on_loopback)) == []
    (tmp_path / "var" / "mongo").mkdir(parents=True)
    (tmp_path / "var" / "mongo" / "storage.bson").touch()
    (found,) = machine.local_disk(good(tmp_path))
    assert (found.level, found.place) == (Level.NOTICE, "AVENUE_DATA_DIR=var")


@pytest.mark.parametrize(
    "key",
    [
        "short",
        "0123456789" * 5,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "django-insecure-8f#k2!mz0q9w7x4v6c1b5n3",
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaabcdefghijk",
        "x8!Kq2#Lm9$Pz4%Rt" * 2,
    ],
)
def test_a_secret_that_can_be_guessed_is_told(tmp_path, key):
    (found,) = machine.secret(good(tmp_path, secret_key=key))
    assert (found.place, found.level) == ("SECRET_KEY", Level.WARNING)
    assert key not in repr(found)


def test_secrets_that_are_made_are_none_of_those(tmp_path):
    for _ in range(200):
        assert not machine.is_weak(new_secret())
    assert not machine.is_weak("5f" + "0a9b1c8d2e7f3645" * 3 + "d41d8cd98f00b204e980")


@pytest.mark.parametrize(
    ("changes", "place", "level"),
    [
        ({"purge_secret": GOOD.secret_key}, "AVENUE_PURGE_SECRET", Level.NOTICE),
        ({"admin_password": "noch da"}, "AVENUE_ADMIN_PASSWORD", Level.NOTICE),
        ({"mongodb_uri": "mongodb://db1,db2/avenue"}, "MONGODB_URI", Level.WARNING),
    ],
)
def test_secrets_that_stand_where_they_need_not(tmp_path, changes, place, level):
    assert levels(machine.secret(good(tmp_path, **changes))) == [(place, level)]


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://127.0.0.1:27017,localhost/avenue",
        "mongodb+srv://a:b@cluster.example/avenue",
        "mongodb://db1/avenue?authMechanism=MONGODB-X509",
        "",
        "mongodb://[",
    ],
)
def test_a_database_with_a_user_or_on_this_machine_is_not_open(tmp_path, uri):
    assert list(machine.secret(good(tmp_path, mongodb_uri=uri))) == []


@pytest.mark.parametrize(
    ("hops", "url", "environ", "level"),
    [
        (0, "https://shop.example", (), Level.WARNING),
        (1, "https://shop.example", (), None),
        (0, "http://localhost:8000", (), None),
        (1, "http://10.0.0.5:8000", (), Level.NOTICE),
        (2, "https://shop.example", ("RENDER",), None),
        (1, "https://shop.example", ("RENDER",), Level.NOTICE),
        (0, "https://shop.example", ("KOYEB_APP_NAME",), Level.WARNING),
        (1, "https://shop.example", ("KUBERNETES_SERVICE_HOST",), None),
    ],
)
def test_the_proxies_in_front(tmp_path, hops, url, environ, level):
    own = good(tmp_path, proxy_hops=hops, public_base_url=url)
    found = [*machine.proxies(replace(own, environ=frozenset(environ)))]
    assert [each.level for each in found] == ([level] if level else [])


def test_every_format_can_be_opened_and_written_here(tmp_path):
    assert list(machine.decoders(good(tmp_path))) == []


def test_a_format_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    broken = {HEIC: PICTURES[HEIC][:200]}
    monkeypatch.setattr(machine, "PICTURES", {**PICTURES, **broken})
    monkeypatch.setattr(machine, "FORMATS", {})
    assert levels(machine.decoders(good(tmp_path))) == [("image/heic", Level.WARNING)]


def test_packages_with_a_known_hole_are_named(tmp_path, monkeypatch):
    installed = {"pillow": "12.2.0", "werkzeug": "3.1.6", "flask": "3.1.3rc1"}

    def version(name: str) -> str:
        if name not in installed:
            raise machine.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(machine.metadata, "version", version)
    (found,) = machine.dependencies(good(tmp_path))
    assert found.place == "pillow 12.2.0"
    assert PACKAGES["pillow"].advisory in found.says


def test_what_is_required_has_no_hole_of_the_kept_list(tmp_path):
    """And the list has nothing that is not required."""
    required = dict(
        re.findall(r"(?m)^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.txt").read_text())
    )
    for name, fixed in PACKAGES.items():
        assert version_in(required[name]) >= version_in(fixed.version), name
        assert re.fullmatch(r"CVE-\d{4}-\d+|GHSA(-[0-9a-z]{4}){3}", fixed.advisory)
    assert list(machine.dependencies(good(tmp_path))) == []


# The deployment


def an_index(place: str, **changes: Any) -> KnownIndex:
    collection, _, name = place.partition(".")
    known = KnownIndex(
        collection=collection, name=name, is_unique=False, ttl_seconds=None, uses=3, since=NOW
    )
    return replace(known, **changes)


def all_indexes() -> list[KnownIndex]:
    return [
        KnownIndex(
            collection=each.collection,
            name=each.name,
            is_unique=bool(each.options.get("unique")),
            ttl_seconds=each.options.get("expireAfterSeconds"),
            uses=1,
            since=NOW - timedelta(days=90),
        )
        for each in INDEXES
    ]


WELL = MongoFacts(
    version="8.0.40",
    topology="replica_set",
    members=tuple(Member(host=f"db{n}", state="SECONDARY", healthy=True) for n in range(3)),
    data_members=3,
    primary="db0",
    storage_engine="wiredTiger",
)
ROOMY = Oplog(bytes=40_000 * MB, most_bytes=50_000 * MB, hours=90.0, data_members=3)


@dataclass(kw_only=True)
class Fake:
    """A deployment of three members, all well."""

    facts: MongoFacts = WELL
    own: Mapping[str, Any] = field(default_factory=lambda: {"w": "majority", "j": True})
    default: Mapping[str, Any] | None = field(default_factory=lambda: {"w": "majority"})
    ahead: float = 0.2
    votes: tuple[str, ...] = ()
    log: Oplog | None = ROOMY
    known: list[KnownIndex] = field(default_factory=all_indexes)
    weights: list[IndexWeight] = field(default_factory=list)
    folder: Path | None = None

    def mongodb(self) -> MongoFacts:
        return replace(self.facts, oplog=self.log)

    def own_write_concern(self) -> Mapping[str, Any]:
        return self.own

    def default_write_concern(self) -> Mapping[str, Any] | None:
        return self.default

    def clock_ahead_seconds(self) -> float:
        return self.ahead

    def arbiters(self) -> tuple[str, ...]:
        return self.votes

    def indexes(self) -> list[KnownIndex]:
        return self.known

    def wanted_indexes(self) -> list[Index]:
        return list(INDEXES)

    def index_weights(self, _collections: Iterable[str]) -> list[IndexWeight]:
        return self.weights

    def data_folder(self) -> Path | None:
        return self.folder


def facts(**changes: Any) -> MongoFacts:
    return replace(WELL, **changes)


CHECKS = {**service.DEPLOYMENT, "indexes": service._indexes}


def test_backups_lie_elsewhere_than_the_database(tmp_path: Path) -> None:
    data, target = tmp_path / "data", tmp_path / "not" / "there" / "yet"
    data.mkdir()
    for backup_to, folder, told in (
        ("", None, [("AVENUE_BACKUP_TO", Level.NOTICE)]),
        ("s3://backups/shop", data, []),
        (str(target), None, []),
        (str(target), tmp_path / "gone", []),
        (str(target), data, [(f"AVENUE_BACKUP_TO={target}", Level.WARNING)]),
        ("/proc/backups", data, []),
    ):
        own = replace(GOOD, backup_to=backup_to)
        assert levels(found_in(Fake(folder=folder), "backups", own)) == told
    trial = replace(GOOD, local=True, backup_to="")
    assert levels(found_in(Fake(folder=data), "backups", trial)) == []


def found_in(fake: Fake, check: str, settings: Settings = GOOD) -> list[Finding]:
    return [*CHECKS[check](CheckContext(settings=settings, deployment=fake, now=NOW))]


@pytest.mark.parametrize("check", CHECKS)
def test_a_good_deployment_has_nothing(check):
    assert found_in(Fake(), check) == []


SICK = Member(host="db2", state="RECOVERING", healthy=False)
UNTOLD = Member(host="db2", state=None, healthy=None)
PLANTED = [
    ("clock", Fake(ahead=31), Level.WARNING, "It is 31 s ahead of the primary's."),
    ("clock", Fake(ahead=-45), Level.WARNING, "It is 45 s behind the primary's."),
    ("clock", Fake(ahead=-6), Level.NOTICE, "It is 6 s behind"),
    ("write_concern", Fake(own={"w": 1}), Level.WARNING, "Writes ask for {'w': 1}"),
    (
        "write_concern",
        Fake(own={"w": "majority", "j": True, "wtimeout": 9}),
        Level.WARNING,
        "Writes",
    ),
    ("write_concern", Fake(default={"w": 1}), Level.NOTICE, "It is w: 1"),
    ("members", Fake(facts=facts(members=(SICK,))), Level.WARNING, "This member is RECOVERING"),
    (
        "members",
        Fake(facts=facts(members=(UNTOLD,))),
        Level.UNKNOWN,
        "This database user may not see",
    ),
    ("members", Fake(facts=facts(data_members=1)), Level.CRITICAL, "One member holds all data"),
    ("members", Fake(facts=facts(data_members=4)), Level.NOTICE, "4 members vote"),
    ("members", Fake(facts=facts(data_members=2), votes=("a",)), Level.NOTICE, "An arbiter votes"),
    ("oplog", Fake(log=None), Level.UNKNOWN, "This database user may not see how far"),
    (
        "oplog",
        Fake(log=Oplog(bytes=1, most_bytes=990 * MB, hours=0, data_members=3)),
        Level.WARNING,
        "It may have 1.0 GB",
    ),
    (
        "oplog",
        Fake(log=Oplog(bytes=5000 * MB, most_bytes=5000 * MB, hours=10, data_members=3)),
        Level.WARNING,
        "The oplog goes back only 10.0 hours.",
    ),
    (
        "oplog",
        Fake(log=Oplog(bytes=1000 * MB, most_bytes=2100 * MB, hours=10, data_members=3)),
        Level.NOTICE,
        "The oplog goes back only 21.0 hours.",
    ),
    ("version", Fake(facts=facts(version="5.0.31")), Level.WARNING, "Avenue needs MongoDB 6.0"),
    (
        "version",
        Fake(facts=facts(version="8.0.31")),
        Level.WARNING,
        "It has the vulnerability CVE-2026-89099",
    ),
    ("version", Fake(facts=facts(version="8.2.99")), Level.WARNING, "Since 2026-07-31 this series"),
    ("indexes", Fake(known=[*all_indexes()[1:]]), Level.CRITICAL, "index "),
    (
        "indexes",
        Fake(known=[*all_indexes(), an_index("users.name_1", uses=0, since=NOW)]),
        Level.NOTICE,
        "It is not Avenue's, and nobody has used it since 2026-11-22.",
    ),
    (
        "indexes",
        Fake(known=[replace(each, uses=None, since=None) for each in all_indexes()]),
        Level.NOTICE,
        "This database user may not see which",
    ),
]


@table("check, fake, level, says", PLANTED)
def test_each_planted_fault_is_the_first_finding_with_its_cure(check, fake, level, says):
    first = found_in(fake, check)[0]
    assert first.says.startswith(says)
    assert first.level is level
    assert first.place
    assert first.cure.endswith(".")


def test_an_index_of_other_kind_and_one_nobody_uses():
    known = all_indexes()
    email = next(each for each in known if each.place == "users.email_1")
    words = next(each for each in known if each.place == "shop_products.site_1_words_1")
    others = [each for each in known if each not in (email, words)]
    altered = replace(email, is_unique=False)
    found = found_in(Fake(known=[*others, altered, replace(words, uses=0)]), "indexes")
    assert levels(found) == [
        ("users.email_1", Level.WARNING),
        ("shop_products.site_1_words_1", Level.NOTICE),
    ]


def test_what_enforces_or_forgets_something_needs_no_reader():
    known = [replace(each, uses=0) for each in all_indexes()]
    named = {each.place for each in found_in(Fake(known=known), "indexes")}
    quiet = {each.place for each in known if each.is_unique or each.ttl_seconds is not None}
    assert quiet
    assert named.isdisjoint(quiet)


def test_indexes_that_have_grown_are_told_where_there_are_many_documents():
    for documents, grown, told in (
        (MANY_DOCUMENTS, BLOATED, [("assets", Level.NOTICE)]),
        (MANY_DOCUMENTS, BLOATED * 0.99, []),
        (MANY_DOCUMENTS - 1, 10 * BLOATED, []),
    ):
        size = round(documents * FRESH_BYTES["assets"] * grown)
        weight = IndexWeight(collection="assets", documents=documents, bytes=size)
        assert levels(found_in(Fake(weights=[weight]), "indexes")) == told


def test_one_member_is_fine_where_its_disk_was_declared_or_for_trying_out():
    alone = Fake(facts=facts(data_members=1))
    assert found_in(alone, "members", replace(GOOD, storage="volume")) == []
    (found,) = found_in(alone, "members", replace(GOOD, local=True))
    assert found.level is Level.NOTICE


def test_the_end_of_a_series_is_announced():
    ward = CheckContext(settings=GOOD, deployment=Fake(facts=facts(version="7.0.99")), now=NOW)
    assert [*CHECKS["version"](ward)] == []
    (found,) = CHECKS["version"](replace(ward, now=datetime(2027, 5, 1, tzinfo=UTC)))
    assert (found.level, "until 2027-08-31" in found.says) == (Level.NOTICE, True)


def test_the_tables_of_mongodb_agree():
    for series, fixed in MONGODB.items():
        assert version_in(fixed.version)[:2] == series
    assert MONGODB_ENDS.keys() >= {(6, 0), (7, 0), (8, 0)}


# How it is told


def test_of_many_findings_the_first_are_told_and_all_are_counted():
    one = Finding(level=Level.NOTICE, place="x", says="y.", cure="z.")
    found = looked("many", (one for _ in range(MOST_TOLD + 7)))
    assert (len(found.findings), found.more) == (MOST_TOLD, 7)


def test_what_cannot_be_learnt_hinders_nothing():
    def failing() -> Iterable[Finding]:
        yield Finding(level=Level.WARNING, place="x", says="y.", cure="z.")
        raise Unavailable

    found = looked("failing", failing())
    assert [each.level for each in found.findings] == [Level.WARNING, Level.NOTICE]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "http://ana:geheim@localhost:8000/media/x.jpg?s=geheim#geheim",
            "http://localhost:8000/media/x.jpg",
        ),
        ("//a:geheim@h/x", "//h/x"),
        ("http://ana:p@geheim@h/x@y", "http://h/x@y"),
        ("http://h/\x1b[31m\n", "http://h/�[31m�"),
        ("http://h/" + "a" * 500, "http://h/" + "a" * 191),
    ],
)
def test_an_address_is_shown_without_what_is_secret(address, said):
    assert shown(address) == said


def wrong(place: tuple[str | int, ...], address: str, asset: str, *, kind: str = "page") -> Judged:
    named = Named(path=place, address=address, is_entry=kind != "page")
    return Judged(
        kind=kind,
        document="a",
        named=named,
        fate=Fate.MENDABLE,
        works=True,
        asset=asset,
        why="",
    )


def test_an_address_that_is_a_part_of_another_one_is_left_alone_there():
    others = '<a href="https://shop.example/uploads/a.jpg"> <a href="/uploads/a.jpg.zip">'
    draft = {"html": f'<img src="/uploads/a.jpg">{others}'}
    page = Kept(kind="page", id="a", revision=1, fields={"draft": draft})
    found = mended(page, [wrong(("draft", "html"), "/uploads/a.jpg", "X" * 22)])
    assert found == {"draft": {"html": f'<img src="avenue:{"X" * 22}/original">{others}'}}


def test_entries_that_stand_twice_are_left_alone_when_another_one_is_mended():
    twice = {"url": "https://cdn.example/b.jpg"}
    odd = {"url": ["neither"]}
    images = [twice, {"url": "/uploads/a.jpg"}, twice, {"asset": "X"}, odd]
    product = Kept(kind="product", id="a", revision=1, fields={"images": images})
    place = ("images", 1, "url")
    found = mended(product, [wrong(place, "/uploads/a.jpg", "X", kind="product")])
    assert found == {"images": [twice, {"asset": "X"}, twice, odd]}


def test_a_mongodb_has_a_hole_below_the_version_that_closed_it():
    for series, fixed in MONGODB.items():
        assert hole_in(".".join(map(str, series)) + ".0") == fixed
        assert hole_in(fixed.version) is None
    assert hole_in("99.0.0") is None
