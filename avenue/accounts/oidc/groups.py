"""Roles by site from a provider's groups: the first match counts."""

from collections.abc import Collection, Mapping, Sequence

from avenue.config import EVERY_SITE, GroupRole
from avenue.identity import Role


class GroupRoles:
    """The table of `AVENUE_OIDC_GROUPS`."""

    def __init__(self, rows: Sequence[GroupRole]) -> None:
        self._rows = rows

    def decides_on(self, site: str) -> bool:
        """Return whether groups give roles on a site at all."""
        return any(row.site in {site, EVERY_SITE} for row in self._rows)

    def role_on(self, site: str, groups: Collection[str]) -> Role | None:
        """Return the role of a person in `groups` on a site; None is no role."""
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
        """Return the changes of a person's roles, on `site` and where they have one.

        None removes a role. Roles on sites that the table does not name stay.
        """
        wanted = {each: self.role_on(each, groups) for each in {site, *roles}}
        return {
            each: role
            for each, role in wanted.items()
            if self.decides_on(each) and roles.get(each) is not role
        }

    def cover(self, roles: Mapping[str, Role], groups: Collection[str]) -> bool:
        """Return whether a person in `groups` may do everything that `roles` allow."""
        given = {site: self.role_on(site, groups) for site in roles}
        return all((own := given[site]) and own.covers(role) for site, role in roles.items())
