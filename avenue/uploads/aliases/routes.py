"""Upload paths of existing clients: `AVENUE_UPLOAD_ALIASES`.

`/api/core/orders/ image orders` accepts the file of a form and answers `{id, image, image_url}`:
the format of a client of another application, so that only its host needs to change.
"""

from collections.abc import Callable

from flask import Blueprint, Response, g, jsonify

from avenue.config import Settings, UploadAlias
from avenue.media.intake.receiving import idempotency_key, note_upload, upload_described
from avenue.media.pictures.variants import ORIGINAL
from avenue.media.signing.service import DAY_SECONDS
from avenue.uploads.errors import BadReference, TooManyUploads, UnknownCategory
from avenue.uploads.links.service import LinkService
from avenue.uploads.routes import received
from avenue.uploads.service import UploadService
from avenue.web.audit import audited
from avenue.web.auth import current_actor, require
from avenue.web.limits import upload_route
from avenue.web.services import using

MEDIA = "/media/"


def blueprint_of(settings: Settings) -> Blueprint:
    """Return the routes of the aliases; their links have the maximum lifetime."""
    blueprint = Blueprint("upload_aliases", __name__)
    seconds = settings.max_link_days * DAY_SECONDS
    for number, alias in enumerate(settings.aliases):
        blueprint.add_url_rule(
            alias.path,
            endpoint=f"upload_{number}",
            view_func=_view(alias, seconds),
            methods=["POST"],
            strict_slashes=False,
        )
    return blueprint


def _view(alias: UploadAlias, seconds: int) -> Callable[[], Response]:
    @require()
    @upload_route
    @upload_described(
        *(UnknownCategory, BadReference, TooManyUploads), reply=dict[str, str], files=("*/*",)
    )
    @audited("upload.added")
    def add_upload() -> Response:
        """Upload a file as an existing client does; `reference` is a field of the form."""
        actor = current_actor()
        filing, incoming = received(actor, category=alias.category)
        upload_result = using(UploadService).add(actor, filing, incoming, key=idempotency_key())
        [links] = using(LinkService).addresses(actor, upload_result.assets[:1], seconds)
        path = links[ORIGINAL].path
        note_upload(upload_result)
        response = jsonify(
            {
                "id": upload_result.assets[0].id,
                alias.field: path.removeprefix(MEDIA),
                f"{alias.field}_url": g.site.base_url + path,
            }
        )
        response.status_code = 201 if upload_result.created else 200
        if upload_result.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    return add_upload
