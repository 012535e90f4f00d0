"""Stored files as JSON, in the same form everywhere, and in the forms of upload clients."""

import base64
from collections.abc import Sequence

from avenue.clock import iso
from avenue.errors import Translate
from avenue.identity import Site
from avenue.media.intake.models import Refusal
from avenue.media.models import Asset, External, Version
from avenue.media.pictures.variants import (
    DEFAULT_EXTENSION,
    EAGER,
    FORMATS,
    VARIANTS,
    Size,
    own_rows,
    row_of,
    size_of,
)
from avenue.media.replies import (
    ExternalFile,
    ExternalImage,
    File,
    Image,
    KeptVersion,
    RefusedFile,
    Scanned,
    Stored,
    Temporary,
    UploadReply,
    UploadReplyFacts,
    Variant,
    Versions,
)
from avenue.media.urls import original_path, original_url, variant_path
from avenue.web.site_frame import Logo

DISPLAYED = "gallery"
WIDEST_LOGO = 640
"""In pixels: a header shows a logo at most 224 wide, with two or three device pixels each."""
WIDTHS = sorted(
    (row for row in VARIANTS.values() if row.name == f"w{row.width}"), key=lambda row: row.width
)


def picture_json(site: Site, picture: Asset | External) -> Image | ExternalImage:
    """Return a picture as JSON; an external one has only its URL."""
    if isinstance(picture, External):
        return {"id": None, "external": True, "url": picture.url, "variants": {}}
    return image_json(site, picture)


def image_json(site: Site, asset: Asset) -> Image:
    """Return `asset` as JSON, with absolute URLs of `site`.

    A temporary one also has `expires_at`.
    """
    temporary: Temporary = {"expires_at": iso(asset.expires_at)} if asset.expires_at else {}
    return {
        **stored_json(site, asset),
        **temporary,
        "width": asset.current.width,
        "height": asset.current.height,
        "variants": variants_json(site, asset),
    }


def variants_json(site: Site, asset: Asset) -> dict[str, Variant]:
    """Return the other sizes of `asset` by name; none if it is not a picture."""
    if not has_sizes(site, asset):
        return {}
    own = {name: row.name for name, row in own_rows(site.sizes).items()}
    named = {**{name: name for name in EAGER}, **own}
    return {name: _variant_json(site, asset, variant) for name, variant in named.items()}


def stored_json(site: Site, asset: Asset) -> Stored:
    """Return the JSON fields of every stored file, with absolute URLs of `site`."""
    version = asset.current
    url, sizes = original_url(site, asset), has_sizes(site, asset)
    return {
        "id": asset.id,
        "name": asset.name,
        "version": version.version,
        "url": url,
        "display_url": site.base_url + variant_path(asset, DISPLAYED) if sizes else url,
        "media_type": version.media_type,
        "bytes": version.bytes,
        "sha256": version.sha256,
        "alt": dict(asset.alt),
        "decorative": asset.decorative,
        "focal": list(asset.focal_point) if asset.focal_point else None,
        "color": version.color,
        "placeholder": None if version.is_withheld else data_url(version.placeholder),
        "has_alpha": version.has_alpha,
        "visibility": asset.visibility,
        "srcset": ", ".join(f"{address} {width}w" for width, address in sources(site, asset)),
        "created_at": iso(asset.created_at),
        **_scanned(version),
    }


def _scanned(version: Version) -> Scanned:
    return {"scan": version.scan.state} if version.scan else {}


def upload_json(
    site: Site, assets: Sequence[Asset], refusals: Sequence[Refusal], translate: Translate
) -> UploadReply:
    """Return one body that the usual upload clients understand unchanged.

    `translate` is for the reasons of refused files. Editor.js reads `success` and `file.url`,
    TinyMCE `location`, CKEditor `url` or `urls`, GrapesJS `data`, Uppy and Dropzone `url`; each was
    tested with its real package.
    """
    files: list[File | ExternalFile] = [file_json(site, asset) for asset in assets]
    facts = upload_facts(site, assets[0], refusals, translate)
    return {**facts, "file": files[0], "files": files, "data": files}


def upload_facts(
    site: Site, first: Asset, refusals: Sequence[Refusal], translate: Translate
) -> UploadReplyFacts:
    """Return the fields of an upload reply without its files, of which `first` is the first one."""
    url = original_url(site, first)
    return {
        "success": 1,
        "id": first.id,
        "url": url,
        "location": url,
        "path": original_path(first),
        "urls": {
            "default": url,
            **{str(width): address for width, address in sources(site, first)},
        },
        "errors": refused_json(refusals, translate),
    }


def refused_json(refusals: Sequence[Refusal], translate: Translate) -> list[RefusedFile]:
    """Return the refused files with the reasons in the language of `translate`."""
    return [
        {"name": each.name, "code": each.code, "message": each.said(translate)} for each in refusals
    ]


def external_json(picture: External) -> UploadReply:
    """Return the upload reply for an external picture."""
    url = picture.url
    file: ExternalFile = {
        "id": None,
        "external": True,
        "url": url,
        "variants": {},
        "src": url,
        "type": "image",
    }
    return {
        "success": 1,
        "id": None,
        "url": url,
        "location": url,
        "path": None,
        "file": file,
        "files": [file],
        "data": [file],
        "urls": {"default": url},
        "errors": [],
    }


def file_json(site: Site, asset: Asset) -> File:
    """Return a picture in the form of upload clients."""
    version = asset.current
    return {
        **image_json(site, asset),
        "src": original_url(site, asset),
        "type": "image",
        "size": version.bytes,
        "mime": version.media_type,
        "removed": list(version.removed),
    }


def versions_json(asset: Asset, url: str) -> Versions:
    """Return the versions of a picture, newest first; `url` is that of this list."""
    items: list[KeptVersion] = [
        {
            "version": each.version,
            "url": f"{url}/{each.version}/file",
            "media_type": each.media_type,
            "bytes": each.bytes,
            "width": each.width,
            "height": each.height,
            "at": iso(each.at),
            "by": each.by,
            "current": each is asset.current,
        }
        for each in asset.versions
    ]
    return {"items": items, "next": None, "total": len(items)}


def has_sizes(site: Site, asset: Asset) -> bool:
    """Return whether `asset` is a picture with other sizes."""
    version = asset.current
    return site.shows_variants and version.width is not None and not version.is_withheld


def sources(site: Site, asset: Asset) -> list[tuple[int, str]]:
    """Return (width in pixels, URL) of the sizes a browser may choose from, narrowest first.

    The last one has the picture's whole width, or the widest of the table.
    """
    if not has_sizes(site, asset):
        return []
    found: dict[int, str] = {}
    own = [row for row in own_rows(site.sizes).values() if not row.cuts]
    for row in (*WIDTHS, *own):
        width, _ = _size(asset, row.name)
        found.setdefault(width, site.base_url + variant_path(asset, row.name))
    return sorted(found.items())


def logo_shown(asset: Asset, *, has_sizes: bool) -> Logo:
    """Return a site's logo for its header: small, and from the host of the request."""
    width, height = asset.current.width, asset.current.height
    if not has_sizes or width is None:
        return Logo(src=original_path(asset), width=width, height=height)
    found = {_size(asset, row.name)[0]: row.name for row in WIDTHS if row.width <= WIDEST_LOGO}
    paths = [(wide, variant_path(asset, name)) for wide, name in sorted(found.items())]
    return Logo(
        src=paths[0][1],
        srcset=", ".join(f"{path} {wide}w" for wide, path in paths),
        width=width,
        height=height,
    )


def _variant_json(site: Site, asset: Asset, variant: str) -> Variant:
    width, height = _size(asset, variant)
    return {
        "url": site.base_url + variant_path(asset, variant),
        "width": width,
        "height": height,
        "media_type": FORMATS[DEFAULT_EXTENSION].media_type.name,
    }


def _size(asset: Asset, variant: str) -> Size:
    version = asset.current
    return size_of(row_of(variant), version.width or 1, version.height or 1)


def data_url(placeholder: bytes | None) -> str | None:
    """Return a placeholder, a tiny WebP, as a `data:` URL."""
    if placeholder is None:
        return None
    return f"data:image/webp;base64,{base64.b64encode(placeholder).decode()}"
