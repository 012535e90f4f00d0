"""What the groups of a provider give: roles by site, the first that fits."""

from collections.abc import Collection, Mapping, Sequence

from avenue.config import EVERY_SITE, GroupRole
from avenue.identity import Role


class GroupRoles:
    """The table of `AVENUE_OIDC_GROUPS`."""

    def __init__(self, rows: Sequence[GroupRole]) -> None:
        self._rows = rows

    def decides_on(self, site: str) -> bool:
        """Tell whether groups give roles on a site at all."""
        return any(row.site in {site, EVERY_SITE} for row in self._rows)

    def role_on(self, site: str, groups: Collection[str]) -> Role | None:
        """Return what who is in `groups` is on a site; None is nothing."""
        return next(
            (
                Role(row.role)
                for row in self._rows
                if row.site in {site, EVERY_SITE} and row.group in groups
            ),
            None,
        )

    def changes(
        self, roles: Mapping[str, Role], site: str, groups: Collection[str]
    ) -> dict[str, Role | None]:
        """Return what has to change of somebody's roles, on `site` and where they have one.

        None takes a role away. Roles on sites that the table does not name stay.
        """
        wanted = {each: self.role_on(each, groups) for each in {site, *roles}}
        return {
            each: role
            for each, role in wanted.items()
            if self.decides_on(each) and roles.get(each) is not role
        }

    def cover(self, roles: Mapping[str, Role], groups: Collection[str]) -> bool:
        """Tell whether who is in `groups` may do everything that `roles` let one do."""
        given = {site: self.role_on(site, groups) for site in roles}
        return all((own := given[site]) and own.covers(role) for site, role in roles.items())
