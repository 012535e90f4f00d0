"""How a stored picture looks in JSON: the same everywhere, and as upload clients expect it."""

from collections.abc import Sequence

from avenue.clock import iso
from avenue.identity import Site
from avenue.media.library import Refusal
from avenue.media.models import Asset, External
from avenue.media.replies import (
    ExternalFile,
    ExternalImage,
    File,
    Image,
    RefusedFile,
    UploadReply,
)
from avenue.media.urls import original_path, original_url


def picture_json(site: Site, picture: Asset | External) -> Image | ExternalImage:
    """Return the image JSON of a picture; one that lives elsewhere has only its URL."""
    if isinstance(picture, External):
        return {"id": None, "external": True, "url": picture.url, "variants": {}}
    return image_json(site, picture)


def image_json(site: Site, asset: Asset) -> Image:
    """Return the image JSON of `asset`, with absolute URLs of `site`.

    A temporary one has `expires_at` besides.
    """
    version = asset.current
    url = original_url(site, asset)
    image: Image = {
        "id": asset.id,
        "name": asset.name,
        "version": version.version,
        "url": url,
        "display_url": url,
        "media_type": version.media_type,
        "bytes": version.bytes,
        "width": version.width,
        "height": version.height,
        "sha256": version.sha256,
        "alt": dict(asset.alt),
        "decorative": asset.decorative,
        "focal": list(asset.focal) if asset.focal else None,
        "color": None,
        "placeholder": None,
        "visibility": asset.visibility,
        "variants": {},
        "srcset": "",
        "created_at": iso(asset.created_at),
    }
    if asset.expires_at:
        image["expires_at"] = iso(asset.expires_at)
    return image


def upload_json(site: Site, assets: Sequence[Asset], refusals: Sequence[Refusal]) -> UploadReply:
    """Return one body that serves the usual upload clients unchanged.

    Editor.js reads `success` and `file.url`, TinyMCE `location`, CKEditor `url` or `urls`,
    GrapesJS `data`, Uppy and Dropzone `url`; each was driven with its real package.
    """
    files: list[File | ExternalFile] = [_file_json(site, asset) for asset in assets]
    first = files[0]
    return {
        "success": 1,
        "id": first["id"],
        "url": first["url"],
        "location": first["url"],
        "path": original_path(assets[0]),
        "file": first,
        "files": files,
        "data": files,
        "urls": {"default": first["url"]},
        "errors": refused_json(refusals),
    }


def refused_json(refusals: Sequence[Refusal]) -> list[RefusedFile]:
    """Return which files were not taken, and why."""
    return [{"name": each.name, "code": each.code, "message": each.message} for each in refusals]


def external_json(picture: External) -> UploadReply:
    """Return the upload reply for a picture that lives elsewhere."""
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


def _file_json(site: Site, asset: Asset) -> File:
    version = asset.current
    return {
        **image_json(site, asset),
        "src": original_url(site, asset),
        "type": "image",
        "size": version.bytes,
        "mime": version.media_type,
    }
