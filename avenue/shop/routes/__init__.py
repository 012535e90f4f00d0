"""The shop as JSON."""

from avenue.shop.routes import groups, imports, mobile, pictures, products, temporary

BLUEPRINTS = (
    imports.blueprint,
    products.blueprint,
    groups.blueprint,
    pictures.blueprint,
    temporary.blueprint,
    mobile.blueprint,
)
