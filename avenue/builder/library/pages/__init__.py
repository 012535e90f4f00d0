"""The panel's pages of the media library, under `/admin/library`."""

from avenue.builder.library.pages import folders, lists, media, reports
from avenue.identity import Role
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import Entry, Group

BLUEPRINTS = (lists.blueprint, folders.blueprint, media.blueprint, reports.blueprint)

NAVIGATION = (
    Entry(
        path=lists.PATH,
        title=_("Library"),
        icon="library",
        group=Group.CONTENT,
        roles=(Role.EDITOR,),
    ),
)
