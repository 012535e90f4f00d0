"""How full clusters are, and which site is to be moved where."""

from dataclasses import replace

from avenue.health.models import Level
from avenue.identity import Site
from avenue.provisioning.clusters import Advice, Scale, lightest, overview_of, uses_of
from avenue.provisioning.presenting import advice_text, clusters_text, weight_text
from avenue.provisioning.weights import Weight
from avenue.storage.clusters import ClusterState, State
from avenue.storage.connection import hosts_in
from tests.table import table

SCALE = Scale(capacity=4, levels=(70, 85, 95))
READY, AWAY = State.READY, State.AWAY


def weight(site: str, units: float, growth: float | None = None) -> Weight:
    return Weight(
        site=site,
        bytes=1000,
        files=1,
        hot_bytes=0,
        requests=None,
        writes=None,
        connections=None,
        weight=units,
        nominal=1.0,
        forecast_bytes=None if growth is None else int(1000 * growth),
    )


def uses(clusters: dict[str, dict[str, float]], **states: State):
    known = [
        ClusterState(name=each, hosts=(f"{each}.example",), state=states.get(each, READY))
        for each in clusters
    ]
    sites = [
        Site(id=site, hosts=(), base_url="", name=site, cluster=cluster)
        for cluster, placed in clusters.items()
        for site in placed
    ]
    weights = {
        site: weight(site, units) for placed in clusters.values() for site, units in placed.items()
    }
    return uses_of(known, sites, weights, SCALE)


@table(
    "clusters, moves, lacking",
    [
        ({"home": {"default": 1, "a": 1.7}, "c2": {}}, [], []),  # 67.5 %
        # The lightest that is enough, and never the deployment's own site.
        ({"home": {"default": 1, "a": 0.5, "b": 1, "c": 1}, "c2": {}}, ["b home c2"], []),
        ({"home": {"default": 0.9, "a": 0.3, "b": 1.6}, "c2": {"c": 2.4}}, ["a home c2"], []),
        # One is not enough: the heaviest that fits, then another.
        (
            {"home": {"default": 1, "a": 1, "b": 1, "c": 1, "d": 1}, "c2": {"e": 0.5}},
            ["d home c2", "c home c2"],
            ["home"],
        ),
        ({"home": {"default": 3}, "c2": {}}, [], ["home"]),
        ({"home": {"default": 1, "a": 2}}, [], ["home"]),
        ({"home": {"default": 1, "a": 2}, "c2": {"b": 2.9}}, [], ["home", "c2"]),
    ],
)
def test_what_is_to_be_moved_where(clusters, moves, lacking):
    found = overview_of(uses(clusters), SCALE, None)
    assert [f"{each.site} {each.origin} {each.target}" for each in found.moves] == moves
    assert sorted(found.lacking) == sorted(lacking)


def test_nothing_is_moved_to_or_from_a_cluster_that_is_away():
    clusters = {"home": {"default": 1, "a": 2}, "c2": {}, "c3": {"b": 3.9}}
    found = uses(clusters, c2=AWAY, c3=AWAY)
    assert overview_of(found, SCALE, None).lacking == ("home",)
    assert lightest(found) == "home"
    assert lightest(uses(clusters)) == "c2"
    found = uses(clusters, c3=AWAY)
    assert overview_of(found, SCALE, None).moves == (Advice(site="a", origin="home", target="c2"),)


def test_what_commands_say_of_clusters():
    found = overview_of(uses({"home": {"default": 1, "a": 2}, "c2": {}}), SCALE, None)
    assert clusters_text(found, {}).splitlines() == [
        "home  home.example  ready  3.00 of 4 units  75 %  notice",
        "  a  2",
        "  default  1",
        "c2  c2.example  ready  0.00 of 4 units  0 %  ok",
    ]
    assert advice_text(found) == "Move a from home to c2."
    found = overview_of(uses({"home": {"default": 3}}), SCALE, None)
    assert advice_text(found) == "home remains too full: set up another cluster."
    found = overview_of(uses({"home": {}}), SCALE, None)
    assert advice_text(found) == "No site needs to be moved."


def test_how_full_a_cluster_is_and_will_be():
    sites = [Site(id=each, hosts=(), base_url="", name=each, cluster="c2") for each in "abc"]
    weights = {"a": weight("a", 1.0, 1.5), "b": weight("b", 2.0)}
    home, other = uses_of([ClusterState(name="home", state=READY)], sites, weights, SCALE)
    assert (home.units, home.level, home.forecast_percent) == (0, Level.OK, None)
    assert (other.name, other.state, other.hosts) == ("c2", State.UNKNOWN, ())
    assert [each.site for each in other.sites] == ["b", "a", "c"]
    assert round(other.units, 2) == 3.15  # of the third nobody knows yet
    assert (round(other.percent, 2), other.level) == (78.75, Level.NOTICE)
    assert other.forecast_percent is not None
    assert round(other.forecast_percent, 2) == 91.25
    assert [SCALE.level(each).value for each in (2.79, 2.8, 3.4, 3.8)] == [
        "ok",
        "notice",
        "warning",
        "critical",
    ]


@table(
    "uri, hosts",
    [
        (
            "mongodb://user:p%40ss@a.example:27017,b.example/avenue?replicaSet=x",
            "a.example:27017 b.example",
        ),
        ("mongodb+srv://user:pass@c.example", "c.example"),
        ("mongodb://127.0.0.1:1?w=1", "127.0.0.1:1"),
    ],
)
def test_hosts_are_told_without_a_password(uri, hosts):
    assert " ".join(hosts_in(uri)) == hosts


def test_the_load_of_a_site_is_told_as_far_as_it_is_known() -> None:
    assert weight_text(None) == "no snapshot yet"
    small = replace(weight("a", 0.5), bytes=3_200_000)
    assert weight_text(small) == "weight 0.5 (nominal 1), 3 MB, 0 MB hot"
    known = replace(small, requests=70, writes=3, connections=1.26, forecast_bytes=9_900_000)
    assert weight_text(known) == (
        "weight 0.5 (nominal 1), 3 MB, 0 MB hot, 70 requests, 3 writes, 1.3 connections, "
        "9 MB in 30 days"
    )
