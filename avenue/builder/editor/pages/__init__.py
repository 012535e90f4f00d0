"""The panel's pages of the website builder, under `/admin/website`."""

from avenue.builder.editor.pages import editor, website
from avenue.identity import Role
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import Entry, Group

BLUEPRINTS = (website.blueprint, editor.blueprint)

NAVIGATION = (
    Entry(
        path=website.PATH,
        title=_("Website"),
        icon="website",
        group=Group.CONTENT,
        roles=(Role.EDITOR,),
    ),
)
