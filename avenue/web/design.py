"""`/admin/design`: every component of the panel in both themes, for developers."""

from flask import Blueprint, Response

from avenue.identity import Role
from avenue.web.auth import require
from avenue.web.pages import page

PATH = "/admin/design"
SURFACES = ("paper", "ground", "sunken", "ink", "faint", "line", "hairline")
MEANINGS = ("accent", "on-accent", "accent-soft", "alarm", "alarm-soft", "warn", "warn-soft")

blueprint = Blueprint("design", __name__, template_folder="templates")


@blueprint.get(PATH)
@require(Role.ADMIN)
def show_components() -> Response:
    """Show the components of the panel. Only `serve --local` has this page."""
    return page("design.html", tokens=(*SURFACES, *MEANINGS), themes=("light", "dark"))
