"""`/admin/infrastructure/cost`: what a number of visits a month needs and costs."""

from collections.abc import Mapping

from flask import Blueprint, Response, request
from flask_babel import LazyString, format_decimal
from pydantic import ValidationError

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import filled
from avenue.field_problems import problems_of
from avenue.health.views.capacity.prices import Kind
from avenue.health.views.capacity.visits import Assumptions, VisitsPlan, plan_of
from avenue.health.views.pages.tabs import INFRASTRUCTURE, tabs_for
from avenue.identity import Role
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext, lazy_gettext as _
from avenue.web.pages import page
from avenue.web.services import using

USUAL = {"visits": "1M"}
LONGEST_ANSWER = 30

FIELDS: Mapping[str, LazyString] = {
    "visits": _("Visits a month, all sites together"),
    "sites": _("Sites"),
    "hit_ratio": _("Share of images served by the CDN, from 0 to 1"),
    "pictures_per_visit": _("Images per visit"),
    "picture_kb": _("Size of a picture as sent, in KB"),
    "pictures_per_site": _("Images stored per site"),
    "original_kb": _("Size of an original, in KB"),
    "variants_kb": _("Size of its other sizes together, in KB"),
    "peak": _("Busiest hour, as a multiple of the average"),
}
KINDS: Mapping[Kind, LazyString] = {
    Kind.SELF_HOSTED: _("On your own servers"),
    Kind.MANAGED: _("With a managed database"),
}
PARTS: Mapping[str, LazyString] = {
    "database": _("Database"),
    "application": _("Application"),
    "edge": _("CDN"),
    "origin": _("Traffic to the CDN"),
    "backups": _("Backups"),
}

blueprint = Blueprint(
    "cost_pages", __name__, url_prefix=INFRASTRUCTURE, template_folder="../../templates"
)


@blueprint.get("/cost")
@require(Role.OPS)
def show_cost() -> Response:
    """Show the needs and cost of the visits and assumptions in the URL."""
    asked = {name: request.args[name][:LONGEST_ANSWER] for name in FIELDS if request.args.get(name)}
    found, problems = _plan({**USUAL, **asked})
    return page(
        "health/cost.html",
        tabs=tabs_for(current_actor()),
        here=request.path,
        fields=[(name, says, asked.get(name, _usual(name))) for name, says in FIELDS.items()],
        problems=problems,
        plan=found,
        kinds=KINDS,
        parts=PARTS,
        names=FIELDS,
        number=format_decimal,
        notes=[filled(text, words, gettext) for text, words in found.notes] if found else [],
    )


def _plan(asked: Mapping[str, str]) -> tuple[VisitsPlan | None, dict[str, str]]:
    """Return the plan, or the errors by field."""
    own = using(Settings).prices if current_actor().runs_deployment else ""
    try:
        return plan_of(Assumptions.model_validate(asked), own, utc_now().date()), {}
    except ValidationError as error:
        return None, {
            name: filled(text, words, gettext) for name, text, words in problems_of(error)
        }


def _usual(name: str) -> str:
    return USUAL.get(name) or f"{Assumptions.model_fields[name].default:g}"
