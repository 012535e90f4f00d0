"""The sample products of a site, in MongoDB: one document a site."""

from avenue.shop.models import Samples
from avenue.shop.store.documents import GROUPS, PRODUCTS
from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords, site

SAMPLES = "shop_samples"


class SampleStore(SiteRecords):
    """The samples of one site at a time; every method takes the site first."""

    def begin(self, site_id: str, new: Samples) -> Samples:
        """Record what will be created; return what was recorded first."""
        fresh: Document = {
            "_id": site_id,
            "by": new.by,
            "products": dict(new.products),
            "groups": dict(new.groups),
            "job": None,
        }
        found = self._records(site_id, SAMPLES).find_and_update(
            {"_id": site_id}, {"$setOnInsert": fresh}, upsert=True
        )
        return _samples_in(found or fresh)

    def get(self, site_id: str) -> Samples | None:
        """Return the record, or None."""
        found = self._records(site_id, SAMPLES).values(_samples_in, {"_id": site_id})
        return found[0] if found else None

    def set_job(self, site_id: str, job_id: str) -> None:
        """Store the job that creates them."""
        self._records(site_id, SAMPLES).update({"_id": site_id}, {"$set": {"job": job_id}})

    def forget(self, site_id: str) -> None:
        """Delete the record, after the samples."""
        self._records(site_id, SAMPLES).delete({"_id": site_id})

    def has_products(self, site_id: str) -> bool:
        """Return whether the site has any product."""
        products = self._records(site_id, PRODUCTS)
        return products.find_one({}, {"_id": 1}) is not None

    def there(self, site_id: str, samples: Samples) -> tuple[frozenset[str], frozenset[str]]:
        """Return the ids of the products and groups that still exist."""
        scope = site(self._database, site_id)
        products, groups = (
            frozenset(
                each["_id"]
                for each in scope.collection(name).find({"_id": {"$in": sorted(ids)}}, {"_id": 1})
            )
            for name, ids in (
                (PRODUCTS, samples.products.values()),
                (GROUPS, samples.groups.values()),
            )
        )
        return products, groups


def _samples_in(document: Document) -> Samples:
    return Samples(
        by=document["by"],
        products=document["products"],
        groups=document["groups"],
        job=document["job"],
    )
