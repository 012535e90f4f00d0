"""The panel's pages of the shop, under `/admin`, and the shop window, for everybody."""

from avenue.identity import Role
from avenue.shop.pages import groups, home, problems, products
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import Entry

BLUEPRINTS = (home.blueprint, products.blueprint, groups.blueprint, problems.blueprint)

NAVIGATION = (
    Entry(path=products.PATH, title=_("Products"), roles=(Role.SELLER,)),
    Entry(path=groups.PATH, title=_("Groups"), roles=(Role.SELLER,)),
    Entry(path=problems.PATH, title=_("Problems"), roles=(Role.OPS,)),
)
