"""The shop as JSON."""

from avenue.shop.routes import (
    groups,
    imports,
    mobile,
    picture_imports,
    pictures,
    products,
    temporary,
)

BLUEPRINTS = (
    imports.blueprint,
    products.blueprint,
    groups.blueprint,
    picture_imports.blueprint,
    pictures.blueprint,
    temporary.blueprint,
    mobile.blueprint,
)
