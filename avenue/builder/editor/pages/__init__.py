"""The panel's pages of the website builder, under `/admin/website`."""

from avenue.builder.editor.pages import editor, website
from avenue.identity import Role
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import Entry

BLUEPRINTS = (website.blueprint, editor.blueprint)

NAVIGATION = (Entry(path=website.PATH, title=_("Website"), roles=(Role.EDITOR,)),)
