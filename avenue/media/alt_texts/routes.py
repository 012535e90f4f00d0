"""`/api/alt-texts`: alternative texts of products, groups and the library."""

from flask import Blueprint, Response, jsonify

from avenue.errors import NotFound
from avenue.identity import Role
from avenue.media.alt_texts.bodies import AltText, SuggestionWanted
from avenue.media.alt_texts.errors import (
    DescribedMeanwhile,
    NoSuggestions,
    NothingSuggested,
    PictureNotFound,
    SuggestersBusy,
)
from avenue.media.alt_texts.models import Description
from avenue.media.alt_texts.replies import Described, Suggestion
from avenue.media.alt_texts.service import AltTextService
from avenue.media.alt_texts.suggesting import Suggester
from avenue.media.errors import DamagedFile
from avenue.media.models import Asset
from avenue.media.renditions.service import RenditionBusy
from avenue.web.audit import audited, note_each, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.parsing import body_as
from avenue.web.services import using

LIBRARY = "library"

blueprint = Blueprint("alt_texts", __name__, url_prefix="/api/alt-texts")


@blueprint.put("/<asset_id>")
@require(Role.EDITOR, Role.STAFF)
@described(body=AltText, replies={200: Described}, refuses=(PictureNotFound, DescribedMeanwhile))
@audited("media.changed")
def write_alt_text(asset_id: str) -> Response:
    """Set the alternative text of a picture in one language, or mark it as decorative.

    Refused if its text is no longer `was`.
    """
    body = body_as(AltText)
    asset, is_new = using(AltTextService).describe(
        current_actor(), asset_id, Description(**body.model_dump())
    )
    if is_new:
        note_description(asset)
    else:
        nothing_changed()
    told: Described = {"id": asset.id, "alt": dict(asset.alt), "decorative": asset.decorative}
    return jsonify(told)


@blueprint.post("/<asset_id>/suggestion")
@require(Role.EDITOR, Role.STAFF)
@described(
    body=SuggestionWanted,
    replies={200: Suggestion},
    refuses=(
        *(NotFound, PictureNotFound, NoSuggestions, NothingSuggested),
        *(SuggestersBusy, RenditionBusy, DamagedFile),
    ),
)
@audited("media.suggested")
def suggest_alt_text(asset_id: str) -> Response:
    """Ask the service of `AVENUE_ALT_TEXT_URL` for a suggestion; nothing is stored."""
    wanted = body_as(SuggestionWanted)
    told: Suggestion = {"alt": using(Suggester).suggest(current_actor(), asset_id, wanted.language)}
    nothing_changed()
    return jsonify(told)


def note_description(asset: Asset) -> None:
    """Record in the audit log that a picture was described, like the feature it belongs to."""
    fields = ["alt", "decorative"]
    claim = asset.claim
    if claim is None or claim.kind == LIBRARY:
        note_each("media.changed", [asset.id], fields=fields)
    else:
        note_each(f"{claim.kind}.image_described", [claim.id], asset_id=asset.id, fields=fields)
