"""The panel's pages of the shop, under `/admin`, and the shop window, for everybody."""

from avenue.identity import Role
from avenue.shop.pages import home, imports, picture_imports, products
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import Entry

BLUEPRINTS = (home.blueprint, products.blueprint, imports.blueprint, picture_imports.blueprint)

NAVIGATION = (
    Entry(path=products.PATH, title=_("Products"), roles=(Role.SELLER,)),
    Entry(path=imports.PATH, title=_("Import"), roles=(Role.SELLER,)),
)
