"""`/admin`: where the panel begins."""

from flask import Blueprint, Response

from avenue.web.auth import require
from avenue.web.pages import navigation, see

ACCOUNT = "/admin/account"
"""Everybody has that one."""

blueprint = Blueprint("panel", __name__, template_folder="../templates")


@blueprint.get("/admin")
@require()
def begin() -> Response:
    """Send people to the first page of the panel that is for them."""
    entries = navigation()
    return see(entries[0].path if entries else ACCOUNT)
