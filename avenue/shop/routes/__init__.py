"""The shop as JSON."""

from avenue.shop.routes import groups, mobile, pictures, products, temporary

BLUEPRINTS = (
    products.blueprint,
    groups.blueprint,
    pictures.blueprint,
    temporary.blueprint,
    mobile.blueprint,
)
