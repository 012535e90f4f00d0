"""Groups of products as JSON, under `/api/shop/groups`."""

from flask import Blueprint, Response, g, jsonify

from avenue.errors import Invalid
from avenue.identity import Role
from avenue.media.models import Claim
from avenue.shop.errors import GroupNotFound, ImageNotFound, ProductNotFound, RevisionConflict
from avenue.shop.models import GROUP, GroupQuery, Option
from avenue.shop.paging import cursor_text
from avenue.shop.presenting import group_json
from avenue.shop.replies import Group, GroupList
from avenue.shop.routes.bodies import GroupChanges, NewGroup
from avenue.shop.routes.lists import LIST_REFUSALS, GroupsQuery, list_asked_for
from avenue.shop.routes.owners import showing_current
from avenue.shop.service.groups import SORT_VALUES, GroupService
from avenue.totals import total_json
from avenue.web.audit import audited
from avenue.web.auth import InvalidToken, current_actor, reading_actor, require
from avenue.web.describing import JSON, LOCATION, NOT_MODIFIED, Reply, described
from avenue.web.parsing import body_as
from avenue.web.services import using

blueprint = Blueprint("groups", __name__, url_prefix="/api/shop/groups")


@blueprint.get("")
@described(
    query=GroupsQuery,
    replies={200: GroupList, 304: NOT_MODIFIED},
    refuses=(InvalidToken, *LIST_REFUSALS),
    personal=True,
)
def list_groups() -> Response:
    """List the groups: `?search ?sort ?limit ?after`."""
    actor, query = reading_actor(), GroupQuery(**list_asked_for([*SORT_VALUES]))
    found = using(GroupService).find(actor, query)
    listed: GroupList = {
        "items": [group_json(actor, each) for each in found.items],
        "next": cursor_text(query.sort, found.next) if found.next else None,
        **total_json(found.total),
    }
    return jsonify(listed)


@blueprint.post("")
@require(Role.SELLER)
@described(
    body=NewGroup,
    replies={201: Reply({JSON: Group}, headers=(LOCATION,))},
    refuses=(ProductNotFound, Invalid),
)
@audited("group.created")
def create_group() -> tuple[Response, int, dict[str, str]]:
    """Create a group of the caller's own, with products of the caller's own."""
    actor, body = current_actor(), body_as(NewGroup)
    model, name = body.model or body.name, body.name or body.model
    if model is None or name is None:
        raise Invalid("A group needs a `model` or a `name`.")
    created = using(GroupService).create(
        actor, model=model, name=name, product_ids=body.product_ids
    )
    location = f"{g.site.base_url}/api/shop/groups/{created.group.id}"
    return jsonify(group_json(actor, created)), 201, {"Location": location}


@blueprint.get("/<group_id>")
@described(
    replies={200: Group, 304: NOT_MODIFIED}, refuses=(GroupNotFound, InvalidToken), personal=True
)
def show_group(group_id: str) -> Response:
    """Show one group with those of its products the caller may see."""
    actor = reading_actor()
    return jsonify(group_json(actor, using(GroupService).get(actor, group_id)))


@blueprint.patch("/<group_id>")
@require(Role.SELLER)
@described(
    body=GroupChanges,
    replies={200: Group},
    refuses=(GroupNotFound, ProductNotFound, ImageNotFound, RevisionConflict),
)
@audited("group.changed", "group_id")
def change_group(group_id: str) -> Response:
    """Change the given fields; `product_ids` and `options` are replaced as a whole."""
    actor, body = current_actor(), body_as(GroupChanges)
    changes = body.model_dump(exclude_unset=True, exclude={"product_ids", "revision"})
    if "options" in changes:
        changes["options"] = tuple(
            Option(name=each.name, images=tuple(each.images)) for each in body.options
        )
    product_ids = body.product_ids if "product_ids" in body.model_fields_set else None
    with showing_current(actor, Claim(kind=GROUP, id=group_id)):
        changed = using(GroupService).change(actor, group_id, changes, product_ids, body.revision)
    return jsonify(group_json(actor, changed))


@blueprint.delete("/<group_id>")
@require(Role.SELLER)
@described(replies={204: None}, refuses=(GroupNotFound,))
@audited("group.deleted", "group_id")
def delete_group(group_id: str) -> tuple[str, int]:
    """Delete a group; its pictures go to the trash, its products stay."""
    using(GroupService).delete(current_actor(), group_id)
    return "", 204
