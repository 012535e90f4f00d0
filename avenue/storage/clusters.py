"""The clusters of an installation: which one a site is on, and which are usable.

The home database (MONGODB_URI) has what belongs to the deployment: the directory of sites, people,
jobs. Each further cluster (AVENUE_CLUSTER_<NAME>) has all data of its sites, and a mark of its
installation. If one is unreachable, its own sites answer 503, and no others.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from avenue.errors import DATABASE_AWAY, Unavailable
from avenue.identity import HOME_CLUSTER
from avenue.storage.connection import (
    INSTALLATION,
    MARKER,
    META,
    Database,
    Document,
    unavailable_when_away,
)

T = TypeVar("T")
CLUSTER = "cluster"
"""The entry of `META` of a cluster: its name, and its installation."""

log = logging.getLogger(__name__)


class UnknownCluster(Unavailable):
    """A site is on a cluster that this process has no URI for."""

    message = "This site is on the cluster {cluster}, which is not set up here."
    hint = "Set AVENUE_CLUSTER_<NAME> for every process, then restart."


class ClusterNotReady(Unavailable):
    """A cluster is not prepared for this deployment, or for this version."""

    message = "The cluster {cluster} cannot be used: it is {why}."
    hint = "Run `python -m avenue migrate`."


class State(StrEnum):
    """Whether a cluster is usable."""

    READY = "ready"
    AWAY = "away"
    NOT_READY = "not_ready"  # not prepared, or of another installation
    UNKNOWN = "unknown"  # a site names it, and this process has no URI for it


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """A cluster as this process sees it; `hosts` are those of its URI."""

    name: str
    hosts: tuple[str, ...] = ()
    state: State = State.UNKNOWN


def cluster_states(database: Database) -> list[ClusterState]:
    """Return the states of the clusters, home first; waits briefly for unreachable ones."""
    found = []
    for each in (database, *database.clusters.values()):
        try:
            each.ping()
            if each is not database:
                admit(each)
            state = State.READY
        except ClusterNotReady:
            state = State.NOT_READY
        except Unavailable:
            state = State.AWAY
        found.append(ClusterState(name=each.cluster, hosts=each.hosts, state=state))
    return found


def database_of_site(database: Database, site_id: str) -> Database:
    """Return the database of a site: for the home database that of its cluster, else the given one.

    Raise `UnknownCluster`, `ClusterNotReady`, or `Unavailable`.
    """
    if database.home is not database:
        return database
    name = _cluster_of(database, site_id)
    if name == HOME_CLUSTER:
        return database
    cluster = database.clusters.get(name)
    if cluster is None:
        raise UnknownCluster(cluster=name)
    admit(cluster)
    return cluster


def cluster_named(home: Database, name: str) -> Database:
    """Return a cluster of the installation by its name."""
    return home if name == HOME_CLUSTER else home.clusters[name]


def is_site_away(database: Database, site_id: str) -> bool:
    """Return whether the database of a site is known to be unreachable; sends no query."""
    cluster = database.clusters.get(database.directory.known(site_id) or HOME_CLUSTER, database)
    return cluster.is_away()


def clusters_at_hand(database: Database) -> list[Database]:
    """Return the home database, and the other clusters that are usable now."""
    return [database, *filter(_is_at_hand, database.clusters.values())]


def every_cluster(database: Database) -> list[Database]:
    """Return the home database and all other clusters.

    Raise `Unavailable` if one is unreachable.
    """
    for each in database.clusters.values():
        admit(each)
    return [database, *database.clusters.values()]


def on_each(database: Database, work: Callable[[Database], T]) -> list[T]:
    """Return the results of `work` for the home database and the other clusters.

    Those that are unreachable, or become so meanwhile, are skipped. Raise `Unavailable` for home.
    """
    done = [work(database)]
    for cluster in filter(_is_at_hand, database.clusters.values()):
        try:
            done.append(work(cluster))
        except Unavailable as error:
            _leave_out(cluster, error)
    return done


def reachable(database: Database, site_ids: Iterable[str]) -> frozenset[str]:
    """Return those of `site_ids` whose database is usable now."""
    away = {name for name, each in database.clusters.items() if not _is_at_hand(each)}
    places = {each: database.directory.known(each) or HOME_CLUSTER for each in site_ids}
    there = {HOME_CLUSTER, *database.clusters} - away
    return frozenset(each for each, place in places.items() if place in there)


def admit(cluster: Database) -> None:
    """Return once a cluster is known to be of this installation and version, and reachable.

    Raise `ClusterNotReady`, or `Unavailable`.
    """
    if cluster.is_admitted:
        return
    if cluster.is_away():  # the driver reconnects in the background; no one waits for it
        raise Unavailable(DATABASE_AWAY)
    with unavailable_when_away(), cluster.deadline(cluster.read_seconds):
        hello = cluster.client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise ClusterNotReady(cluster=cluster.cluster, why="no replica set")
        ours = _marks(cluster.home)
        marks = _marks(cluster)
    if marks.get(CLUSTER) != mark_of(cluster, ours.get(INSTALLATION, {})):
        why = "of another installation" if CLUSTER in marks else "not prepared"
        raise ClusterNotReady(cluster=cluster.cluster, why=why)
    if marks.get(MARKER) != ours.get(MARKER):
        raise ClusterNotReady(cluster=cluster.cluster, why="of another version")
    cluster.is_admitted = True


def mark_of(cluster: Database, installation: Document) -> Document:
    """Return the mark of a cluster."""
    return {"_id": CLUSTER, "name": cluster.cluster, "installation": installation.get("id")}


def _marks(database: Database) -> dict[str, Document]:
    ids = [MARKER, INSTALLATION, CLUSTER]
    return {each["_id"]: each for each in database.raw[META].find({"_id": {"$in": ids}})}


def _cluster_of(home: Database, site_id: str) -> str:
    directory = home.directory
    home.instance.begin()
    known = directory.known(site_id)
    if not home.clusters:  # a process that reads the directory has then seen one that is elsewhere
        return known or HOME_CLUSTER
    if known is not None and directory.is_fresh(site_id):
        return known
    sites = home.raw["sites"]
    try:
        found = home.repeat(
            lambda: sites.find_one({"_id": site_id}, {"cluster": 1, "epoch": 1, "move": 1}),
            home.read_seconds,
        )
    except Unavailable:
        if known is None:
            raise
        return known  # the last known state is used while the home database is unreachable
    # A missing document is not cached: another process may be about to add it.
    return directory.note(found) if found else HOME_CLUSTER


def _is_at_hand(cluster: Database) -> bool:
    try:
        _reach(cluster)
    except Unavailable as error:
        _leave_out(cluster, error)
        return False
    if cluster.is_left_out:
        log.info("The cluster %s is there again.", cluster.cluster)
    cluster.is_left_out = False
    return True


def _reach(cluster: Database) -> None:
    if cluster.is_away():
        raise Unavailable(DATABASE_AWAY)
    admit(cluster)


def _leave_out(cluster: Database, error: Unavailable) -> None:
    if not cluster.is_left_out:
        log.warning("The cluster %s is left out: %s", cluster.cluster, error.message)
    cluster.is_left_out = True
