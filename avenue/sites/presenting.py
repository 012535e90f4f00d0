"""Conversion of sites to JSON, for routes and commands."""

from collections.abc import Mapping
from dataclasses import asdict

from avenue.identity import Site
from avenue.media.categories import Category, categories_of
from avenue.media.models import Asset
from avenue.media.presenting import image_json
from avenue.sites import replies
from avenue.web.cache_policy import Kind, seconds_of


def site_json(site: Site, limits: Mapping[str, int], logo: Asset | None) -> replies.Site:
    """Return what every signed-in person may see of a site; `limits` are those in force."""
    return {
        "id": site.id,
        "name": site.name,
        "locale": site.locale,
        "base_url": site.base_url,
        "colors": dict(site.colors),
        "logo": image_json(site, logo) if logo else None,
        "theme": {name: str(each) for name, each in asdict(site.theme).items()},
        "menu": [{"label": each.label, "to": each.to} for each in site.menu],
        "legal": [{"label": each.label, "to": each.to} for each in site.legal],
        "contact": dict(site.contact),
        "edge_seconds": {kind.value: seconds_of(site, kind) for kind in Kind},
        "sizes": dict(site.sizes),
        "second_factor_roles": sorted(site.second_factor_roles),
        "status_page": site.has_status_page,
        "limits": dict(limits),
        "upload_categories": {
            name: _category_json(each) for name, each in categories_of(site).items()
        },
        "revision": site.revision,
    }


def _category_json(category: Category) -> replies.UploadCategory:
    return {
        "types": list(category.types),
        "max_mb": category.max_mb,
        "max_files": category.max_files,
        "visibility": category.visibility,
        "retention_days": category.retention_days,
        "readers": sorted(category.readers),
        "edge": category.edge,
        "public_thumbs": category.public_thumbs,
    }


def full_site_json(site: Site, limits: Mapping[str, int], logo: Asset | None) -> replies.FullSite:
    """Return a site with hosts and cluster, for superusers and commands."""
    return {**site_json(site, limits, logo), "hosts": list(site.hosts), "cluster": site.cluster}
