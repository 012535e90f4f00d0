"""The shop as JSON."""

from avenue.shop.routes import (
    groups,
    imports,
    mobile,
    old_ids,
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

for _blueprint in (products, groups, pictures, mobile):
    _blueprint.blueprint.before_request(old_ids.read_old_id)
