"""`/admin/alt-texts`: pictures without an alternative text, one field each.

With JavaScript (`js/lists/alt_texts.js`) each text is saved when its field is left, and the next
rows load automatically; without it the form saves all fields of the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import LazyString
from pydantic import ValidationError

from avenue.bodies import LONGEST_ALT
from avenue.cursors import cursor, read_cursor
from avenue.identity import Role, Site
from avenue.media.alt_texts.bodies import AltText
from avenue.media.alt_texts.errors import DescribedMeanwhile, PictureNotFound
from avenue.media.alt_texts.models import Description
from avenue.media.alt_texts.routes import note_description
from avenue.media.alt_texts.service import AltTextService
from avenue.media.alt_texts.suggesting import Suggester
from avenue.media.models import Asset
from avenue.media.presenting import image_json, sources
from avenue.web.audit import audited, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import LANGUAGES, gettext as _, lazy_gettext, ngettext
from avenue.web.listing import here_with
from avenue.web.pages import MOST_SHOWN, Entry, Group, here, page, see
from avenue.web.parsing import LARGEST_PAGE, page_asked_for
from avenue.web.picture_words import screen_words
from avenue.web.services import using

PATH = "/admin/alt-texts"
FEATURES: Mapping[str, LazyString] = {
    "shop": lazy_gettext("Products and groups"),
    "library": lazy_gettext("Library"),
}
TONGUES: Mapping[str, str] = {"es": "Español", "en": "English"}
WIDEST = 640
"""In pixels: as many as the large picture beside the list has on most screens."""
OWN_PAGE: Mapping[str, str] = {
    "product": "/admin/products/{owner}",
    "group": "/admin/groups/{owner}",
    "library": "/admin/library/{asset}",
}
"""The page with more actions for a picture, by its claim."""
NAVIGATION = (
    Entry(
        path=PATH,
        title=lazy_gettext("Alt texts"),
        icon="alt",
        group=Group.CONTENT,
        roles=(Role.EDITOR, Role.STAFF),
        count=lambda actor: using(AltTextService).lacking(actor, MOST_SHOWN),
    ),
)
TEXTS: Mapping[str, LazyString] = {
    "saving": lazy_gettext("Saving…"),
    "saved": lazy_gettext("Saved"),
    "is_decorative": lazy_gettext("Decorative (no description needed)"),
    "take_back": lazy_gettext("Not decorative"),
    "decorative": lazy_gettext("Decorative"),
    "meanwhile": lazy_gettext(
        "Someone else wrote “{text}” in the meantime. Press Enter to use yours, or Escape "
        "to keep that."
    ),
    "suggesting": lazy_gettext("Requesting a suggestion…"),
    "no_suggestion": lazy_gettext("No suggestion was received."),
    "done": lazy_gettext("{count} described"),
}

blueprint = Blueprint("alt_text_pages", __name__, url_prefix=PATH, template_folder="../templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A picture as the page shows it; `suggested` is a text the person can accept."""

    asset: Asset
    told: Any
    srcset: str
    path: str
    places: Any
    suggested: str


@dataclass(slots=True)
class Outcome:
    """The result of a form: how many texts were written, and which were not, with reasons."""

    written: int
    refused: list[tuple[str, str]]


@blueprint.get("")
@require(Role.EDITOR, Role.STAFF)
def show_lacking() -> Response:
    """List pictures without a text: `?of=`, `?language=`, `?after=`."""
    return _shown()


@blueprint.post("")
@require(Role.EDITOR, Role.STAFF)
@audited("media.changed")
def write_all() -> Response:
    """Save the texts of a page: `id` of each picture, `alt.<id>`, `was.<id>`, `decorative.<id>`."""
    outcome = Outcome(0, [])
    for asset_id in request.form.getlist("id")[:LARGEST_PAGE]:
        _write(asset_id, outcome)
    if not outcome.written:
        nothing_changed()
    if outcome.refused:
        return _shown(outcome)
    return see(here_with(said="saved" if outcome.written else None, count=str(outcome.written)))


def _write(asset_id: str, outcome: Outcome) -> None:
    """Save the fields of one picture, if they are filled in."""
    form, texts = request.form, using(AltTextService)
    text, is_decorative = form.get(f"alt.{asset_id}", ""), f"decorative.{asset_id}" in form
    if not text.strip() and not is_decorative:
        return
    name = form.get(f"name.{asset_id}", "")
    try:
        body = AltText(
            language=_language(),
            text=text,
            was=form.get(f"was.{asset_id}", ""),
            decorative=is_decorative,
        )
        asset, is_new = texts.describe(current_actor(), asset_id, Description(**body.model_dump()))
    except ValidationError:
        outcome.refused.append(
            (name, _("Too long: at most %(most)s characters.", most=LONGEST_ALT))
        )
    except PictureNotFound as error:
        outcome.refused.append((name, " ".join(error.said(_))))
    except DescribedMeanwhile as error:
        there = error.alt.get(_language(), "")
        why = _(
            "Someone else wrote “%(theirs)s” in the meantime, so “%(yours)s” was not saved.",
            theirs=there,
            yours=text,
        )
        outcome.refused.append((name, why))
    else:
        outcome.written += is_new
        if is_new:
            note_description(asset)


def _shown(outcome: Outcome | None = None) -> Response:
    actor, asked, language = current_actor(), page_asked_for(), _language()
    texts = using(AltTextService)
    features = [each.name for each in texts.features_of(actor)]
    feature = _asked_feature(features)
    after = read_cursor(asked.after)
    found = texts.find(actor, language, feature=feature, after=after, limit=asked.limit)
    languages = dict.fromkeys([actor.site.language, *LANGUAGES])
    return page(
        "alt_texts/alt_texts.html",
        status=409 if outcome else 200,
        rows=[_row(actor.site, asset, places) for asset, places in found.items],
        typed=request.form if outcome else {},
        refused=outcome.refused if outcome else [],
        total=found.total,
        next=here_with(after=cursor(*found.next)) if found.next else None,
        first=here_with() if after else None,
        features={each: FEATURES[each] for each in features} if len(features) > 1 else {},
        feature=feature,
        tongue=language,
        tongues={each: TONGUES.get(each, each) for each in languages},
        at=here_with,
        suggests=using(Suggester).is_set_up,
        longest=LONGEST_ALT,
        said=_said(),
        texts=screen_words() | {name: str(each) for name, each in TEXTS.items()},
    )


def _row(site: Site, asset: Asset, places: Any) -> Row:
    kind, owner = (asset.claim.kind, asset.claim.id) if asset.claim else ("library", "")
    return Row(
        asset=asset,
        told=image_json(site, asset),
        srcset=", ".join(
            f"{here(url)} {width}w" for width, url in sources(site, asset) if width <= WIDEST
        ),
        path=OWN_PAGE[kind].format(owner=owner, asset=asset.id),
        places=places,
        suggested=next((each.title for each in places if each.kind in OWN_PAGE), ""),
    )


def _asked_feature(features: Sequence[str]) -> str | None:
    """Return the requested feature, None for all."""
    asked = request.args.get("of", "")
    return asked if asked in features else None


def _language() -> str:
    """Return the requested language, by default that of the site."""
    asked, own = request.args.get("language", ""), str(g.site.language)
    return asked if asked in LANGUAGES else own


def _said() -> str:
    count = request.args.get("count", "0")
    if request.args.get("said") != "saved" or not count.isdecimal():
        return ""
    return ngettext("%(num)s text was saved.", "%(num)s texts were saved.", int(count[:4]))
