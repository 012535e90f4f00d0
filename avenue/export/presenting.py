"""Formats the records of an export: lines of the manifest, pages as HTML files, the report."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from avenue.builder.content.references import REFERENCE
from avenue.builder.website.models import Draft, Page
from avenue.clock import iso
from avenue.media.models import Asset
from avenue.shop.models import Entry, Group, Product

Facts = dict[str, Any]

POLICY = "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy: no scripts run, whatever was stored."""


def group_line(group: Group) -> Facts:
    """Return the manifest line of a group."""
    return {
        "kind": "group",
        "id": group.id,
        "name": group.name,
        "model": group.model,
        "owner": group.owner,
        "options": [{"name": each.name, "images": list(each.images)} for each in group.options],
        "images": _entries(group.images),
        "created_at": iso(group.created_at),
    }


def product_line(product: Product) -> Facts:
    """Return the manifest line of a product."""
    return {
        "kind": "product",
        "id": product.id,
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": None if product.price is None else f"{product.price:f}",
        "currency": product.currency,
        "status": product.status,
        "group": product.group,
        "category": product.category,
        "attributes": {name: list(values) for name, values in product.attributes.items()},
        "owner": product.owner,
        "images": _entries(product.images),
        "created_at": iso(product.created_at),
    }


def file_line(
    asset: Asset, path: str, order: int | None, folder: Sequence[str], old_paths: Iterable[str]
) -> Facts:
    """Return the manifest line of a file stored at `path`; `folder` are names from the top."""
    current = asset.current
    return {
        "kind": "file",
        "id": asset.id,
        "path": path,
        "sha256": current.sha256,
        "bytes": current.bytes,
        "media_type": current.media_type,
        "width": current.width,
        "height": current.height,
        "source_sha256": current.source_sha256,
        "name": asset.name,
        "claim": asdict(asset.claim) if asset.claim else None,
        "order": order,
        "alt": dict(asset.alt),
        "decorative": asset.decorative,
        "focal": None if asset.focal is None else list(asset.focal),
        "folder": list(folder),
        "tags": list(asset.tags),
        "category": asset.category,
        "reference": asset.reference,
        "hold": asset.hold,
        "visibility": asset.visibility,
        "versions": [
            {
                "sha256": each.sha256,
                "bytes": each.bytes,
                "media_type": each.media_type,
                "at": iso(each.at),
            }
            for each in asset.versions
        ],
        "old_urls": list(old_paths),
        "owner": asset.owner,
        "created_at": iso(asset.created_at),
    }


def page_line(page: Page, path: str, sha256: str) -> Facts:
    """Return the manifest line of a page whose HTML is stored at `path`."""
    published = page.published
    return {
        "kind": "page",
        "id": page.id,
        "slug": page.slug,
        "path": path,
        "sha256": sha256,
        "draft": _texts(page.draft),
        "published": {**_texts(published.draft), "at": iso(published.at)} if published else None,
    }


def page_html(draft: Draft, address_of: Callable[[str, str], str]) -> str:
    """Return a page as a file with its CSS, which links to the exported pictures.

    `address_of` returns the path of a file by id and variant.
    """

    def placed(found: "re.Match[str]") -> str:
        return address_of(found["asset"], found["variant"])

    css = REFERENCE.sub(placed, draft.css).replace("</", "<\\/")
    return (
        f'<!doctype html>\n<html lang="{escape(draft.locale)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(draft.title)}</title>\n<style>\n{css}\n</style>\n</head>\n<body>\n"
        f"{REFERENCE.sub(placed, draft.html)}\n</body>\n</html>\n"
    )


def exported_text(facts: Mapping[str, Any]) -> str:
    """Return the report of an export as text, from the figures of `Exported` and the target."""
    found = (
        f"{facts['products']} products, {facts['groups']} groups, {facts['files']} files, "
        f"{facts['pages']} pages"
    )
    lines = []
    if facts["private_left"]:
        left = facts["private_left"]
        lines.append(f"{left} private files skipped (use --private to include them)")
    if facts["dry_run"]:
        return "\n".join([*lines, f"Would export to {facts['to']}: {found}."])
    moved = (
        f"{facts['written']} written ({facts['written_bytes']} bytes), {facts['kept']} "
        f"unchanged, {facts['removed']} removed, {facts['left_total']} skipped"
    )
    lines += [f"Exported to {facts['to']}: {found}.", f"Files: {moved}."]
    return "\n".join(lines)


def _entries(images: Sequence[Entry]) -> list[Facts]:
    return [{"asset": each.asset} if each.asset else {"url": each.url} for each in images]


def _texts(draft: Draft) -> Facts:
    return {
        "title": draft.title,
        "locale": draft.locale,
        "html": draft.html,
        "css": draft.css,
        "seo": asdict(draft.seo),
        "themed": draft.themed,
        "translation_of": draft.translation_of,
    }
