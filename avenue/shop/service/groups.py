"""The use cases of groups."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from avenue.clock import utc_now
from avenue.identity import Actor, Role, new_id
from avenue.media.intake.library import MediaLibrary
from avenue.media.models import State
from avenue.shop.errors import GroupNotFound, ImageNotFound, RevisionConflict
from avenue.shop.models import (
    Changes,
    Group,
    GroupQuery,
    Option,
    Page,
    PicturedGroup,
    Product,
    Sort,
    pictures_of,
    shown_to,
)
from avenue.shop.service.access import may_change, may_see
from avenue.shop.store.groups import GroupStore
from avenue.shop.store.product_queries import ProductQueries

CHANGE_TRIES = 5
MOST_CHOICES = 1000
MOST_NAMES = 100


class GroupService:
    """Groups. They are public; sellers change their own, staff and administrators all."""

    def __init__(self, groups: GroupStore, products: ProductQueries, library: MediaLibrary) -> None:
        self._groups = groups
        self._products = products
        self._library = library

    def create(
        self,
        actor: Actor,
        *,
        model: str,
        name: str,
        product_ids: Sequence[str],
        group_id: str | None = None,
    ) -> PicturedGroup:
        """Create a group of the actor's own with these products; raise `ProductNotFound`.

        Its id is `group_id`, if that was chosen before and no one else knows it.

        A product that was in another group is moved.
        """
        actor.must_be_signed_in(Role.SELLER)
        now = utc_now()
        group = Group(
            id=group_id or new_id(),
            owner=actor.id,
            model=model,
            name=name,
            options=(),
            images=(),
            revision=1,
            created_at=now,
            updated_at=now,
        )
        self._groups.insert(actor.site.id, group, product_ids, owner=_whose(actor))
        return self._pictured(actor, [group])[0]

    def get(self, actor: Actor, group_id: str) -> PicturedGroup:
        """Return a group; raise `GroupNotFound`."""
        group = self._groups.get(actor.site.id, group_id)
        if group is None:
            raise GroupNotFound
        return self._pictured(actor, [group])[0]

    def get_own(self, actor: Actor, group_id: str) -> tuple[PicturedGroup, list[Product]]:
        """Return a group the actor may change, and all its products, oldest first."""
        group = self._own(actor, group_id)
        members = self._products.grouped(actor.site.id, [group.id])[group.id]
        return self._pictured(actor, [group])[0], members

    def names(self, actor: Actor) -> list[Group]:
        """Return the first groups by name, for a selection."""
        query = GroupQuery(sort=Sort.NAME, descending=False, limit=MOST_NAMES)
        found, _ = self._groups.find(actor.site.id, query)
        return found[:MOST_NAMES]

    def models_of(self, actor: Actor, group_ids: Iterable[str]) -> dict[str, str]:
        """Return the models of these groups, by id."""
        return self._groups.models_of(actor.site.id, group_ids)

    def find(self, actor: Actor, query: GroupQuery) -> Page:
        """Return a page of the groups."""
        found, total = self._groups.find(actor.site.id, query)
        page = Page.of(
            found, query.limit, lambda last: (SORT_VALUES[query.sort](last), last.id), total=total
        )
        return replace(page, items=tuple(self._pictured(actor, page.items)))

    def choices(self, actor: Actor) -> list[Group]:
        """Return the groups that the actor may add products to, by name."""
        actor.must_be_signed_in(Role.SELLER)
        return self._groups.owned_by(actor.site.id, _whose(actor), MOST_CHOICES)

    def change(
        self,
        actor: Actor,
        group_id: str,
        changes: Changes,
        product_ids: Sequence[str] | None,
        revision: int | None,
    ) -> PicturedGroup:
        """Change fields of an own group, and its products unless None.

        Raise `RevisionConflict` if `revision` is outdated, `ProductNotFound` for a product of
        someone else, `ImageNotFound` if an option refers to a picture the group does not have.
        """
        for _ in range(CHANGE_TRIES):
            group = self._own(actor, group_id)
            if revision is not None and group.revision != revision:
                break
            _check_options(group, changes.get("options", ()))
            changed = self._groups.change(
                actor.site.id, group, changes, product_ids, owner=_whose(actor)
            )
            if changed:
                return self._pictured(actor, [changed])[0]
        raise RevisionConflict

    def delete(self, actor: Actor, group_id: str) -> None:
        """Delete an own group: its pictures go to the trash, its products stay."""
        group = self._own(actor, group_id)
        self._groups.delete(actor.site.id, group, by=actor.id)

    def _own(self, actor: Actor, group_id: str) -> Group:
        """Return a group the actor may change; for everyone else it does not exist."""
        actor.must_be_signed_in(Role.SELLER)
        group = self._groups.get(actor.site.id, group_id)
        if group is None or not may_change(actor, group):
            raise GroupNotFound
        return group

    def _pictured(self, actor: Actor, groups: Sequence[Group]) -> list[PicturedGroup]:
        """Return `groups` with their live pictures and visible products, by two queries."""
        ids = [image.asset for group in groups for image in group.images if image.asset]
        assets = shown_to(actor, self._library.get_many(actor, ids).values())
        live = {each.id: each for each in assets if each.state is State.LIVE}
        members = self._products.grouped(actor.site.id, [each.id for each in groups])
        return [
            PicturedGroup(
                group=group,
                images=pictures_of(group.images, live),
                product_ids=tuple(
                    each.id
                    for each in members[group.id]
                    if may_see(actor, each) or may_change(actor, group)
                ),
            )
            for group in groups
        ]


SORT_VALUES: Mapping[Sort, Callable[[Group], object]] = {
    Sort.CREATED: lambda group: group.created_at,
    Sort.UPDATED: lambda group: group.updated_at,
    Sort.NAME: lambda group: group.name_key,
}


def _whose(actor: Actor) -> str | None:
    """Return whose products the actor may put into a group; None is everybody's."""
    return None if actor.runs_shop else actor.id


def _check_options(group: Group, options: Sequence[Option]) -> None:
    keys = {each.key for each in group.images}
    if any(set(option.images) - keys for option in options):
        raise ImageNotFound
