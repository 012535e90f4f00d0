"""The panel's pages of general uploads, under `/admin/uploads`."""

from avenue.uploads.pages import adding, sharing, upload, uploads
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import Entry, Group

BLUEPRINTS = (uploads.blueprint, adding.blueprint, upload.blueprint, sharing.blueprint)

NAVIGATION = (Entry(path=uploads.PATH, title=_("Files"), icon="files", group=Group.CONTENT),)
"""All people have their own uploads."""
