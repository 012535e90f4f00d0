"""`POST /api/uploads/zip`: several uploads as one file."""

from collections.abc import Sequence

from flask import Blueprint, Response

from avenue.config import Settings
from avenue.identity import Scope
from avenue.media.errors import DamagedFile, InQuarantine, NotScanned, ZipTooLarge
from avenue.media.serving.delivery import deliver_made
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.zipping import ZIP_TYPE, bounded_zip
from avenue.uploads.bodies import ZipWanted
from avenue.uploads.errors import UploadNotFound
from avenue.uploads.service import UploadService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import Reply, described
from avenue.web.hosts import current_site
from avenue.web.parsing import body_as
from avenue.web.services import using

blueprint = Blueprint("upload_zips", __name__, url_prefix="/api/uploads")


@blueprint.post("/zip")
@require(scope=Scope.READ)
@described(
    body=ZipWanted,
    replies={200: Reply({ZIP_TYPE: bytes}, "The ZIP.", ("Content-Disposition",))},
    refuses=(UploadNotFound, ZipTooLarge, DamagedFile, NotScanned, InQuarantine),
)
@audited("upload.zip_made")
def make_zip() -> Response:
    """Return up to 500 uploads as one ZIP; all or none."""
    return zipped(body_as(ZipWanted).ids)


def zipped(upload_ids: Sequence[str]) -> Response:
    """Return uploads as a ZIP and log it; raise `UploadNotFound`, `ZipTooLarge`."""
    found = using(UploadService).get_all(current_actor(), upload_ids)
    files = [using(MediaReader).open(each) for each in found]
    made = bounded_zip(files, using(Settings).max_zip_mb)
    response = deliver_made(
        made.pieces(), made.length, name=f"{current_site().name}.zip", media_type=ZIP_TYPE
    )
    note(assets=sorted(upload_ids))
    return response
