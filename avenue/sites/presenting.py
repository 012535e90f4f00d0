"""How a site looks in JSON, for routes and commands."""

from collections.abc import Mapping

from avenue.identity import Site
from avenue.media.models import Asset
from avenue.media.presenting import image_json
from avenue.sites import replies


def site_json(site: Site, limits: Mapping[str, int], logo: Asset | None) -> replies.Site:
    """Return what everybody who is signed in may know of a site; `limits` are those in force."""
    return {
        "id": site.id,
        "name": site.name,
        "locale": site.locale,
        "base_url": site.base_url,
        "colors": dict(site.colors),
        "logo": image_json(site, logo) if logo else None,
        "limits": dict(limits),
        "revision": site.revision,
    }


def house_json(site: Site, limits: Mapping[str, int], logo: Asset | None) -> replies.HouseSite:
    """Return the same with the hosts, for superusers and commands."""
    return {**site_json(site, limits, logo), "hosts": list(site.hosts)}
