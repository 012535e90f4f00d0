"""What more products need, what it costs, what runs out first: from snapshots made for it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import Forbidden
from avenue.health.history.snapshots.models import (
    QuotaUse,
    Snapshot,
    Stored,
    StoredVariant,
    Traffic,
)
from avenue.health.models import Measure
from avenue.health.sentences import size
from avenue.health.views.capacity import throughput
from avenue.health.views.capacity.models import GB, Capacity
from avenue.health.views.capacity.presenting import capacity_text
from avenue.health.views.capacity.prices import EXAMPLES, WrongPrices, read_prices
from avenue.health.views.capacity.service import CapacityService
from avenue.health.views.capacity.visits import Assumptions, plan_of, visits_json, visits_text
from avenue.identity import Actor, Role, Site
from avenue.web.fields import facts_of
from tests.table import table

MB = 1_000_000
SITE = Site(id="default", hosts=(), base_url="https://shop.example", name="Shop")
OTHER = Site(id="other", hosts=(), base_url="https://other.example", name="Other")
OPS, OPS_ELSEWHERE = Actor(site=SITE, role=Role.OPS), Actor(site=OTHER, role=Role.OPS)
SUPERUSER_ELSEWHERE = Actor(site=OTHER, role=Role.SELLER, superuser=True)
PERFORMANCE = Path(__file__).parents[3] / "docs" / "performance.md"


def a_snapshot(**facts: Any) -> Snapshot:
    """A shop of 400 products with three pictures of 300 + 100 KB each, and another site."""
    known: dict[str, Any] = {
        "at": utc_now(),
        "data_bytes": 1_000 * MB,
        "storage_bytes": 900 * MB,
        "index_bytes": 40 * MB,
        "disk_used_bytes": 50 * GB,
        "disk_total_bytes": 100 * GB,
        "connections_current": 50,
        "connections_available": 950,
        "oplog_hours": 100.0,
        "stored": (
            Stored(site="default", bucket="product_images", files=1_200, bytes=360 * MB),
            Stored(site="default", bucket="builder_media", files=400, bytes=200 * MB),
            Stored(site="default", bucket="uploads", files=200, bytes=100 * MB),
            Stored(site="other", bucket="product_images", files=200, bytes=20 * MB),
        ),
        "renditions": (
            StoredVariant(site="default", variant="card", count=1_600, bytes=100 * MB),
            StoredVariant(site="default", variant="gallery", count=1_600, bytes=60 * MB),
        ),
        "products": {"default": 400, "other": 100},
        "traffic": Traffic(
            seconds=3600, requests=7_200, errors=36, sent_bytes=720 * MB, p95_seconds=0.02
        ),
    }
    return Snapshot(**{**known, **facts})


class Kept:
    """Snapshots that somebody has kept."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self.snapshots = snapshots

    def newest(self) -> Snapshot | None:
        return self.snapshots[-1] if self.snapshots else None

    def figures_since(self, moment: datetime) -> list[Snapshot]:
        bare: dict[str, Any] = {"stored": (), "renditions": (), "products": {}, "damaged": {}}
        return [replace(each, **bare) for each in self.snapshots if each.at >= moment]


def reported(
    *snapshots: Snapshot,
    actor: Actor = OPS,
    site: str | None = None,
    members: int | None = 3,
    cores: int = 4,
    **settings: Any,
) -> Capacity:
    service = CapacityService(
        Kept(snapshots),
        lambda: members,
        Settings(workers=2, **settings),
        cores=cores,
    )
    return service.report(actor, site)


def growing(per_day: float, **facts: Any) -> list[Snapshot]:
    """A disk that has grown for ten days to 80 GB; `facts` may change with the days ago."""
    now = utc_now()
    return [
        a_snapshot(
            at=now - timedelta(hours=hour),
            disk_used_bytes=round((80 - per_day * hour / 24) * GB),
            **facts,
        )
        for hour in range(240, -1, -1)
    ]


# What was measured


def test_what_a_site_has_is_measured() -> None:
    found = reported(a_snapshot(), site="default").measured
    assert found
    assert (found.products, found.pictures) == (400, 1_200)
    assert found.pictures_per_product == 3
    # Of 1,600 pictures that are shown in other sizes, 1,200 are of products.
    assert found.rendition_bytes == 120 * MB
    assert found.bytes_per_picture == 400_000
    assert (found.other_files, found.other_bytes) == (600, 340 * MB)
    assert found.enough


def test_without_a_site_all_of_them_are_measured_together() -> None:
    found = reported(a_snapshot()).measured
    assert found
    assert (found.products, found.pictures, found.original_bytes) == (500, 1_400, 380 * MB)


@pytest.mark.parametrize(("products", "pictures", "enough"), [(30, 100, True), (29, 100, False)])
def test_averages_of_too_few_say_so(products: int, pictures: int, enough: bool) -> None:
    stored = (Stored(site="default", bucket="product_images", files=pictures, bytes=MB),)
    report = reported(a_snapshot(products={"default": products}, stored=stored))
    assert report.measured
    assert report.measured.enough is enough
    assert any("pictures only" in note for note in report.notes) is not enough


@pytest.mark.parametrize("facts", [{"products": {}}, {"stored": ()}])
def test_nothing_is_projected_from_nothing(facts: dict[str, Any]) -> None:
    report = reported(a_snapshot(**facts))
    assert report.projections == ()
    assert any("no products with pictures" in note for note in report.notes)


def test_before_the_first_snapshot_there_is_a_note() -> None:
    report = reported()
    assert (report.snapshot_at, report.measured, report.next) == (None, None, None)
    assert "no snapshot" in capacity_text(report)
    assert facts_of(report)["forecasts"] == []


def test_an_old_snapshot_says_so() -> None:
    report = reported(a_snapshot(at=utc_now() - timedelta(hours=30)))
    assert any("30 hours old" in note for note in report.notes)


# What more products need


def test_products_need_what_those_here_take() -> None:
    report = reported(a_snapshot(), site="default")
    by_number = {each.products: each for each in report.projections}
    assert list(by_number) == [100, 500, 1_000, 5_000, 10_000]
    thousand = by_number[1_000]
    assert thousand.pictures == 3_000
    assert thousand.content_bytes == 3_000 * 400_000 + 340 * MB
    # 0.9 bytes of storage for one of data; 40 MB of indexes for 2,000 files.
    assert thousand.database_bytes == round(1_540 * MB * 0.9) + 3_600 * 20_000
    assert thousand.disk_bytes == pytest.approx(thousand.database_bytes / 0.7, abs=1)


def test_todays_number_of_products_needs_what_is_there_today() -> None:
    """With one site and nothing but pictures in the database, to the byte."""
    stored = (Stored(site="default", bucket="product_images", files=1_500, bytes=600 * MB),)
    snapshot = a_snapshot(
        stored=stored, renditions=(), products={"default": 500}, data_bytes=600 * MB
    )
    report = reported(snapshot)
    assert report.projections[1].database_bytes == 940 * MB


@pytest.mark.parametrize(
    ("used", "total", "fits"),
    [(50, 100, True), (69, 100, False), (None, 100, None), (50, None, None)],
)
def test_it_says_whether_todays_disk_does(
    used: int | None, total: int | None, fits: bool | None
) -> None:
    snapshot = a_snapshot(disk_used_bytes=used and used * GB, disk_total_bytes=total and total * GB)
    assert reported(snapshot).projections[-1].fits is fits


def test_a_month_costs_by_the_prices(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        'currency = "EUR"\nas_of = 2026-01-31\nsource = "our contract"\n'
        "disk_gb_month = 0.1\nbackup_gb_month = 0.05\nmember_month = 20\nsent_gb = 0.01\n"
    )
    snapshot = a_snapshot(data_bytes=1000 * GB, storage_bytes=500 * GB, index_bytes=0)
    stored = (Stored(site="default", bucket="product_images", files=500, bytes=500 * GB),)
    snapshot = replace(snapshot, stored=stored, renditions=(), products={"default": 500})
    report = reported(snapshot, prices=str(file))
    cost = report.projections[1].cost
    assert cost
    assert report.projections[1].database_bytes == 250 * GB
    assert cost.disks == pytest.approx(3 * 250 / 0.7 * 0.1, abs=0.01)
    assert cost.backups == 12.5
    assert cost.members == 60
    # 720 MB in the hour that was measured.
    assert cost.sent == pytest.approx(0.72 * 24 * 30 * 0.01, abs=0.01)
    assert cost.total == pytest.approx(107.14 + 12.5 + 60 + 5.18, abs=0.01)
    assert not any("example" in note for note in report.notes)
    assert "EUR a month" in capacity_text(report)


def test_one_site_costs_its_storage_only() -> None:
    cost = reported(a_snapshot(), site="default").projections[0].cost
    assert cost
    assert (cost.members, cost.sent) == (None, None)
    assert cost.disks is not None


def test_a_price_that_is_left_out_is_not_counted(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('currency = "USD"\nas_of = 2026-01-31\nsource = "x"\nmember_month = 20\n')
    cost = reported(a_snapshot(), prices=str(file)).projections[0].cost
    assert cost
    assert (cost.disks, cost.backups, cost.sent, cost.total) == (None, None, None, 60)


def test_behind_a_router_cost_is_for_one_member() -> None:
    report = reported(a_snapshot(), members=None)
    assert report.projections[0].cost
    assert report.prices
    assert report.projections[0].cost.members == report.prices.member_month
    assert any("behind a router" in note for note in report.notes)


# Prices


def test_the_examples_say_that_they_are_some() -> None:
    examples = read_prices("")
    assert examples.example
    assert examples.as_of < date(2026, 11, 22)
    assert "github.com/infracost" in examples.origin
    assert None not in (
        examples.disk_gb_month,
        examples.backup_gb_month,
        examples.member_month,
        examples.sent_gb,
    )
    assert any("example prices" in note for note in reported(a_snapshot()).notes)


RIGHT = 'currency = "EUR"\nas_of = 2026-01-31\nsource = "our contract"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("currency = ", "is no TOML"),
        ("\xff\xfe", "is no TOML"),
        ("", "currency: Field required"),
        (RIGHT.replace("EUR", "euros"), "currency: "),
        (RIGHT.replace("2026-01-31", '"soon"'), "as_of: "),
        (RIGHT + "disk_gb_month = -1\n", "disk_gb_month: "),
        (RIGHT + "disk_gb_month = nan\n", "disk_gb_month: "),
        (RIGHT + "disk_gb_month = inf\n", "disk_gb_month: "),
        (RIGHT + 'disk_gb_month = "cheap"\n', "disk_gb_month: "),
        (RIGHT + "disc_gb_month = 1\n", "disc_gb_month: Extra inputs"),
        (RIGHT + "#" * 70_000, "more than 65536 bytes"),
    ],
)
def test_wrong_prices_say_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(WrongPrices, match=re.escape(said)) as caught:
        read_prices(str(file))
    assert str(file) in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('currency = "euros"\nmember_month = -1\n')
    with pytest.raises(WrongPrices) as caught:
        read_prices(str(file))
    assert all(name in str(caught.value) for name in ("currency", "as_of", "source", "member"))


@pytest.mark.parametrize("missing", ["no/such/file", "."])
def test_without_good_prices_the_rest_is_told(missing: str) -> None:
    report = reported(a_snapshot(), prices=missing)
    assert report.prices is None
    assert report.projections[0].cost is None
    assert report.notes[0].startswith(f"AVENUE_PRICES: {missing}: ")
    assert report.measured


def test_the_example_file_stands_in_the_package() -> None:
    assert EXAMPLES.is_file()


# Requests


def test_the_busiest_hour_is_found() -> None:
    def hour(ago: int, requests: int, seconds: float = 3600) -> Snapshot:
        traffic = Traffic(
            seconds=seconds, requests=requests, errors=9, sent_bytes=MB, p95_seconds=None
        )
        return a_snapshot(at=utc_now() - timedelta(hours=ago), traffic=traffic)

    # One minute or a day between two snapshots is no hour, however busy it was.
    others = hour(7, 10**9, 86_400.0), hour(6, 90_000, 60.0)
    report = reported(*others, hour(5, 100), hour(4, 900), hour(3, 300))
    carried = report.throughput
    assert carried
    assert carried.busiest
    assert carried.busiest.requests_per_second == 0.25
    assert carried.busiest.errors_percent == 1
    assert carried.busiest.p95_seconds is None
    assert carried.sent_bytes_month == round(5 * MB * 30 * 86_400 / (27 * 3600 + 60))


def test_without_traffic_nothing_is_measured() -> None:
    carried = reported(a_snapshot(traffic=None)).throughput
    assert carried
    assert (carried.busiest, carried.sent_bytes_month) == (None, None)


@pytest.mark.parametrize(
    ("cores", "lane", "at_hand", "from_database"),
    [(4, "on", 56_000, 1_000), (1, "on", 28_000, 500), (4, "off", 4_000, 1_000)],
)
def test_the_estimate_is_for_processes_that_have_a_core(
    cores: int, lane: str, at_hand: int, from_database: int
) -> None:
    carried = reported(a_snapshot(), cores=cores, fast_lane=lane).throughput
    assert carried
    assert carried.at_hand_per_second == at_hand
    assert carried.from_database_per_second == from_database


@pytest.mark.parametrize(
    ("row", "who", "figure"),
    [
        ("hot thumbs, 2,000 URLs", "Avenue", throughput.AT_HAND),
        ("hot thumbs, 2,000 URLs", "Avenue, fast lane off", throughput.AT_HAND_WITHOUT_LANE),
        ("warm photos, 2,000 URLs", "Avenue, cache of 0 MB", throughput.FROM_DATABASE),
    ],
)
def test_no_estimate_is_higher_than_what_was_measured(row: str, who: str, figure: int) -> None:
    """By one of the two processes of the tables; nor is it less than a quarter of that."""
    asked, measured = "", 0.0
    for line in PERFORMANCE.read_text().splitlines():
        cells = [each.strip() for each in line.split("|")]
        if len(cells) > 3:
            asked = cells[1] or asked
            if (asked, cells[2]) == (row, who):
                measured = float(cells[3].replace(",", "")) / 2
    assert measured / 4 < figure <= measured


# What to buy next


def test_the_disk_is_bought_in_time() -> None:
    report = reported(*growing(0.5))
    first = report.next
    assert first
    assert first.what == "the database's disk"
    assert first.days == pytest.approx(10, rel=0.05)
    # 80 GB and half a GB on each day of a year, and 30 % left free.
    assert first.cure.startswith("Give each of the 3 members a disk of 375 GB")
    assert f"({(utc_now() + timedelta(days=first.days)).date()})" in capacity_text(report)


def test_a_disk_that_is_full_is_bought_now() -> None:
    report = reported(a_snapshot(disk_used_bytes=90 * GB), members=1)
    assert report.next
    assert report.next.days == 0
    assert "Give the database a disk of 129 GB" in report.next.cure
    assert "disk, over 85 % now." in capacity_text(report)


def test_nothing_is_bought_for_what_is_far_away() -> None:
    report = reported(*growing(0.01))
    assert report.next is None
    assert "nothing that is known of" in capacity_text(report)


def test_what_runs_out_first_comes_first() -> None:
    """The disk in ten days, the quota in four."""
    now = utc_now()
    snapshots = [
        replace(
            each,
            quotas=(
                QuotaUse(
                    site="other",
                    bytes=round(820 * MB - 7.5 * MB * (now - each.at) / timedelta(days=1)),
                    most_bytes=1000 * MB,
                    files=10,
                    most_files=0,
                ),
            ),
        )
        for each in growing(0.5)
    ]
    first = reported(*snapshots).next
    assert first
    assert first.what == "the quota of the site other"
    assert first.days == pytest.approx(4, rel=0.05)
    assert "limits.quota_mb to 4847," in first.cure


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"connections_current": 900, "connections_available": 100}, "connections"),
        (
            {
                "traffic": Traffic(
                    seconds=3600,
                    requests=3_600_000,
                    errors=0,
                    sent_bytes=0,
                    p95_seconds=None,
                )
            },
            "requests a second",
        ),
    ],
)
def test_other_things_run_out_too(facts: dict[str, Any], what: str) -> None:
    first = reported(a_snapshot(**facts)).next
    assert first
    assert first.what.startswith(what)


# Who sees what


def test_who_runs_one_site_sees_that_site_only() -> None:
    quotas = tuple(
        QuotaUse(site=name, bytes=10, most_bytes=100, files=1, most_files=0)
        for name in ("default", "other")
    )
    for asked in (None, "default", "other"):
        report = reported(a_snapshot(quotas=quotas), actor=OPS_ELSEWHERE, site=asked)
        assert report.site == "other"
        assert report.measured
        assert report.measured.products == 100
        assert [each.site for each in report.forecasts] == ["other"]
        assert (report.storing, report.prices, report.throughput) == (None, None, None)
        assert {each.database_bytes for each in report.projections} == {None}
        said = capacity_text(report)
        assert all(word not in said for word in ("disk", "member", "dbStats", "requests", "USD"))


def test_who_runs_one_site_does_not_learn_that_the_deployment_is_full() -> None:
    full = a_snapshot(disk_used_bytes=99 * GB, connections_current=999, connections_available=1)
    assert reported(full, actor=OPS_ELSEWHERE).next is None


@pytest.mark.parametrize("actor", [OPS, SUPERUSER_ELSEWHERE])
def test_who_runs_the_deployment_sees_all(actor: Actor) -> None:
    report = reported(a_snapshot(), actor=actor)
    assert report.site is None
    assert [each.measure for each in report.forecasts] == [Measure.DISK]
    assert report.storing
    assert report.throughput


@pytest.mark.parametrize("role", [None, Role.CLIENT, Role.SELLER, Role.EDITOR])
def test_others_see_nothing(role: Role | None) -> None:
    with pytest.raises(Forbidden):
        reported(a_snapshot(), actor=Actor(site=SITE, role=role))


# For people


def test_what_the_database_does_not_tell_is_no_error() -> None:
    unknown = dict.fromkeys(
        ("data_bytes", "storage_bytes", "index_bytes", "disk_used_bytes", "disk_total_bytes"),
    )
    report = reported(a_snapshot(**unknown))
    assert report.storing is None
    assert report.forecasts == ()
    assert any("dbStats" in note for note in report.notes)
    assert facts_of(report)["projections"][0]["disk_bytes"] is None
    assert "10,000" in capacity_text(report)


def test_the_text_tells_what_the_json_does() -> None:
    report = reported(*growing(0.5))
    said = capacity_text(report)
    for words in (
        "Capacity of the whole deployment, by the snapshot of ",
        "Runs out first: the database's disk, at 85 % in 10 days (",
        "The database's disk: 80.0 GB of 100.0 GB, 80.0 %",
        "  last  7 days: 500.0 MB more a day; 85 % in 10 days, 95 % in 30 days; 70 % is reached",
        "too little was measured to say: ",
        "Measured here: 500 products with 1,400 pictures, 2.8 each",
        "Estimated for this instance (2 processes on 4 cores) from docs/performance.md",
        "USD a month",
        "Measured: 2.0 requests a second in the busiest hour",
    ):
        assert words in said, said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (1_250_000, "1.2 MB"), (5e12, "5.0 TB")],
)
def test_sizes_are_told_in_units_of_people(count: float, said: str) -> None:
    assert size(count) == said


# By visits

TODAY = date(2026, 11, 25)


def test_visits_are_counted_and_priced() -> None:
    """Twenty sites of 10 M visits each, by hand: 3.2 G pictures of 25 KB, 5 % from Avenue."""
    found = visits_json(plan_of(Assumptions(visits=200_000_000, sites=20), "", TODAY))
    assert found["traffic"] == {
        "requests": 3.2e9,
        "edge_bytes": 80e12,
        "origin_requests": 1.6e8,
        "origin_bytes": 4e12,
        "origin_per_second": 61.73,
        "busiest_per_second": 185.19,
    }
    assert (found["pictures"], found["database_bytes"]) == (1_000_000, 552_440_000_000)
    own, managed = found["offers"]
    assert own["parts"] == {
        "database": 163.1,  # 53.41, and 0.1716 for each of the 639.2 GB above 150
        "application": 0.0,
        "edge": 400.0,
        "origin": 0.0,
        "backups": 2.78,
    }
    assert (own["kind"], own["largest"], own["total"]) == ("self-hosted", "edge", 565.88)
    assert managed["total"] > own["total"]
    assert [row["total"] <= row["most"] for row in found["targets"]] == [True] * 6
    assert {each["name"] for each in found["levers"]} >= {"picture_kb", "hit_ratio"}


@table(
    "assumed, day, said",
    [
        ({}, date(2027, 10, 29), "more than a year ago"),
        ({}, TODAY, "are examples"),
        ({"pictures_per_site": 10**8}, TODAY, "No managed plan"),
    ],
)
def test_what_limits_an_answer_is_told(assumed: dict[str, Any], day: date, said: str) -> None:
    found = plan_of(Assumptions(visits=1_000, **assumed), "", day)
    assert said in visits_text(found)


@table("text, visits", [("50K", 50_000), ("1.5M", 1_500_000), ("2b", 2 * 10**9), ("300", 300)])
def test_visits_may_be_written_short(text: str, visits: int) -> None:
    assert Assumptions.model_validate({"visits": text}).visits == visits


def test_ones_own_prices_of_hosting_count(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(EXAMPLES.read_text().replace("edge_large_gb = 0.005", "edge_large_gb = 0"))
    found = plan_of(Assumptions(visits=200_000_000, sites=20), str(own), TODAY)
    assert found.offers[0].edge == 0
    assert "are examples" not in visits_text(found)
    own.write_text("currency = 3")
    assert "cannot be used" in visits_text(plan_of(Assumptions(visits=1), str(own), TODAY))
