"""The services of the application, commands and jobs, each created in one place.

A module here may use the services of the modules before it: stores, people, files, website, shop,
health.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial

from avenue.app.services.health import Health
from avenue.app.services.stores import disk_cache_of, removal
from avenue.config import Settings
from avenue.identity import HOME_CLUSTER
from avenue.provisioning.clusters import Scale, lightest, uses_of
from avenue.provisioning.service import ProvisioningService, weighed_lately
from avenue.sites.cloning import CloneService
from avenue.sites.moving import MoveService
from avenue.sites.removal import RemovalService
from avenue.sites.service import SiteService
from avenue.storage.clusters import cluster_states
from avenue.storage.connection import Database
from avenue.storage.site_counts import Counter

__all__ = ["Services", "disk_cache_of", "opened_services", "removal"]


@dataclass(frozen=True)
class Services(Health):
    """All services over one database; each is created when it is first used."""

    @cached_property
    def scale(self) -> Scale:
        """The capacity of a cluster."""
        return Scale(capacity=self.settings.cluster_units, levels=self.settings.alert_levels)

    @cached_property
    def site_service(self) -> SiteService:
        """Manages sites for administrators; changes are visible in `sites` at once."""
        return SiteService(self.site_store, self.sites, self.settings, self._lightest_cluster)

    def _lightest_cluster(self) -> str:
        if not self.settings.clusters:
            return HOME_CLUSTER
        sites = self.site_store.every()
        weighed = weighed_lately(self.snapshots.kept, sites)
        return lightest(uses_of(cluster_states(self.database), sites, weighed.weights, self.scale))

    @cached_property
    def removals(self) -> RemovalService:
        """Removes sites and restores them."""
        return RemovalService(self.site_store, self.sites, self.jobs)

    @cached_property
    def clones(self) -> CloneService:
        """Clones sites."""
        return CloneService(self.site_service, self.sites, self.jobs)

    @cached_property
    def site_moves(self) -> MoveService:
        """Moves sites to other clusters."""
        return MoveService(self.database, self.site_store, self.jobs)

    @cached_property
    def provisioning(self) -> ProvisioningService:
        """Reports on all sites."""
        return ProvisioningService(
            self.site_service,
            self.site_store.removals,
            self.snapshots.kept,
            self.jobs,
            partial(cluster_states, self.database),
            self.scale,
        )

    @property
    def site_counters(self) -> dict[str, Counter]:
        """The counters of each site, by name."""
        return {
            **self.shop_status.counters,
            **self.folders.counters,
            **self.stored_counts.counters,
        }

    def on(self, cluster: Database) -> "Services":
        """Return the services of one cluster."""
        return self if cluster is self.database else Services(self.settings, cluster)

    def decoding(self) -> AbstractContextManager["Services"]:
        """Give services to a job that decodes pictures."""
        return opened_services(self.settings, self.database, self.settings.workers)


@contextmanager
def opened_services(settings: Settings, database: Database, workers: int = 1) -> Iterator[Services]:
    """Yield services, and end their decode processes afterwards."""
    services = Services(settings, database, workers)
    try:
        yield services
    finally:
        if "decoders" in vars(services):
            services.decoders.close()
