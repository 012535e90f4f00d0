"""The panel's pages of the shop, under `/admin`, and the public storefront."""

from avenue.identity import Role
from avenue.shop.pages import (
    demo,
    groups,
    home,
    imports,
    picture_imports,
    pictures,
    product,
    products,
    sharing,
    storefront,
)
from avenue.shop.service.products import ProductService
from avenue.web.language import lazy_gettext as _
from avenue.web.pages import MOST_SHOWN, Entry, Group
from avenue.web.services import using

BLUEPRINTS = (
    home.blueprint,
    products.blueprint,
    product.blueprint,
    pictures.blueprint,
    groups.blueprint,
    imports.blueprint,
    picture_imports.blueprint,
    sharing.blueprint,
    demo.blueprint,
    storefront.blueprint,
)

NAVIGATION = (
    Entry(
        path=products.PATH,
        title=_("Products"),
        icon="products",
        group=Group.STORE,
        roles=(Role.SELLER,),
        count=lambda actor: using(ProductService).drafts(actor, MOST_SHOWN),
        counted=_("drafts"),
    ),
    Entry(
        path=groups.PATH, title=_("Groups"), icon="groups", group=Group.STORE, roles=(Role.SELLER,)
    ),
    Entry(
        path=imports.PATH, title=_("Import"), icon="import", group=Group.STORE, roles=(Role.SELLER,)
    ),
)
